"""The shop's own table of requests, read inside the chamber: references, rights, days and MACs come out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from privacy.column_types import ColumnType
from privacy.keys import SubjectKeys
from privacy.policy import Policy
from privacy.policy_rights import RequestTable, Right
from privacy.requests import SUPPRESSING, due
from stores.ledger.request import NewRequest
from stores.source import Reading, Schema
from tasks.extraction import Extraction
from tasks.people import people_of


@dataclass(frozen=True)
class Asked:
    """A request as the source has it, and the word for its state there."""

    request: NewRequest
    state: str


def requests_asked(
    extraction: Extraction, schema: Schema, table: RequestTable, keys: SubjectKeys, unread: Counter[str]
) -> Iterator[Asked]:
    """Give the requests that the source's table holds; those that cannot be read are counted by reason."""
    policy, seen = extraction.world.policy, set[str]()
    for columns in extraction.look_at(Reading(table.source, _kinds(schema, table)), "requests"):
        found = [(one.identifies, columns[one.column]) for one in table.identified_by]
        rows = len(columns[table.reference])
        read = (columns[name].to_pylist() for name in (table.reference, table.right, table.received, table.state))
        for reference, right, received, state, identifiers in zip(*read, people_of(found, rows, keys), strict=True):
            request = _request(policy, reference, right, received, identifiers)
            if isinstance(request, str) or request.reference in seen:
                unread[request if isinstance(request, str) else "a reference that another has too"] += 1
            else:
                seen.add(request.reference)
                yield Asked(request, state or "")


def _request(policy: Policy, reference: Any, word: Any, received: Any, identifiers: Any) -> NewRequest | str:
    """Give the request of a row, or why it is none."""
    assert policy.requests.table
    right = _right(policy.requests.table, word)
    if not reference or not reference.strip():
        return "no reference"
    if right is None:
        return "a right that the policy has no word for"
    if received is None:
        return "no day of receipt"
    if right in SUPPRESSING and not identifiers:
        return "nobody is named"
    subjects = (identifiers,) if right in SUPPRESSING else ()
    due_on = due(received, policy.requests.term, policy.time_zone)
    return NewRequest(reference.strip(), right, "source", received, due_on, subjects)


def _right(table: RequestTable, word: Any) -> Right | None:
    rights: tuple[Right, ...] = get_args(Right)
    return next((right for right in rights if word in table.words.get(right, (right,))), None)


def _kinds(schema: Schema, table: RequestTable) -> dict[str, ColumnType]:
    kinds = {name: ColumnType("text") for name in (table.reference, table.right, table.state)}
    for one in table.identified_by:
        number = schema[table.source][one.column].family == "integer"
        kinds[one.column] = ColumnType("integer" if number else "text")
    return {**kinds, table.received: ColumnType("timestamp")}
