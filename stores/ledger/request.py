"""A request, before and after it is registered, and which steps it may take."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from privacy.errors import UsageError
from privacy.policy_rights import Right
from privacy.requests import SUPPRESSING
from stores.ledger.identifiers import Identifier, Subjects

LIFTABLE = ("restriction", "objection")

Check = Callable[["Request"], str | None]
"""Says why a step is refused, None where it is not."""


@dataclass(frozen=True)
class NewRequest:
    """A request before it is registered; `subjects` holds the identifiers of each person that it names."""

    reference: str
    right: Right
    origin: str
    received_at: datetime.datetime
    due_on: datetime.date
    subjects: tuple[tuple[Identifier, ...], ...]


@dataclass(frozen=True)
class Request:
    """A request as the ledger has it."""

    request_id: str
    reference: str
    right: Right
    origin: str
    actor: str
    received_at: datetime.datetime
    due_on: datetime.date
    registered_at: datetime.datetime
    state: str
    subjects: int
    closed: bool
    decided_at: datetime.datetime | None
    applied_at: datetime.datetime | None
    run_id: str | None
    receipt_id: str | None


@dataclass(frozen=True)
class Registered:
    """What became of new requests: the ids of those registered, and the references left alone for they were known."""

    request_ids: Mapping[str, str]
    """By reference."""
    known: tuple[str, ...]


def why_not_decided(request: Request, subjects: Subjects) -> str | None:
    """Say why a request cannot be decided."""
    if request.right not in SUPPRESSING:
        return f"asks for {request.right}, which suppresses nothing; people see to it"
    if len(subjects) < max(request.subjects, 1):
        return "names somebody by no identifier at all, so that nothing can be suppressed"
    return only_from("registered")(request)


def why_not_lifted(request: Request) -> str | None:
    """Say why a request cannot be lifted."""
    if request.right not in LIFTABLE:
        return f"asks for {request.right}; only a restriction or an objection can be lifted"
    return only_from("registered", "decided", "applied")(request)


def only_from(*states: str) -> Check:
    """Give the check that a request is in one of these states."""
    return lambda request: None if request.state in states else f"is {request.state} already"


def for_people(then: Check) -> Check:
    """Give the check that a request is one that people see to, and another one after it."""
    return lambda request: (
        f"asks for {request.right}, which a run sees to" if request.right in SUPPRESSING else then(request)
    )


def refuse_where(request: Request, why: str | None) -> None:
    """Refuse a step where there is a reason to."""
    if why:
        raise refusal(request, why)


def refusal(request: Request, why: str) -> UsageError:
    """Tell a request by its random id: a reference may hold anything."""
    return UsageError(f"The request with the id {request.request_id} {why}. Nothing was changed.")
