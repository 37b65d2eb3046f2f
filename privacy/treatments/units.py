"""Whole and decimal numbers as counts of their last digit's unit: exact arithmetic that ends where the type does."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Final

import numpy as np
import pyarrow as pa

from privacy.column_types import ColumnType, TypeName

EXACT: Final[frozenset[TypeName]] = frozenset({"integer", "decimal"})
"""Types of exact numbers. A double's last bits tell what was added to it (Mironov 2012); no decimal step fits it."""

_MOST: Final = 2**61
"""So many units that twice as many, both ways, can still be drawn."""

_ALL_DIGITS = Context(prec=200)


def units_of(number: Decimal, type_: pa.DataType) -> int | None:
    """Count a number in units of a type's last digit, None if it has more digits than that."""
    units = number.scaleb(scale_of(type_), _ALL_DIGITS)
    return int(units) if units == units.to_integral_value() else None


def scale_of(type_: pa.DataType) -> int:
    """Give the digits behind the point."""
    return int(type_.scale) if pa.types.is_decimal(type_) else 0


def limits(type_: pa.DataType) -> tuple[int, int]:
    """Give the least and the greatest number of a type, in its units."""
    if pa.types.is_decimal(type_):
        return 1 - 10**type_.precision, 10**type_.precision - 1
    return -(2**63), 2**63 - 1


def wide(type_: pa.DataType) -> pa.DataType:
    """Give a decimal type of the same scale in which sums of two numbers of a type have room."""
    return pa.decimal256(60, scale_of(type_))


def wide_number(units: int, type_: pa.DataType) -> pa.Scalar:
    """Make one number of so many units."""
    return pa.scalar(Decimal(units).scaleb(-scale_of(type_), _ALL_DIGITS), wide(type_))


def wide_numbers(units: pa.Array, type_: pa.DataType) -> pa.Array:
    """Make numbers of so many units each (int64), without going through text."""
    whole = units.fill_null(0).to_numpy(zero_copy_only=False)
    words = pa.py_buffer(np.stack([whole, whole >> 63, whole >> 63, whole >> 63], axis=1))
    validity = units.is_valid().buffers()[1]
    return pa.Array.from_buffers(wide(type_), len(units), [validity, words])


def too_fine_or_large(name: str, number: Decimal, declared: ColumnType) -> str | None:
    """Say why a parameter is no number of a column's type, None if it is one."""
    type_ = declared.arrow("UTC")
    units = units_of(number, type_)
    if units is None:
        return f"has a {name} with more digits behind the point than {declared}"
    return f"has a {name} that is too large for {declared}" if units > min(limits(type_)[1] // 4, _MOST) else None
