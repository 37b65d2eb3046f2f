"""Values as Python's database drivers give them, as Arrow columns: what does not fit its declared type is set aside."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from privacy.column_types import ColumnType
from privacy.key_index import Integers
from stores.source import WITH_OFFSET, ColumnKind

_CANNOT = (pa.ArrowException, TypeError, ValueError, OverflowError, ArithmeticError)


def arrow_columns(
    values: Sequence[Sequence[Any]], declared: Mapping[str, ColumnType], present: Mapping[str, ColumnKind]
) -> tuple[list[pa.Array], Integers]:
    """Make a column of each sequence of values, and marks: a bit per column, for values that are none of its type."""
    marks = np.zeros(len(values[0]), np.int64)
    columns = []
    for bit, (given, (name, kind)) in enumerate(zip(values, declared.items(), strict=True)):
        column, unfit = _column(given, _converter(kind, present[name]), _type(kind, present[name]))
        columns.append(column)
        marks[unfit] |= 1 << bit
    return columns, marks


def _column(given: Sequence[Any], convert: Callable[[Any], Any], to: pa.DataType) -> tuple[pa.Array, list[int]]:
    try:
        return pa.array([None if value is None else convert(value) for value in given], to), []
    except _CANNOT:
        pass
    fitting = [_one(value, convert, to) for value in given]
    unfit = [row for row, value in enumerate(fitting) if value is None and given[row] is not None]
    return pa.array(fitting, to), unfit


def _one(value: Any, convert: Callable[[Any], Any], to: pa.DataType) -> Any:
    try:
        return None if value is None else pa.scalar(convert(value), to).as_py()
    except _CANNOT:
        return None


def _type(declared: ColumnType, present: ColumnKind) -> pa.DataType:
    if present.family == "text" or declared.name == "text":
        return pa.string()
    if declared.name == "timestamp":
        return pa.timestamp("us", "UTC" if present.family == WITH_OFFSET else None)
    return pa.int64() if declared.name == "boolean" else declared.arrow("UTC")


def _converter(declared: ColumnType, present: ColumnKind) -> Callable[[Any], Any]:
    if present.family == "text" or declared.name == "text":
        return str
    converters: dict[str, Callable[[Any], Any]] = {
        "integer": _whole,
        "boolean": _whole,
        "decimal": lambda value: value if isinstance(value, Decimal) else Decimal(str(value)),
        "double": float,
        "date": _day,
        "timestamp": _as_it_is,
    }
    return converters[declared.name]


def _whole(value: Any) -> int:
    if value != int(value):
        raise ValueError
    return int(value)


def _day(value: Any) -> Any:
    """Take midnight for its day: some databases have no type for days alone."""
    if isinstance(value, datetime.datetime):
        if value.time() != datetime.time():
            raise ValueError
        return value.date()
    return value


def _as_it_is(value: Any) -> Any:
    return value
