"""What a table's treatment must know beside its own rows: policy, keys, clocks, and the fates of other tables' rows."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa

from privacy.fates import Days, FateIndex
from privacy.key_index import KeyArray, KeyIndex, as_keys, is_null
from privacy.keys import Keys, SubjectKeys
from privacy.policy import Policy
from privacy.policy_rights import Identifies
from privacy.pools import Taken
from privacy.retention import NO_EVENT
from privacy.suppression import Suppressions


@dataclass(frozen=True)
class People:
    """Those who are held back and were met in the source; collected as tables are decided."""

    seen: set[bytes] = field(default_factory=set)
    """References of the tombstones that matched a row."""
    anew: set[tuple[Identifies, int, bytes, bytes]] = field(default_factory=set)
    """Identifiers listed under an older epoch: kind, epoch, MAC there, and MAC under the newest epoch."""


@dataclass(frozen=True)
class World:
    """One run's surroundings. `as_of` moves the retention clocks; `now` (aware) is the real time."""

    policy: Policy
    keys: Keys
    as_of: datetime.date
    now: datetime.datetime
    subject_keys: SubjectKeys | None = None
    """None where nobody is to be recognised, as among invented rows."""
    suppressions: Suppressions = Suppressions()  # noqa: RUF009 (frozen)
    """Who is held back."""
    met: People = field(default_factory=People, repr=False)
    """Which of them were met in the source."""
    held: dict[str, Mapping[int, pa.Array]] = field(default_factory=dict, repr=False)
    """Which records are under a legal hold: of each source table, by epoch, their sorted MACs."""
    indexes: dict[str, FateIndex] = field(default_factory=dict, repr=False)
    """Finished tables that others refer to."""
    events: dict[tuple[str, str, str], LatestEvents] = field(default_factory=dict, repr=False)
    """Latest events of referring rows, by (table, referring table, event)."""
    taken: Taken = field(default_factory=Taken, repr=False)
    """Values that may not be invented, because they occur in the source."""

    @property
    def today(self) -> datetime.date:
        """Give the real date in the policy's time zone."""
        return local_date(self.now, self.policy.time_zone)


def local_date(now: datetime.datetime, time_zone: str) -> datetime.date:
    """Give the date of a moment in a time zone."""
    return now.astimezone(ZoneInfo(time_zone)).date()


@dataclass(frozen=True)
class LatestEvents:
    """The latest event of the rows that refer to each key."""

    index: KeyIndex
    days: Days = field(repr=False)

    def look_up(self, keys: pa.Array) -> Days:
        """Give the latest event of each key as days, NO_EVENT where nothing refers to it."""
        positions = self.index.positions(keys)
        days = np.full(len(positions), NO_EVENT, np.int32)
        found = positions >= 0
        days[found] = self.days[positions[found]]
        return days

    @classmethod
    def of(cls, referring: Iterable[tuple[pa.Array, Days]]) -> LatestEvents:
        """Build from batches of referring rows: the key that each refers to, and its event."""
        keys: KeyArray = np.empty(0, np.int64)
        events: Days = np.empty(0, np.int32)
        compact = 0
        for column, days in referring:
            there = ~is_null(column) & (days != NO_EVENT)
            own = as_keys(column)[there]
            keys = np.concatenate([keys, own]) if len(keys) else own
            events = np.concatenate([events, days[there]])
            if len(keys) > 2 * compact + _FEW:
                keys, events = _latest(keys, events)
                compact = len(keys)
        keys, events = _latest(keys, events)
        return cls(KeyIndex.of(keys), events)


_FEW = 100_000


def _latest(keys: KeyArray, events: Days) -> tuple[KeyArray, Days]:
    """Keep of each key the latest event."""
    unique: KeyArray
    numbers, unique = pd.factorize(keys)  # type: ignore[assignment]
    latest = np.full(len(unique), NO_EVENT, np.int32)
    np.maximum.at(latest, numbers, events)
    order = np.argsort(unique)
    return unique[order], latest[order]
