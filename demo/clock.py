"""The shop's clock: ten years of business times in Europe/Amsterdam, as seconds since the epoch (UTC)."""

import datetime as dt
from calendar import isleap
from dataclasses import dataclass
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from demo.arrays import Floats, Ints

AMSTERDAM: Final = ZoneInfo("Europe/Amsterdam")
NEVER: Final = np.iinfo(np.int64).min
"""Stands for NULL in an array of times."""
DAY: Final = 86_400
HOUR: Final = 3_600
YEARS_OF_HISTORY: Final = 10


@dataclass(frozen=True)
class Calendar:
    """The span of the shop's history: from `start` up to, not including, `end`; planted future after `real`."""

    start: int
    end: int
    real: int

    @classmethod
    def of(cls, today: dt.date) -> "Calendar":
        """Ten years up to the first second of `today`; the future begins after the real clock too."""
        day = min(today.day, 28) if today.month == 2 else today.day
        begin = dt.date(today.year - YEARS_OF_HISTORY, today.month, day)
        real = max(today, dt.datetime.now(AMSTERDAM).date())
        return cls(midnight(begin), midnight(today), midnight(real))

    def spread(self, rng: np.random.Generator, n: int) -> Ints:
        """`n` times in ascending order, denser towards the end (a growing shop), mostly in waking hours."""
        moments = self.start + ((self.end - self.start) * rng.random(n) ** 0.6).astype(np.int64)
        moments = moments // DAY * DAY + (rng.beta(3.5, 2.0, n) * DAY).astype(np.int64)
        return np.sort(self.inside(rng, moments))

    def inside(self, rng: np.random.Generator, moments: Ints) -> Ints:
        """The same times, those outside the history moved to its first or last hour."""
        slack = rng.integers(0, HOUR, moments.size)
        return np.clip(moments, self.start + slack, self.end - 1 - slack)

    def later(self, rng: np.random.Generator, moments: Ints, least: int, most: int) -> Ints:
        """`least` to `most` seconds after each time; NEVER where that has not happened yet."""
        after = moments + rng.integers(least, most, moments.size)
        return np.where((moments == NEVER) | (after >= self.end), NEVER, after)

    def future(self, rng: np.random.Generator, n: int) -> Ints:
        """`n` times 30 to 1000 days after today and after the real clock."""
        return self.real + rng.integers(30, 1000, n) * DAY + rng.integers(7, 22, n) * HOUR

    def edges(self, rng: np.random.Generator, most: int) -> Ints:
        """Seconds on which calendars go wrong: a 29 February first, then both sides of year end and of midnight."""
        years = range(local(self.start).year, local(self.end).year + 1)
        leap_days = [dt.datetime(year, 2, 29, 12, 30) for year in years if isleap(year)]
        days = [dt.datetime(year, month, 1) for year in years for month in (1, 7)]
        seconds_before = [day - dt.timedelta(seconds=1) for day in days]
        rest = rng.permutation(self._within(days + seconds_before + leap_days[1:]))
        return np.append(self._within(leap_days)[:1], rest)[:most]

    def _within(self, moments: list[dt.datetime]) -> Ints:
        """Those wall clock times that lie in the history."""
        seconds = np.array([int(m.replace(tzinfo=AMSTERDAM).timestamp()) for m in moments], dtype=np.int64)
        return seconds[(seconds >= self.start) & (seconds < self.end)]


def midnight(day: dt.date) -> int:
    """The first second of the day in Amsterdam."""
    return int(dt.datetime.combine(day, dt.time(), AMSTERDAM).timestamp())


def local(moment: int) -> dt.datetime:
    """One time as a wall clock in Amsterdam shows it."""
    return dt.datetime.fromtimestamp(moment, AMSTERDAM)


def years_of(moments: Ints) -> Ints:
    """The Amsterdam calendar year of each time."""
    return (moments + offsets(moments)).astype("datetime64[s]").astype("datetime64[Y]").astype(np.int64) + 1970


def iso(moments: Ints) -> list[str | None]:
    """ISO 8601 text with Amsterdam's offset on that day; NEVER becomes NULL."""
    known = moments != NEVER
    safe = np.where(known, moments, 0)
    shift = offsets(safe)
    texts = np.datetime_as_string((safe + shift).astype("datetime64[s]"), unit="s").tolist()
    ends = {HOUR: "+01:00", 2 * HOUR: "+02:00"}
    return [
        text + ends[off] if there else None
        for text, off, there in zip(texts, shift.tolist(), known.tolist(), strict=True)
    ]


def offsets(moments: Ints) -> Ints:
    """Seconds that Amsterdam is ahead of UTC at each time (1996 and later)."""
    periods = np.searchsorted(_clock_changes(), moments, side="right")
    return np.where(periods % 2 == 1, 2 * HOUR, HOUR).astype(np.int64)


@cache
def _clock_changes() -> Ints:
    """Start and end of summer time, 01:00 UTC on the last Sundays of March and October, from 1970 to 2099."""
    changes = []
    for year in range(1970, 2100):
        for month in (3, 10):
            last = dt.date(year, month, 31)
            sunday = last - dt.timedelta(days=(last.weekday() + 1) % 7)
            changes.append(int(dt.datetime.combine(sunday, dt.time(1), dt.UTC).timestamp()))
    return np.array(changes, dtype=np.int64)


def birth_dates(rng: np.random.Generator, n: int, year: int) -> list[str]:
    """Birth dates of people between 18 and 92 in `year`, most of them around 45."""
    ages: Floats = 18 + rng.beta(2.2, 3.0, n) * 74
    first = np.datetime64(f"{year}-01-01") - (ages * 365.25).astype("timedelta64[D]")
    days: list[str] = np.datetime_as_string(first.astype("datetime64[D]")).tolist()
    return days
