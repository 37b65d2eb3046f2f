"""Rounding: to the nearest multiple, exactly, without drift, and never out of the type."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from privacy.column_types import ColumnType
from tests.promised import treat, treatment
from tests.strategies import columns, integers

TYPES = [pa.int64(), pa.decimal128(5, 0), pa.decimal128(12, 2), pa.decimal128(38, 0), pa.decimal128(38, 30)]


def in_units(units: int, type_: pa.DataType) -> Any:
    return Decimal(f"{units}e-{type_.scale}") if pa.types.is_decimal(type_) else units


@pytest.mark.parametrize("type_", TYPES)
@given(st.data())
def test_a_number_becomes_the_nearest_multiple_that_its_type_holds_and_of_two_the_even_one(type_, data):
    limit = 10**type_.precision - 1 if pa.types.is_decimal(type_) else 2**63 - 1
    step = data.draw(st.integers(2, limit // 4))
    numbers = st.one_of(st.sampled_from([-limit, limit, 0, step // 2]), st.integers(-limit, limit))
    units = data.draw(st.lists(numbers, max_size=20))

    column = pa.array([in_units(number, type_) for number in units], type_)
    rounded = treat(treatment(kind="round", step=in_units(step, type_)), column)

    last = limit // step
    first = -((limit + (type_ == pa.int64())) // step)  # int64 reaches one further down than up
    nearest = [max(first, min(last, round(Fraction(number, step)))) for number in units]  # round() is half to even
    assert rounded == [in_units(multiple * step, type_) for multiple in nearest]


@given(columns(integers, pa.int64()), st.integers(0, 30))
def test_rounding_does_not_depend_on_the_batch(column, cut):
    how = treatment(kind="round", step=7)
    assert treat(how, column) == treat(how, column.slice(0, cut)) + treat(how, column.slice(cut))


def test_numbers_are_rounded_as_in_this_table():
    """Golden."""
    column = pa.array([Decimal(text) for text in ("2.50", "7.50", "-2.51", "0.01", "-7.50")], pa.decimal128(12, 2))
    assert [str(value) for value in treat(treatment(kind="round", step=5), column)] == [
        "0.00",
        "10.00",
        "-5.00",
        "0.00",
        "-10.00",
    ]


@pytest.mark.parametrize(
    ("declared", "step", "misfit"),
    [
        ("decimal(12,2)", "0.02", None),
        ("decimal(12,2)", "0.01", "has a step that leaves every decimal(12,2) as it is"),
        ("integer", "1", "has a step that leaves every integer as it is"),
        ("decimal(12,2)", "0.125", "has a step with more digits behind the point than decimal(12,2)"),
        ("integer", "2.5", "has a step with more digits behind the point than integer"),
        ("decimal(3,0)", "250", "has a step that is too large for decimal(3,0)"),
    ],
)
def test_a_step_that_does_not_fit_a_type_is_told(declared, step, misfit):
    assert treatment(kind="round", step=step).misfit(ColumnType.parse(declared)) == misfit


@pytest.mark.parametrize("step", [0, -5, "NaN"])
def test_a_step_that_leads_nowhere_is_refused(step):
    with pytest.raises(ValidationError, match=r"round\.step"):
        treatment(kind="round", step=step)


def test_rounding_reads_exact_numbers_only():
    assert treatment(kind="round", step=5).accepts == {"integer", "decimal"}
