"""Who is meant, without saying it: keyed identifiers of the people whom requests name, and the rows that keep them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from privacy.policy_rights import Identifies
from stores.ledger.access import portions
from stores.ledger.schema import IDENTIFIER

MAC = re.compile("[0-9a-f]{32}")
IDENTIFIES = ("customer", "email")

Subjects = Mapping[int, tuple["Identifier", ...]]
"""The people of one request, numbered from 0."""


@dataclass(frozen=True, order=True)
class Identifier:
    """One mac of a person under one epoch of the root tombstones; anything that is no mac is refused."""

    identifies: Identifies
    epoch: int
    mac: str

    def __post_init__(self) -> None:
        if self.identifies not in IDENTIFIES or not MAC.fullmatch(self.mac):
            raise ValueError("an identifier is a mac of a customer or email, as 32 hexadecimal digits")


def identifier_rows(
    request_id: str, subject: int, identifiers: Iterable[Identifier], found_in: str
) -> list[dict[str, Any]]:
    """Give the rows that keep a person's identifiers, each once."""
    return [
        {"request_id": request_id, "subject": subject, "found_in": found_in, **vars(identifier)}
        for identifier in dict.fromkeys(identifiers)
    ]


def identifiers_of(connection: sa.Connection, request_ids: Iterable[str]) -> dict[str, Subjects]:
    """Give the identifiers of requests, by request and subject, in an order of their own."""
    found: dict[str, dict[int, list[Identifier]]] = defaultdict(lambda: defaultdict(list))
    kept = IDENTIFIER.c
    query = sa.select(kept.request_id, kept.subject, kept.identifies, kept.epoch, kept.mac)
    for portion in portions(request_ids):
        for request_id, subject, *identifier in connection.execute(query.where(kept.request_id.in_(portion))):
            found[request_id][subject].append(Identifier(*identifier))
    return {
        request_id: {subject: tuple(sorted(identifiers)) for subject, identifiers in sorted(subjects.items())}
        for request_id, subjects in found.items()
    }
