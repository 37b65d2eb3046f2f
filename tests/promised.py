"""Treating a column in a test, and telling in plain Python whether a treatment's promises hold of what it gave."""

from __future__ import annotations

import datetime
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import TypeAdapter

from privacy import promises
from privacy.column_types import ColumnType
from privacy.keys import Epoch, Keys
from privacy.treatments import AnyTreatment, Treatment
from privacy.treatments.base import arrow, series

ROOT = bytes(range(32))
KEYS = Keys(Epoch(1, datetime.date(2026, 1, 1), ROOT))

_FIRST_MONTHS = {"month": range(1, 13), "quarter": (1, 4, 7, 10), "year": (1,)}


def treatment(**parameters: Any) -> Treatment:
    """Read a treatment as a policy does."""
    made: Treatment = TypeAdapter(AnyTreatment).validate_python(parameters)
    return made


def treat(how: Treatment, column: pa.Array, **beside: pa.Array) -> list[Any]:
    """Treat a column; whatever the treatment, its types, length, missing values and promises are checked."""
    assert _declared(column.type).name in how.accepts
    assert set(beside) == set(how.needs())
    assert all(_declared(beside[name].type).name in types for name, types in how.needs().items())
    result = arrow(how.treat(series(column), {name: series(other) for name, other in beside.items()}, KEYS))
    result.validate(full=True)
    assert result.type == how.gives(_declared(column.type), "Europe/Amsterdam")
    emptied = promises.IsNull() in how.promises()
    assert result.is_null().to_pylist() == [emptied or missing for missing in column.is_null().to_pylist()]
    for promise in how.promises():
        broken = [value for value in result.to_pylist() if value is not None and not holds(promise, value)]
        assert not broken, (promise, broken)
    values: list[Any] = result.to_pylist()
    return values


def holds(promise: promises.Promise, value: Any) -> bool:
    """Tell whether a promise holds of a value that is not missing."""
    match promise:
        case promises.InValues(values=values):
            return value in values
        case promises.Matches(pattern=pattern):
            return bool(pc.match_substring_regex(value, f"^({pattern})$").as_py())
        case promises.Between(least=least, most=most):
            return (least is None or value >= least) and (most is None or value <= most)
        case promises.MultipleOf(step=step):
            return Fraction(value) % Fraction(step) == 0
        case promises.PeriodStart(period=period):
            return period == "day" or (value.day == 1 and value.month in _FIRST_MONTHS[period])
        case promises.IsToken():
            return bool(value.version == 8)
        case promises.IsNull():
            return False
    raise AssertionError(f"no test for {promise}")


def _declared(type_: pa.DataType) -> ColumnType:
    if pa.types.is_decimal(type_):
        return ColumnType("decimal", type_.precision, type_.scale)
    if pa.types.is_timestamp(type_):
        return ColumnType("timestamp")
    names = {pa.int64(): "integer", pa.float64(): "double", pa.string(): "text", pa.date32(): "date"}
    return ColumnType.parse(names[type_])
