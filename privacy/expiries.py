"""When the rows of a table will leave: by month, for the year to come."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from privacy.fates import NO_CLOCK, Days

MONTHS = 12


@dataclass(frozen=True)
class Expiries:
    """Published rows by the month (`2026-12`) on whose first day they leave, those later, those without a clock."""

    months: Mapping[str, int]
    later: int
    no_clock: int

    @classmethod
    def of(cls, days: Days, as_of: datetime.date) -> Expiries:
        """Count the expiry days of published rows; each is the first of a month after `as_of`."""
        running = days[days != NO_CLOCK].astype("datetime64[D]").astype("datetime64[M]")
        ahead = np.datetime64(as_of, "M") + np.arange(1, MONTHS + 1)
        months = {str(month): int((running == month).sum()) for month in ahead}
        return cls(months, len(running) - sum(months.values()), len(days) - len(running))
