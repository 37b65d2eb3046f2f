"""Requests of invented people, for tests of the ledger."""

from __future__ import annotations

import datetime
import hashlib

from stores.ledger import Ledger
from stores.ledger.identifiers import Identifier
from stores.ledger.request import NewRequest

NOW = datetime.datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=datetime.UTC)
LATER = NOW + datetime.timedelta(days=1)


def customer(name: object, epoch: int = 1) -> Identifier:
    """Give something that looks like the mac of a customer."""
    return Identifier("customer", epoch, hashlib.sha256(f"customer {name} {epoch}".encode()).hexdigest()[:32])


def email(name: object, epoch: int = 1) -> Identifier:
    """Give something that looks like the mac of an e-mail address."""
    return Identifier("email", epoch, hashlib.sha256(f"email {name} {epoch}".encode()).hexdigest()[:32])


def asked(reference: str, *subjects: tuple[Identifier, ...], right: str = "erasure") -> NewRequest:
    """Give a request for some people."""
    return NewRequest(reference, right, "command", NOW, NOW.date() + datetime.timedelta(days=30), subjects)


def all_decided(ledger: Ledger) -> list[str]:
    """Give the ids of the requests that the next publish applies."""
    return [request.request_id for request in ledger.requests.with_state("decided")]
