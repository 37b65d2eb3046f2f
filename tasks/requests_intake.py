"""Requests at the beginning of a run: what the shop's own table holds is registered, what may be applied is decided."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from privacy.keys import SubjectKeys
from privacy.policy import Policy
from privacy.policy_rights import RequestTable
from privacy.requests import SUPPRESSING, later
from privacy.suppression import Suppression
from stores.ledger import Ledger
from stores.ledger.request import NewRequest, Request
from stores.source import Schema
from tasks.extraction import Extraction
from tasks.people import closed, search_source
from tasks.request_table import requests_asked


@dataclass(frozen=True)
class Deadlines:
    """How many requests nobody has answered yet although their day is past, or near."""

    overdue: int = 0
    near: int = 0

    @property
    def any(self) -> bool:
        """Whether there are any."""
        return bool(self.overdue or self.near)

    def told(self, policy: Policy) -> Iterator[str]:
        """Warn of them."""
        if self.overdue:
            yield f"requests past the day on which they were due: {self.overdue:,}"
        if self.near:
            yield f"requests due within {policy.requests.warn}: {self.near:,}"


@dataclass(frozen=True)
class Intake:
    """What a run found of requests."""

    new: int
    """Requests of the source's table that the ledger did not know."""
    pending: int
    """Requests that wait: of more people than may leave in this run."""
    needs_approval: bool
    """Whether they are of more people than may leave without one."""
    deadlines: Deadlines
    warnings: tuple[str, ...]


def take_in(
    extraction: Extraction,
    schema: Schema,
    ledger: Ledger,
    keys: SubjectKeys,
    actor: str,
    at_most: int | None = None,
) -> Intake:
    """Register and decide requests; from here on the ledger's suppressions hold back whom they name.

    at_most: how many people may leave, where that is fewer than the policy says.
    """
    policy, now, unread, new = extraction.world.policy, extraction.world.now, Counter[str](), 0
    allowed = policy.requests.apply_at_most
    most = allowed if at_most is None else min(at_most, allowed)
    if table := policy.requests.table:
        asked = list(requests_asked(extraction, schema, table, keys, unread))
        new = len(ledger.requests.register([one.request for one in asked], actor, now).request_ids)
        states = {request.reference: request for request in ledger.requests.list()}
        _follow(ledger, table, [(one.state, states[one.request.reference]) for one in asked], now)
    search_source(extraction, ledger, keys, [r for r in suppressing(ledger, "decided", "applied") if not r.closed])
    waiting = suppressing(ledger, "registered")
    people = sum(request.subjects for request in waiting)
    if people <= most:
        search_source(extraction, ledger, keys, waiting)
        ledger.requests.decide([request.request_id for request in waiting], now)
        waiting = []
    warnings = [f"requests that cannot be read, {why}: {n:,}" for why, n in sorted(unread.items())]
    if waiting:
        warnings.append(waiting_told(len(waiting), policy) if people > allowed else _left(len(waiting), most))
    unanswered = deadlines(ledger, policy, extraction.world.as_of)
    return Intake(new, len(waiting), people > allowed, unanswered, (*warnings, *unanswered.told(policy)))


def foresee(
    extraction: Extraction, schema: Schema, ledger: Ledger | None, keys: SubjectKeys
) -> tuple[list[Suppression], int]:
    """Tell whom else a run would hold back, and how many requests would wait; write nothing."""
    policy, now = extraction.world.policy, extraction.world.now
    asked = [] if policy.requests.table is None else _new(extraction, schema, ledger, keys, policy.requests.table)
    people = [(request.right, subject) for request in asked for subject in request.subjects]
    waiting = suppressing(ledger, "registered") if ledger else []
    named = ledger.requests.identifiers([request.request_id for request in waiting]) if ledger else {}
    people += [(r.right, subject) for r in waiting for subject in named.get(r.request_id, {}).values()]
    if len(people) > policy.requests.apply_at_most:
        return [], len(asked) + len(waiting)
    return [
        Suppression(SUPPRESSING[right], one.identifies, one.epoch, bytes.fromhex(one.mac), bytes(16), now)
        for (right, _), person in zip(people, closed(extraction, keys, [person for _, person in people]), strict=True)
        for one in person
    ], 0


def _new(
    extraction: Extraction, schema: Schema, ledger: Ledger | None, keys: SubjectKeys, table: RequestTable
) -> list[NewRequest]:
    """Give the requests of the source's table that a run would register and hold people back for."""
    over = {*table.ended, *table.no_effect}
    asked = [one for one in requests_asked(extraction, schema, table, keys, Counter()) if one.state not in over]
    known = ledger.requests.known(one.request.reference for one in asked) if ledger else frozenset()
    return [one.request for one in asked if one.request.subjects and one.request.reference not in known]


def waiting_told(requests: int, policy: Policy) -> str:
    """Say that requests wait for approval."""
    most = policy.requests.apply_at_most
    return f"requests that wait for approval, of more than {most} people together: {requests:,}; see `sluis erase plan`"


def _left(requests: int, most: int) -> str:
    return f"requests that wait for another run, as this one may take out {most} people at most: {requests:,}"


def suppressing(ledger: Ledger, *states: str) -> list[Request]:
    """Give the requests in some states whose rights hold people back."""
    return [request for request in ledger.requests.with_state(*states) if request.right in SUPPRESSING]


def deadlines(ledger: Ledger, policy: Policy, as_of: datetime.date) -> Deadlines:
    """Count the requests that nobody has answered yet and that are due, or soon will be."""
    unanswered = [request.due_on for request in ledger.requests.with_state("registered", "noted")]
    return Deadlines(
        overdue=sum(due_on < as_of for due_on in unanswered),
        near=sum(as_of <= due_on <= later(as_of, policy.requests.warn) for due_on in unanswered),
    )


def _follow(ledger: Ledger, table: RequestTable, found: Iterable[tuple[str, Request]], now: datetime.datetime) -> None:
    """Bring requests in the ledger to what the source's word for the state of each says by now."""
    ours, of_people = list[tuple[str, Request]](), list[tuple[str, Request]]()
    for state, request in found:
        (ours if request.right in SUPPRESSING else of_people).append((state, request))
    ledger.requests.note(*(one.reference for _, one in of_people if one.state == "registered"))
    open_still = [(state, one) for state, one in of_people if one.state in ("registered", "noted")]
    ledger.requests.answer(*(one.reference for state, one in open_still if state not in table.waiting))
    over = [one for state, one in ours if state in (*table.ended, *table.no_effect)]
    ledger.requests.refuse(*(one.reference for one in over if one.state == "registered"))
    for one in over:
        if one.state in ("decided", "applied") and one.right != "erasure":
            ledger.requests.lift(one.reference, now)
