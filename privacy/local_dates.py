"""The local date of a moment: business dates are those of the policy's time zone."""

from __future__ import annotations

import polars as pl
import pyarrow as pa


def local_dates(column: pa.Array) -> pa.Array:
    """Give the date (date32) of each date or timestamp; a timestamp's type carries its zone.

    By polars, which knows daylight saving time after 2037, where Arrow's time zone rules end.
    """
    if pa.types.is_date(column.type):
        return column
    return pl.Series(column).dt.date().to_arrow()
