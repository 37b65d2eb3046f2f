"""Noise: within its bounds, even, the same in every run, and independent from one quantity to another."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from privacy.column_types import ColumnType
from privacy.draws import draws
from privacy.errors import PolicyError
from privacy.policy_file import read_policy
from privacy.treatments import Noise
from privacy.treatments.base import arrow, series
from tests.corner_shop import POLICY
from tests.promised import KEYS, treat, treatment
from tests.strategies import columns, integers

MONEY = pa.decimal128(12, 2)
amounts = st.decimals(-9_000_000, 9_000_000, places=2)


def noise(most: Any = "5.00", quantity: str = "total", form: str = "integer", domain: str = "sale") -> Noise:
    made = treatment(kind="noise", by="sale", domain=domain, form=form, quantity=quantity, most=most)
    assert isinstance(made, Noise)
    return made


def noises(how: Noise, rows: int) -> list[int]:
    """Give the noise of many rows that all hold the number 100."""
    column, sales = pa.array([100] * rows), pa.array(range(rows))
    return [value - 100 for value in arrow(how.treat(series(column), {"sale": series(sales)}, KEYS)).to_pylist()]


@given(columns(amounts, MONEY), st.decimals("0.01", 1_000_000, places=2), st.integers(0, 2**40))
def test_noise_is_a_draw_by_the_rows_key_in_units_of_the_last_digit(column, most, start):
    sales = pa.array(range(start, start + len(column)), pa.int64())
    units = int(most * 100)
    drawn = draws(sales, "integer", KEYS.noise_key("total", "sale"), 2 * units + 1).to_pylist()
    expected = [
        None if amount is None else amount + Decimal(draw - units).scaleb(-2)
        for amount, draw in zip(column.to_pylist(), drawn, strict=True)
    ]
    assert treat(noise(most), column, sale=sales) == expected


@pytest.mark.parametrize(
    "type_", [pa.int64(), pa.decimal128(5, 0), pa.decimal128(12, 2), pa.decimal128(38, 0), pa.decimal128(38, 30)]
)
@given(st.data())
def test_noise_is_added_up_to_the_bounds_of_the_type_and_ends_there(type_, data):
    scale = type_.scale if pa.types.is_decimal(type_) else 0
    limit = 10**type_.precision - 1 if pa.types.is_decimal(type_) else 2**63 - 1
    units = data.draw(st.lists(st.one_of(st.sampled_from([-limit, limit, 0]), st.integers(-limit, limit))))
    exact = [Decimal(f"{number}e-{scale}") for number in units] if scale or pa.types.is_decimal(type_) else units
    sales = pa.array(range(len(units)), pa.int64())
    result = treat(noise(Decimal(f"7e-{scale}")), pa.array(exact, type_), sale=sales)

    drawn = draws(sales, "integer", KEYS.noise_key("total", "sale"), 15).to_pylist()
    least = -limit - (type_ == pa.int64())  # which reaches one further down than up
    noisy = [max(least, min(limit, number + draw - 7)) for number, draw in zip(units, drawn, strict=True)]
    assert result == [Decimal(f"{number}e-{scale}") for number in noisy]


@given(columns(integers, pa.int64()), st.integers(0, 30))
def test_noise_does_not_depend_on_the_batch(column, cut):
    how, sales = noise(1000), pa.array(range(len(column)), pa.int64())
    parts = [treat(how, column.slice(*p), sale=sales.slice(*p)) for p in ((0, cut), (cut,))]
    assert treat(how, column, sale=sales) == parts[0] + parts[1]


def test_every_noise_between_the_bounds_is_about_equally_likely_both_bounds_included():
    counts = Counter(noises(noise(2), 50_000))
    assert set(counts) == {-2, -1, 0, 1, 2}
    assert all(abs(count - 10_000) < 600 for count in counts.values())  # six standard deviations


def test_two_quantities_of_one_row_carry_independent_noise_and_one_quantity_the_same():
    total, cost = noises(noise(1), 30_000), noises(noise(1, "cost"), 30_000)
    pairs = Counter(zip(total, cost, strict=True))
    assert len(pairs) == 9
    assert all(abs(count - 3_333) < 360 for count in pairs.values())
    assert noises(noise(1), 1000) == total[:1000]
    assert noises(noise(1, domain="bill"), 1000) != total[:1000]


def test_noise_has_a_key_of_its_own():
    derived = {KEYS.noise_key("total", "sale"), KEYS.noise_key("cost", "sale"), KEYS.noise_key("total", "bill")}
    assert len(derived | {KEYS.token_key("sale"), KEYS.shift_key("sale")}) == 5


def test_noise_is_that_of_this_table():
    """Golden: a change here makes every noise anew."""
    column = pa.array([Decimal("49.95")] * 3, MONEY)
    assert [str(v) for v in treat(noise(), column, sale=pa.array([1001, 1002, -7]))] == ["53.23", "48.20", "54.87"]


def test_rows_without_the_key_that_noise_follows_from_are_set_aside():
    column, sales = pa.array([1, 1, None]), pa.array([1, None, None], pa.int64())
    ((alone, why),) = noise(1).untreatable(column, {"sale": sales})
    assert (alone.to_pylist(), why) == ([False, True, False], "no sale beside it")
    assert arrow(noise(1).treat(series(column), {"sale": series(sales)}, KEYS)).to_pylist()[1] is None


@pytest.mark.parametrize(
    ("declared", "most", "misfit"),
    [
        ("decimal(12,2)", "0.01", None),
        ("decimal(12,2)", "0.001", "has a most with more digits behind the point than decimal(12,2)"),
        ("integer", "0.5", "has a most with more digits behind the point than integer"),
        ("decimal(3,0)", "249", None),
        ("decimal(3,0)", "250", "has a most that is too large for decimal(3,0)"),
        ("integer", 2**61 - 1, None),
        ("integer", 2**61, "has a most that is too large for integer"),
        ("decimal(38,0)", 2**61 + 1, "has a most that is too large for decimal(38,0)"),
    ],
)
def test_bounds_that_a_type_cannot_hold_are_told(declared, most, misfit):
    assert noise(most).misfit(ColumnType.parse(declared)) == misfit


@pytest.mark.parametrize("most", [0, -1, "NaN", "Infinity"])
def test_bounds_without_room_between_them_are_refused(most):
    with pytest.raises(ValidationError, match=r"noise\.most"):
        noise(most)


def test_noise_reads_exact_numbers_only():
    assert noise().accepts == {"integer", "decimal"}


def test_two_columns_of_a_table_that_would_carry_the_same_noise_are_refused():
    total = 'total: {type: "decimal(12,2)", role: quasi_identifier, treatment: keep, because: Turnover.}'
    assert total in POLICY
    noisy = '{name}: {{from: total, type: "decimal(12,2)", role: quasi_identifier, treatment: {how}}}'
    how = "{kind: noise, by: sale_id, domain: sale, quantity: total, most: 1}"
    text = POLICY.replace(total, "\n      ".join(noisy.format(name=name, how=how) for name in ("total", "again")))
    with pytest.raises(PolicyError) as caught:
        read_policy(text, "p.yaml")
    assert str(caught.value).endswith(
        "tables.sale.columns.again.treatment.quantity: is that of total too, so that both carry the same noise; "
        "name another."
    )
