"""Clocks of the source: the last day on which a row must be kept there, in days since 1970-01-01.

Seven years from the end of the book year in which the last event lies: an invoice of 10 March 2026 stays through
31 December 2033. The day is exact, not a month's first: it is for the source, and nobody is shown it row by row.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from privacy.fates import NO_CLOCK, Days
from privacy.policy_source import CountedFrom
from privacy.retention import NO_EVENT, later
from privacy.retention_rules import Duration

_LAST = np.int32(2932896)
"""31 December 9999."""

NEVER = NO_CLOCK
"""Stands for "on no day may it go" among last days: what it depends on has not happened, or cannot be read."""


def last_day_kept(events: Days, period: Duration, counted_from: CountedFrom, first_month: int) -> Days:
    """Give the last day on which each row must be kept, NEVER where its event has not happened.

    events: local days; NO_EVENT and NEVER stand for none. first_month: 1 to 12, in which a book year begins.
    """
    happened = (events != NO_EVENT) & (events != NEVER)
    days = np.where(happened, events, 0).astype("datetime64[D]")
    match counted_from:
        case "event":
            kept = later(days, period)
        case "end_of_fiscal_year":
            kept = _after_year(days, period, first_month)
        case "end_of_calendar_year":
            kept = _after_year(days, period, 1)
    return np.where(happened, np.clip(kept.astype(np.int64), NO_EVENT + 1, _LAST), NEVER).astype(np.int32)


def last_of(events: list[Days]) -> Days:
    """Give the last of several events of each row; where one of them has not happened, none has."""
    open_ = np.logical_or.reduce([days == NO_EVENT for days in events])
    return np.where(open_, NEVER, np.maximum.reduce(events)).astype(np.int32)


def _after_year(days: npt.NDArray[np.datetime64], period: Duration, first_month: int) -> npt.NDArray[np.datetime64]:
    """Add a period to the end of the year in which each day lies; the end of February is that of each year's own."""
    before = first_month - 1
    next_begins = ((days.astype("datetime64[M]") - before).astype("datetime64[Y]") + 1).astype("datetime64[M]") + before
    if period.months:
        return (next_begins + period.months).astype("datetime64[D]") - 1
    return next_begins.astype("datetime64[D]") - 1 + period.days
