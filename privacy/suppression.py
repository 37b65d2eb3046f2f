"""Who is held back from the warehouse: the erased, by tombstones; the restricted; those who object.

A row that names an account belongs to that account; one that names none belongs to its e-mail address. A tombstone
holds back what happened until the erasure: what came later is of a new person, with a generation of its own.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from privacy.fates import Fate, Fates
from privacy.key_index import Mask, is_null
from privacy.macs import MAC
from privacy.policy import Table
from privacy.policy_rights import Identifies
from privacy.subjects import CUSTOMER, EMAIL

SuppressionKind = Literal["erased", "restricted", "objected"]

Moments = npt.NDArray[np.int64]
"""Microseconds since 1970-01-01 in UTC."""

NEVER = np.int64(np.iinfo(np.int64).min)
"""The moment of an erasure that was not: before any other."""


class Suppression(NamedTuple):
    """One identifier of somebody who is held back."""

    kind: SuppressionKind
    identifies: Identifies
    epoch: int
    mac: bytes
    reference: bytes
    """The generation of rows that happened after `since`: 16 random bytes."""
    since: datetime.datetime


@dataclass(frozen=True)
class Listed:
    """All who are held back by one kind of identifier under one epoch, a line each."""

    macs: pa.FixedSizeBinaryArray = field(repr=False)
    erased: Moments
    """Until when what happened is held back, NEVER for those who are not erased."""
    references: pa.FixedSizeBinaryArray = field(repr=False)
    """The latest erasure of each, NULL for those who are not erased."""
    restricted: Mask
    objected: Mask

    @classmethod
    def of(cls, suppressions: Iterable[Suppression]) -> Listed:
        """Gather the suppressions of each identifier into one line; of several erasures the latest counts."""
        lines: defaultdict[bytes, dict[str, Suppression]] = defaultdict(dict)
        for one in suppressions:
            earlier = lines[one.mac].get(one.kind)
            if earlier is None or earlier.since < one.since:
                lines[one.mac][one.kind] = one
        erased = [line.get("erased") for line in lines.values()]
        return cls(
            pa.array(lines, MAC),
            np.array([NEVER if one is None else _micros(one.since) for one in erased], np.int64),
            pa.array([one and one.reference for one in erased], MAC),
            np.array(["restricted" in line for line in lines.values()], np.bool_),
            np.array(["objected" in line for line in lines.values()], np.bool_),
        )


class Met(NamedTuple):
    """Rows whose people are listed by one kind of identifier under one epoch."""

    identifies: Identifies
    epoch: int
    rows: npt.NDArray[np.int64]
    macs: pa.FixedSizeBinaryArray


class Held(NamedTuple):
    """What suppressions make of a batch's rows."""

    fates: Fates
    """ERASED, RESTRICTED, OBJECTED, or PUBLISHED where none applies."""
    generations: pa.FixedSizeBinaryArray
    """The erasure after which a row happened that is of somebody new, else NULL."""
    seen: frozenset[bytes]
    """References of the tombstones that matched."""
    met: tuple[Met, ...]


@dataclass(frozen=True)
class Suppressions:
    """All who are held back, ready to be matched with rows."""

    listed: Mapping[tuple[Identifies, int], Listed] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, suppressions: Iterable[Suppression]) -> Suppressions:
        """Sort out suppressions by what they identify, and the epoch of their key."""
        apart: defaultdict[tuple[Identifies, int], list[Suppression]] = defaultdict(list)
        for one in suppressions:
            apart[one.identifies, one.epoch].append(one)
        return cls({place: Listed.of(some) for place, some in apart.items()})

    @property
    def epochs(self) -> set[int]:
        """Tell under which epochs of the root tombstones somebody is listed."""
        return {epoch for _, epoch in self.listed}

    def hold_back(self, macs: Mapping[tuple[Identifies, int], pa.Array], happened: pa.Array | None, rows: int) -> Held:
        """Match a batch: its identifiers' MACs by kind and epoch, and the moment at which each row happened."""
        fates = np.full(rows, Fate.PUBLISHED, np.uint8)
        generations: pa.Array = pa.nulls(rows, MAC)
        latest = np.full(rows, NEVER, np.int64)
        seen: set[bytes] = set()
        met: list[Met] = []
        for (identifies, epoch), column in macs.items():
            if (listed := self.listed.get((identifies, epoch))) is None:
                continue
            if identifies == EMAIL and (account := macs.get((CUSTOMER, epoch))) is not None:
                column = pc.if_else(account.is_null(), column, pa.scalar(None, MAC))
            at = pc.index_in(column, value_set=listed.macs)
            if at.null_count == rows:
                continue
            some = np.flatnonzero(~is_null(at))
            line = at.drop_null().to_numpy(zero_copy_only=False)
            erased = listed.erased[line] >= _moments(happened, some)
            held = np.select(
                [erased, listed.restricted[line], listed.objected[line]],
                [Fate.ERASED, Fate.RESTRICTED, Fate.OBJECTED],
                Fate.PUBLISHED,
            ).astype(np.uint8)
            fates[some] = np.minimum(fates[some], held)
            references = listed.references.take(at)
            met.append(Met(identifies, epoch, some, listed.macs.take(at.drop_null())))
            seen.update(references.drop_null().unique().to_pylist())
            later = np.zeros(rows, np.bool_)  # under an older key somebody may be listed as erased once more
            later[some] = listed.erased[line] > latest[some]
            latest[later] = listed.erased[line][later[some]]
            generations = pc.if_else(pa.array(later), references, generations)
        anew = pa.array(fates == Fate.PUBLISHED)
        return Held(fates, pc.if_else(anew, generations, pa.scalar(None, MAC)), frozenset(seen), tuple(met))


def happened_at(
    table: Table, columns: Mapping[str, pa.Array], time_zone: str, now: datetime.datetime
) -> pa.Array | None:
    """Give the moment at which each row of a batch happened, of a day its beginning; None where no column says it.

    NULL where that lies in the future: a row that is there already did not happen after anything.
    """
    if table.subject.happened is None:
        return None
    column = columns[table.source_of(table.subject.happened)]
    if pa.types.is_date(column.type):
        midnight = column.cast(pa.timestamp("us"))
        column = pc.assume_timezone(midnight, time_zone, ambiguous="earliest", nonexistent="earliest")
    return pc.if_else(pc.greater(column, pa.scalar(now, column.type)), pa.scalar(None, column.type), column)


def _moments(happened: pa.Array | None, some: npt.NDArray[np.int64]) -> Moments:
    """Give when some rows happened, to be compared with erasures: before any of them where that is not known."""
    if happened is None:
        return np.full(len(some), NEVER + 1, np.int64)
    known: pa.Array = happened.take(pa.array(some)).cast(pa.int64()).fill_null(int(NEVER + 1))
    moments: Moments = known.to_numpy(zero_copy_only=False)
    return moments


def _micros(moment: datetime.datetime) -> np.int64:
    return np.int64((moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)) // datetime.timedelta(microseconds=1))
