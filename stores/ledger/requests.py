"""Requests in the ledger: what people asked for, whom they meant (keyed), and what became of it."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from privacy.errors import UsageError
from stores.ledger.access import portions, reading, writing
from stores.ledger.identifiers import Identifier, Subjects, identifier_rows, identifiers_of
from stores.ledger.request import (
    Check,
    NewRequest,
    Registered,
    Request,
    for_people,
    only_from,
    refusal,
    refuse_where,
    why_not_decided,
    why_not_lifted,
)
from stores.ledger.schema import IDENTIFIER, REQUEST, SUPPRESSION
from stores.ledger.suppressions import References, suppression_rows


class Requests:
    """Requests, their states and the identifiers that they name."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def register(self, new: Iterable[NewRequest], actor: str, now: datetime.datetime) -> Registered:
        """Register requests; one whose reference is known is left alone and told, as a source shows it every day."""
        wanted = list(new)
        if len(wanted) != len({request.reference for request in wanted}):
            raise UsageError("Two of the new requests have the same reference; each needs one of its own.")
        with writing(self._engine) as connection:
            known = _known(connection, (request.reference for request in wanted))
            ids = {request.reference: secrets.token_hex(16) for request in wanted if request.reference not in known}
            fresh = [(ids[request.reference], request) for request in wanted if request.reference in ids]
            _insert(connection, REQUEST, [_row(request_id, request, actor, now) for request_id, request in fresh])
            _insert(
                connection,
                IDENTIFIER,
                [
                    row
                    for request_id, request in fresh
                    for subject, identifiers in enumerate(request.subjects)
                    for row in identifier_rows(request_id, subject, identifiers, "request")
                ],
            )
        return Registered(ids, tuple(request.reference for request in wanted if request.reference in known))

    def known(self, references: Iterable[str]) -> frozenset[str]:
        """Give those of the references that are registered."""
        with reading(self._engine) as connection:
            return _known(connection, references)

    def list(self) -> tuple[Request, ...]:
        """Give all requests, those received first first."""
        with reading(self._engine) as connection:
            return _read(connection, sa.true())

    def with_state(self, *states: str) -> tuple[Request, ...]:
        """Give the requests in one of these states, those received first first."""
        with reading(self._engine) as connection:
            return _read(connection, REQUEST.c.state.in_(states))

    def get(self, reference: str) -> Request:
        """Give one request; UsageError where there is none."""
        with reading(self._engine) as connection:
            return _one(connection, reference)

    def identifiers(self, request_ids: Iterable[str]) -> dict[str, Subjects]:
        """Give whom requests name, by request and subject; a request that names nobody is left out."""
        with reading(self._engine) as connection:
            return identifiers_of(connection, request_ids)

    def add_identifiers(self, request_id: str, subject: int, identifiers: Iterable[Identifier], found_in: str) -> None:
        """Add what else names a person of a request; where the request is decided already, it suppresses at once."""
        self.add_found(request_id, {subject: identifiers}, found_in)

    def add_found(self, request_id: str, further: Mapping[int, Iterable[Identifier]], found_in: str) -> None:
        """Add what else names people of a request, by their numbers, all of it or nothing."""
        with writing(self._engine) as connection:
            (request,) = _by_id(connection, [request_id])
            if not all(0 <= subject < request.subjects for subject in further):
                raise refusal(request, "names no such subject")
            if request.state not in ("registered", "decided", "applied"):
                raise refusal(request, f"is {request.state}; nothing is added to it")
            named = identifiers_of(connection, [request_id]).get(request_id, {})
            suppressing = References(connection, request_id) if request.state != "registered" else None
            suppressions, rows = [], []
            for subject, identifiers in further.items():
                kept = set(named.get(subject, ()))
                added = [identifier for identifier in dict.fromkeys(identifiers) if identifier not in kept]
                rows += identifier_rows(request_id, subject, added, found_in)
                if suppressing:
                    like = suppressing.like(kept)
                    if like is None:
                        raise refusal(request, "has no suppressions left; they have expired")
                    suppressions += [{**like, **vars(identifier)} for identifier in added]
            _insert(connection, SUPPRESSION, suppressions)
            _insert(connection, IDENTIFIER, rows)

    def close(self, request_ids: Iterable[str]) -> None:
        """Note that the source was searched for all that names the people of these requests."""
        with writing(self._engine) as connection:
            _set(connection, _by_id(connection, request_ids), closed=True)

    def decide(self, request_ids: Iterable[str], now: datetime.datetime) -> None:
        """Decide registered requests: from now on suppressions stand for everybody whom they name."""
        with writing(self._engine) as connection:
            requests = _by_id(connection, request_ids)
            named = identifiers_of(connection, (request.request_id for request in requests))
            rows = []
            for request in requests:
                subjects = named.get(request.request_id, {})
                refuse_where(request, why_not_decided(request, subjects))
                rows += suppression_rows(request.request_id, request.right, subjects, now)
            _set(connection, requests, state="decided", decided_at=now)
            _insert(connection, SUPPRESSION, rows)

    def applied(self, request_ids: Iterable[str], run_id: str, now: datetime.datetime, receipt_id: str) -> None:
        """Note that a run has published without the rows of decided requests; one lifted meanwhile stays lifted."""
        with writing(self._engine) as connection:
            decided = [request for request in _by_id(connection, request_ids) if request.state == "decided"]
            _set(connection, decided, state="applied", applied_at=now, run_id=run_id, receipt_id=receipt_id)

    def lift(self, reference: str, now: datetime.datetime) -> None:
        """End a restriction or objection; an erasure cannot be taken back."""
        self._step([reference], "lifted", why_not_lifted, now)

    def refuse(self, *references: str) -> None:
        """Note that requests are not granted."""
        self._step(references, "refused", only_from("registered", "noted"))

    def note(self, *references: str) -> None:
        """Note requests that people see to, such as one for access."""
        self._step(references, "noted", for_people(only_from("registered")))

    def answer(self, *references: str) -> None:
        """Note that people have seen to requests."""
        self._step(references, "answered", for_people(only_from("registered", "noted")))

    def _step(
        self, references: Sequence[str], state: str, why_not: Check, lifted_at: datetime.datetime | None = None
    ) -> None:
        """Let all of some requests take a step, or none."""
        if not references:
            return
        with writing(self._engine) as connection:
            requests = [_one(connection, reference) for reference in references]
            for request in requests:
                refuse_where(request, why_not(request))
            _set(connection, requests, state=state)
            if lifted_at:
                theirs = SUPPRESSION.c.request_id.in_([request.request_id for request in requests])
                connection.execute(sa.update(SUPPRESSION).where(theirs).values(lifted_at=lifted_at))


