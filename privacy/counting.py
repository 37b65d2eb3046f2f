"""Sums over columns and counts of fates, which do not overflow."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privacy.fates import Fate, Fates
from privacy.local_dates import local_dates

_ALL_DIGITS: Final = Context(prec=80)
"""More than 38 digits add up to: Python alone would round a sum to 28."""


def added(total: Decimal, more: Decimal) -> Decimal:
    """Add two sums, to the last digit."""
    return _ALL_DIGITS.add(total, more)


def sum_of(column: pa.Array) -> Decimal:
    """Add up numbers, or dates as days since 1970-01-01: in decimals, which do not overflow."""
    if pa.types.is_temporal(column.type):
        column = local_dates(column).cast(pa.int32())
    if pa.types.is_integer(column.type):
        column = column.cast(pa.decimal128(19))
    total: Decimal | None = pc.sum(column).as_py()
    return total or Decimal(0)


def tally(fates: Fates) -> dict[Fate, int]:
    """Count the rows of each fate."""
    return {Fate(fate): int(rows) for fate, rows in enumerate(np.bincount(fates)) if rows}
