"""Requests of data subjects: which of them hold people back, and until when each is to be answered."""

from __future__ import annotations

import datetime

import numpy as np

from privacy.policy_rights import Right
from privacy.retention_rules import Duration
from privacy.suppression import SuppressionKind
from privacy.world import local_date

SUPPRESSING: dict[Right, SuppressionKind] = {
    "erasure": "erased",
    "restriction": "restricted",
    "objection": "objected",
}
"""Rights that take a person's rows out of the warehouse, and the suppressions by which they do."""


def due(received: datetime.datetime, term: Duration, time_zone: str) -> datetime.date:
    """Give the last day on which a request is answered in time: its day of receipt plus the term (Article 12(3))."""
    return later(local_date(received, time_zone), term)


def later(day: datetime.date, by: Duration) -> datetime.date:
    """Add a calendar duration to a day; the 31st plus a month is the last day of that month."""
    month = np.datetime64(day, "M") + by.months
    last: datetime.date = ((month + 1).astype("datetime64[D]") - 1).astype(datetime.date)
    return last.replace(day=min(day.day, last.day)) + datetime.timedelta(days=by.days)


def earlier(day: datetime.date, by: Duration) -> datetime.date:
    """Take a calendar duration from a day; the 31st less a month is the last day of that month."""
    return later(day, Duration(-by.months, -by.days, by.text))