def _row(request_id: str, request: NewRequest, actor: str, now: datetime.datetime) -> dict[str, Any]:
    return {
        "request_id": request_id,
        "reference": request.reference,
        "right": request.right,
        "origin": request.origin,
        "actor": actor,
        "received_at": request.received_at,
        "due_on": request.due_on,
        "registered_at": now,
        "state": "registered",
        "subjects": len(request.subjects),
        "closed": False,
    }


def _read(connection: sa.Connection, where: sa.ColumnElement[bool]) -> tuple[Request, ...]:
    query = sa.select(*(REQUEST.c[field.name] for field in fields(Request))).where(where)
    found = (Request(*row) for row in connection.execute(query))
    return tuple(sorted(found, key=lambda request: (request.received_at, request.reference)))


def _one(connection: sa.Connection, reference: str) -> Request:
    found = _read(connection, REQUEST.c.reference == reference)
    if not found:
        raise UsageError("No request has this reference; `sluis erase list` shows those that there are.")
    return found[0]


def _by_id(connection: sa.Connection, request_ids: Iterable[str]) -> list[Request]:
    wanted = list(request_ids)
    found = [request for ids in portions(wanted) for request in _read(connection, REQUEST.c.request_id.in_(ids))]
    if len(found) != len(set(wanted)):
        raise UsageError("The ledger has not all of these requests. Nothing was changed.")
    return found


def _known(connection: sa.Connection, references: Iterable[str]) -> frozenset[str]:
    there = REQUEST.c.reference
    return frozenset(
        reference
        for portion in portions(references)
        for reference in connection.scalars(sa.select(there).where(there.in_(portion)))
    )


def _set(connection: sa.Connection, requests: Iterable[Request], **values: object) -> None:
    for ids in portions(request.request_id for request in requests):
        connection.execute(sa.update(REQUEST).where(REQUEST.c.request_id.in_(ids)).values(values))


def _insert(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(sa.insert(table), rows)
