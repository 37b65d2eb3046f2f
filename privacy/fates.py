"""Fates: what becomes of a source row, and the index by which child rows learn their parent's."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from privacy.key_index import KeyArray, KeyIndex, Positions, Rows, as_keys, is_null

Tokens = npt.NDArray[np.void]
"""Tokens as 16 bytes each."""

TOKEN = np.dtype("V16")

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


class Linked(NamedTuple):
    """What a reference column refers to, row by row."""

    fates: Fates
    """ORPHAN where the source has no such row, PUBLISHED for NULL."""
    expires: Days
    positions: Positions
    """-1 where there is none."""

    def where(self, rows: Rows) -> Linked:
        """Give what some of the rows refer to."""
        return Linked(self.fates[rows], self.expires[rows], self.positions[rows])


class Outcomes:
    """The distinct pairs of fate and expiry, numbered: a table has few, so that a byte or two tell a row's."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}

    def number(self, fates: Fates, expires: Days) -> npt.NDArray[np.unsignedinteger[Any]]:
        """Give each row the number of its pair, in as few bytes as numbers so far need."""
        codes, pairs = pd.factorize(expires.astype(np.int64) << 8 | fates)
        numbers = [self._numbers.setdefault(pair, len(self._numbers)) for pair in pairs.tolist()]
        return np.array(numbers, self.kind)[codes] if numbers else np.empty(0, self.kind)

    @property
    def kind(self) -> np.dtype[np.unsignedinteger[Any]]:
        """Give the type that holds every number so far."""
        return np.min_scalar_type(len(self._numbers))

    def pairs(self) -> tuple[Fates, Days]:
        """Give the fate and the expiry of each number."""
        pairs = np.fromiter(self._numbers, np.int64, len(self._numbers))
        return (pairs & 0xFF).astype(np.uint8), (pairs >> 8).astype(np.int32)


@dataclass(frozen=True)
class FateIndex:
    """Fate, expiry and token of every row of a table, by raw primary key."""

    index: KeyIndex
    numbers: npt.NDArray[np.unsignedinteger[Any]] = field(repr=False)
    """Of each row's outcome."""
    fates: Fates = field(repr=False)
    expires: Days = field(repr=False)
    """Fate and expiry of each outcome."""
    tokens: Tokens | None = field(repr=False)
    """Of the published rows; None for a table whose key is no token."""

    def look_up(self, column: pa.Array) -> Linked:
        """Find the row that each value refers to."""
        positions = self.index.positions(column)
        found = positions >= 0
        fates = np.where(is_null(column), Fate.PUBLISHED, Fate.ORPHAN).astype(np.uint8)
        expires = np.full(len(positions), NO_CLOCK, np.int32)
        numbers = self.numbers[positions[found]]
        fates[found], expires[found] = self.fates[numbers], self.expires[numbers]
        return Linked(fates, expires, positions)

    def tokens_of(self, references: pa.Array, linked: Linked) -> pa.Array | None:
        """Give the tokens (Arrow `uuid`) of the rows referred to, NULL for NULL; None if not all are known."""
        there = references.is_valid()
        known = (linked.positions >= 0) & (linked.fates == Fate.PUBLISHED)
        if self.tokens is None or not len(self.tokens) or not (known | is_null(references)).all():
            return None
        stored = pa.py_buffer(self.tokens[np.where(known, linked.positions, 0)])
        storage = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(references), [None, stored])
        return pa.ExtensionArray.from_storage(pa.uuid(), pc.if_else(there, storage, None))


class FateIndexBuilder:
    """Collects a table's fates batch by batch."""

    def __init__(self) -> None:
        self._keys: list[KeyArray] = []
        self._outcomes = Outcomes()
        self._numbers: list[npt.NDArray[np.unsignedinteger[Any]]] = []
        self._tokens: list[Tokens] = []

    def add(self, keys: pa.Array, fates: Fates, expires: Days, tokens: pa.Array | None = None) -> None:
        """Add one batch; rows without a key can be nobody's parent. tokens: of the published rows, in their order."""
        there = ~is_null(keys)
        self._keys.append(as_keys(keys)[there])
        self._numbers.append(self._outcomes.number(fates[there], expires[there]))
        if tokens is not None:
            spread = np.zeros(len(fates), TOKEN)
            spread[fates == Fate.PUBLISHED] = _bytes_of(tokens)
            self._tokens.append(spread[there])

    def build(self) -> FateIndex:
        """Give the index, and keep nothing beside it."""
        index = KeyIndex.of(_joined(self._keys, self._keys[0].dtype if self._keys else np.int64))
        tokens = _joined(self._tokens, TOKEN) if self._tokens else None
        return FateIndex(index, _joined(self._numbers, self._outcomes.kind), *self._outcomes.pairs(), tokens)


def _joined(parts: list[npt.NDArray[Any]], kind: npt.DTypeLike) -> Any:
    """Join the parts of a column, letting go of each as it is copied."""
    whole = np.empty(sum(map(len, parts)), kind)
    end = len(whole)
    while parts:
        part = parts.pop()
        whole[end - len(part) : end] = part
        end -= len(part)
    return whole


def _bytes_of(tokens: pa.Array) -> Tokens:
    if not len(tokens):
        return np.empty(0, TOKEN)
    stored: Tokens = np.frombuffer(tokens.storage.buffers()[1], TOKEN)[tokens.offset : tokens.offset + len(tokens)]
    return stored
