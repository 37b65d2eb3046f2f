"""Retention: the first day on which a row must be absent.

The last day kept is the event's local date plus the period (29 February + n years → 28 February); the row is absent
from the day after. What is published and compared is only the first day of that month: rows leave at that month's
start, never later than promised, and exact dates do not leak through it.
"""

from __future__ import annotations

import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from privacy.fates import NO_CLOCK, Days
from privacy.local_dates import local_dates
from privacy.retention_rules import Duration

NO_EVENT = np.int32(np.iinfo(np.int32).min)
"""Stands for "has not happened" among event days."""

_EPOCH = datetime.date(1970, 1, 1)


def first_absent_month(events: Days, period: Duration) -> Days:
    """Give the first day of the month from which rows are absent, NO_CLOCK where the event has not happened."""
    each = pa.array(events).dictionary_encode()  # a batch has few different days, and calendars are slow
    days: Days = _first_absent_month(each.dictionary.to_numpy(), period)[each.indices.to_numpy()]
    return days


def _first_absent_month(events: Days, period: Duration) -> Days:
    happened = events != NO_EVENT
    days = np.where(happened, events, 0).astype("datetime64[D]")
    last_kept = later(days, period)
    absent = (last_kept + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return np.where(happened, absent, NO_CLOCK).astype(np.int32)


def later(days: npt.NDArray[np.datetime64], period: Duration) -> npt.NDArray[np.datetime64]:
    """Give the day that lies a period later; of a day that the month there does not have, that month's last."""
    if not period.months:
        return days + period.days
    month = days.astype("datetime64[M]")
    target = month + period.months
    day_of_month = (days - month.astype("datetime64[D]")).astype(np.int64)
    length = ((target + 1).astype("datetime64[D]") - target.astype("datetime64[D]")).astype(np.int64)
    found: npt.NDArray[np.datetime64] = target.astype("datetime64[D]") + np.minimum(day_of_month, length - 1)
    return found


def local_days(column: pa.Array) -> Days:
    """Give the local date of each date or timestamp as days, NO_EVENT for NULL. A timestamp's type carries its zone."""
    days: Days = local_dates(column).cast(pa.int32()).fill_null(int(NO_EVENT)).to_numpy(zero_copy_only=False)
    return days


def day_number(day: datetime.date) -> int:
    """Give a date as days since 1970-01-01."""
    return (day - _EPOCH).days


def date_of(day: int) -> datetime.date:
    """Give days since 1970-01-01 as a date."""
    return _EPOCH + datetime.timedelta(days=day)


def expiry_column(expires: Days) -> pa.Array:
    """Give expiry days as the published `_expires_on` (date32), NULL where no clock runs."""
    return pa.array(expires, mask=expires == NO_CLOCK).cast(pa.date32())
