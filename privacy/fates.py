"""Fates: what becomes of a source row, and the index by which child rows learn their parent's."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from privacy.key_index import KeyArray, KeyIndex, as_keys, is_null

Fates = npt.NDArray[np.uint8]
Days = npt.NDArray[np.int32]
"""Days since 1970-01-01."""

NO_CLOCK = np.int32(np.iinfo(np.int32).max)
"""Stands for "no clock runs" among expiry days."""


class Fate(IntEnum):
    """What becomes of a row. It is counted once, at the first that applies, in the order of these numbers."""

    ERASED = 1
    RESTRICTED = 2
    OBJECTED = 3
    EXPIRED = 4
    QUARANTINED = 5
    PUBLISHED = 6
    ORPHAN = 7
    """Of a reference only: the source has no such row."""

    @property
    def word(self) -> str:
        """Name the fate as counts and reports do."""
        return self.name.lower()


@dataclass(frozen=True)
class FateIndex:
    """Fate and expiry of every row of a table, by raw primary key."""

    index: KeyIndex
    fates: Fates = field(repr=False)
    expires: Days = field(repr=False)

    def look_up(self, column: pa.Array) -> tuple[Fates, Days]:
        """Give fate and expiry of the row that each value refers to: ORPHAN where there is none, PUBLISHED for NULL."""
        positions = self.index.positions(column)
        fates = np.where(is_null(column), Fate.PUBLISHED, Fate.ORPHAN).astype(np.uint8)
        expires = np.full(len(positions), NO_CLOCK, np.int32)
        found = positions >= 0
        fates[found] = self.fates[positions[found]]
        expires[found] = self.expires[positions[found]]
        return fates, expires


class FateIndexBuilder:
    """Collects a table's fates batch by batch."""

    def __init__(self) -> None:
        self._keys: list[KeyArray] = []
        self._fates: list[Fates] = []
        self._expires: list[Days] = []

    def add(self, keys: pa.Array, fates: Fates, expires: Days) -> None:
        """Add one batch; rows without a key can be nobody's parent."""
        there = ~is_null(keys)
        self._keys.append(as_keys(keys)[there])
        self._fates.append(fates[there])
        self._expires.append(expires[there])

    def build(self) -> FateIndex:
        """Give the index; of rows with equal keys (the gate will refuse them) the first counts."""
        if not self._keys:
            return FateIndex(KeyIndex(np.empty(0, np.int64)), np.empty(0, np.uint8), np.empty(0, np.int32))
        keys, first = np.unique(np.concatenate(self._keys), return_index=True)
        return FateIndex(KeyIndex(keys), np.concatenate(self._fates)[first], np.concatenate(self._expires)[first])
