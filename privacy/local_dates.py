"""The local date of a moment, and the moment that a local clock shows: both are of the policy's time zone."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from privacy.key_index import Integers, is_null

_DAY = 86_400_000_000
"""In microseconds."""

_SPAN = 1024
"""Days that are asked for at once, and remembered: batches have many days in common."""


def local_dates(column: pa.Array) -> pa.Array:
    """Give the date (date32) of each date or timestamp; a timestamp's type carries its zone.

    By polars, which knows daylight saving time after 2037, where Arrow's time zone rules end. It is asked how far local
    clocks are ahead at the start of each day, and moment by moment only on days during which that changes.
    """
    if pa.types.is_date(column.type):
        return column
    least, most = (moment.value for moment in pc.min_max(column).values())
    if least is None or column.type.unit != "us" or most - least > _DAY * len(column):
        return _one_by_one(column)
    first = least // _DAY
    ahead = _ahead(first, most // _DAY + 2, column.type.tz)
    moments_ = column.cast(pa.int64()).fill_null(least).to_numpy(zero_copy_only=False)
    day = moments_ // _DAY - first
    dates = pa.array(((moments_ + ahead[day]) // _DAY).astype(np.int32), mask=is_null(column)).cast(pa.date32())
    changing = pa.array((ahead[1:] != ahead[:-1])[day])
    if not pc.any(changing).as_py():
        return dates
    return pc.replace_with_mask(dates, changing, _one_by_one(column.filter(changing)))


def _one_by_one(column: pa.Array) -> pa.Array:
    return pl.Series(column).dt.date().to_arrow()


def _ahead(first: int, end: int, time_zone: str) -> Integers:
    """Give how many microseconds local clocks are ahead of UTC at the start of each day (since 1970-01-01, in UTC)."""
    spans = range(first // _SPAN, (end - 1) // _SPAN + 1)
    known = np.concatenate([_ahead_in(span, time_zone) for span in spans])
    return known[first - spans[0] * _SPAN : end - spans[0] * _SPAN]


@lru_cache(maxsize=256)
def _ahead_in(span: int, time_zone: str) -> Integers:
    days = np.arange(span * _SPAN, (span + 1) * _SPAN)
    starts = pl.Series(days * _DAY).cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(time_zone)
    shown: Integers = starts.dt.replace_time_zone(None).cast(pl.Int64).to_numpy()
    return shown - days * _DAY


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
