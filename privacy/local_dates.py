"""The local date of a moment, and the moment that a local clock shows: both are of the policy's time zone."""

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


def moments(shown: pa.Array, time_zone: str) -> pa.Array:
    """Give the moments (timestamp with zone) at which a local clock shows these times (timestamp without), day by day.

    Of an hour that a clock shows twice, the first is meant. One that it skips counts on: 02:30 is 03:30. On a day that
    it skipped (30 December 2011 in Samoa) there is no moment: NULL.
    """
    times = pl.Series(shown)
    found = _at(times, time_zone)
    if found.null_count() > times.null_count():
        found = found.fill_null(_at(times.dt.offset_by("1h"), time_zone))
    return found.to_arrow()


def _at(times: pl.Series, time_zone: str) -> pl.Series:
    return times.dt.replace_time_zone(time_zone, ambiguous="earliest", non_existent="null")
