"""Suppressions in the ledger: the keyed records that keep people's rows out of the warehouse, until they expire."""

from __future__ import annotations

import datetime
import hashlib
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from privacy.errors import UsageError
from privacy.policy_rights import Right
from privacy.requests import SUPPRESSING
from stores.ledger.access import portions, reading, writing
from stores.ledger.identifiers import Identifier, Subjects
from stores.ledger.schema import HORIZON, IDENTIFIER, REQUEST, SUPPRESSION

ERASED = SUPPRESSING["erasure"]

LIVE = pa.schema(
    {
        "kind": pa.string(),
        "identifies": pa.string(),
        "epoch": pa.int32(),
        "mac": pa.string(),
        "reference": pa.string(),
        "since": pa.timestamp("us", tz="UTC"),
    }
)
"""The columns of what suppresses today."""

_ROW = SUPPRESSION.c
_COMMON = ("kind", "request_id", "since", "seen_on", "lifted_at")
"""What all rows of one reference have in common."""


@dataclass(frozen=True)
class Rekeyed:
    """One more identifier, under another epoch, of the suppression with this reference."""

    reference: str
    identifier: Identifier


class Suppressions:
    """Tombstones, restrictions and objections."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def live(self) -> pa.Table:
        """Give what suppresses today: one row per identifier, with the columns of LIVE, in an order of its own."""
        query = sa.select(*(_ROW[name] for name in LIVE.names)).where(_ROW.lifted_at.is_(None))
        with reading(self._engine) as connection:
            columns = list(zip(*connection.execute(query), strict=True)) or [()] * len(LIVE)
        table = pa.table([pa.array(values, kind.type) for values, kind in zip(columns, LIVE, strict=True)], LIVE)
        return table.sort_by([(name, "ascending") for name in ("identifies", "epoch", "mac", "since", "reference")])

    def of_requests(self, request_ids: Iterable[str], epoch: int) -> set[tuple[str, str]]:
        """Give what the suppressions of some requests identify, and its mac, under one epoch."""
        query = sa.select(_ROW.identifies, _ROW.mac).where(_ROW.lifted_at.is_(None), _ROW.epoch == epoch)
        with reading(self._engine) as connection:
            return {
                (identifies, mac)
                for portion in portions(request_ids)
                for identifies, mac in connection.execute(query.where(_ROW.request_id.in_(portion)))
            }

    def digest(self) -> str:
        """Sum up what suppresses today, so that a run sees whether it changed since `live` was read."""
        return digest_of(self.live())

    def epochs(self) -> frozenset[int]:
        """Give the epochs under which anything suppresses today; the keyring must have them."""
        query = sa.select(_ROW.epoch).where(_ROW.lifted_at.is_(None)).distinct()
        with reading(self._engine) as connection:
            return frozenset(connection.scalars(query))

    def seen(self, references: Iterable[str], day: datetime.date) -> None:
        """Note that a full scan of the source, on this day, met rows of these erased people; no day is put back."""
        earlier = _ROW.seen_on.is_(None) | (_ROW.seen_on < day)
        with writing(self._engine) as connection:
            for portion in portions(references):
                theirs = _ROW.reference.in_(portion) & (_ROW.kind == ERASED)
                connection.execute(sa.update(SUPPRESSION).where(theirs, earlier).values(seen_on=day))

    def rekey(self, rekeyed: Iterable[Rekeyed]) -> int:
        """Add identifiers under another epoch to suppressions, which stay what they are; say how many were new."""
        wanted = list(dict.fromkeys(rekeyed))
        with writing(self._engine) as connection:
            like, there = _as_they_are(connection, (row.reference for row in wanted))
            if any(row.reference not in like for row in wanted):
                raise UsageError("The ledger has not all of the suppressions to be keyed anew. Nothing was changed.")
            rows = [
                {**like[row.reference], "reference": row.reference, **vars(row.identifier)}
                for row in wanted
                if (row.reference, row.identifier) not in there
            ]
            if rows:
                connection.execute(sa.insert(SUPPRESSION), rows)
        return len(rows)

    def expire(self, unseen_since: datetime.date, erased_before: datetime.datetime) -> int:
        """Delete tombstones of applied erasures of before a moment, not met in the source on or after a day.

        Say how many. The horizon moves to the latest of them; of requests without any tombstone left, identifiers and
        receipt are forgotten.
        """
        applied = sa.select(REQUEST.c.request_id).where(REQUEST.c.state == "applied")
        over = sa.and_(
            _ROW.kind == ERASED,
            _ROW.since < erased_before,
            _ROW.seen_on.is_(None) | (_ROW.seen_on < unseen_since),
            _ROW.request_id.is_(None) | _ROW.request_id.in_(applied),
        )
        with writing(self._engine) as connection:
            ended = connection.execute(
                sa.select(_ROW.reference, _ROW.request_id, _ROW.since).where(over).distinct()
            ).all()
            if ended:
                connection.execute(sa.delete(SUPPRESSION).where(over))
                _move_horizon(connection, max(since for _, _, since in ended))
                _forget(connection, {request_id for _, request_id, _ in ended if request_id})
        return len(ended)

    def horizon(self) -> datetime.datetime | None:
        """Give the latest erasure whose tombstone has expired: a warehouse of before it cannot be replayed."""
        with reading(self._engine) as connection:
            return connection.execute(sa.select(HORIZON.c.erased_at)).scalar()


def digest_of(live: pa.Table) -> str:
    """Sum up suppressions as `live` gives them."""
    written = pa.BufferOutputStream()
    with pa.ipc.new_stream(written, LIVE) as stream:
        stream.write_table(live.combine_chunks())
    return hashlib.sha256(written.getvalue()).hexdigest()


def suppression_rows(request_id: str, right: Right, subjects: Subjects, now: datetime.datetime) -> list[dict[str, Any]]:
    """Give the rows by which a request suppresses: a random reference for each person, a row for each identifier."""
    return [
        {"reference": reference, "kind": SUPPRESSING[right], "request_id": request_id, "since": now, **vars(identifier)}
        for identifiers in subjects.values()
        for reference in (str(uuid.uuid4()),)
        for identifier in identifiers
    ]


class References:
    """The references by which a request suppresses its people."""

    def __init__(self, connection: sa.Connection, request_id: str) -> None:
        theirs = connection.scalars(sa.select(_ROW.reference).where(_ROW.request_id == request_id))
        self._like, there = _as_they_are(connection, theirs)
        self._has: dict[str, set[Identifier]] = defaultdict(set)
        self._by: dict[Identifier, set[str]] = defaultdict(set)
        for reference, identifier in there:
            self._has[reference].add(identifier)
            self._by[identifier].add(reference)

    def like(self, identifiers: Collection[Identifier]) -> dict[str, Any] | None:
        """Give the reference of the person with these identifiers, and what goes with it."""
        having = [self._by.get(identifier, set()) for identifier in identifiers]
        fitting = set.intersection(*having) if having else set(self._like)
        if not fitting:
            return None
        # people of one request may share an identifier: theirs is the reference that has these and the fewest others
        best = min(fitting, key=lambda reference: (len(self._has[reference]), reference))
        return {"reference": best, **self._like[best]}


def _as_they_are(
    connection: sa.Connection, references: Iterable[str]
) -> tuple[dict[str, dict[str, Any]], set[tuple[str, Identifier]]]:
    """Give what the rows of each reference have in common, and which identifiers it has."""
    like: dict[str, dict[str, Any]] = {}
    there: set[tuple[str, Identifier]] = set()
    query = sa.select(_ROW.reference, _ROW.identifies, _ROW.epoch, _ROW.mac, *(_ROW[name] for name in _COMMON))
    for portion in portions(references):
        for reference, identifies, epoch, mac, *common in connection.execute(query.where(_ROW.reference.in_(portion))):
            like[reference] = dict(zip(_COMMON, common, strict=True))
            there.add((reference, Identifier(identifies, epoch, mac)))
    return like, there


def _move_horizon(connection: sa.Connection, erased_at: datetime.datetime) -> None:
    before = connection.execute(sa.select(HORIZON.c.erased_at)).scalar()
    connection.execute(sa.delete(HORIZON))
    connection.execute(sa.insert(HORIZON).values(erased_at=max(filter(None, (before, erased_at)))))


def _forget(connection: sa.Connection, request_ids: Iterable[str]) -> None:
    """Forget whom requests named and what proves them, where no suppression of theirs is left."""
    for portion in portions(request_ids):
        left = set(connection.scalars(sa.select(_ROW.request_id).where(_ROW.request_id.in_(portion)).distinct()))
        gone = [request_id for request_id in portion if request_id not in left]
        connection.execute(sa.delete(IDENTIFIER).where(IDENTIFIER.c.request_id.in_(gone)))
        connection.execute(sa.update(REQUEST).where(REQUEST.c.request_id.in_(gone)).values(receipt_id=None))
