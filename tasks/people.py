"""People as the ledger knows them: values of identifying columns turned into keyed identifiers."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

import pyarrow as pa

from privacy.closure import Links, Person
from privacy.keys import SubjectKeys
from privacy.policy_rights import Identifies
from privacy.subjects import CUSTOMER, EMAIL, identifiers_of, macs_of, subjects_of
from privacy.treat import columns_read
from stores.ledger import Ledger
from stores.ledger.identifiers import Identifier
from stores.ledger.request import Request
from stores.source import Reading
from tasks.extraction import Extraction

People = list[tuple[Identifier, ...]]
"""A row's identifiers, under all epochs; none where the row names nobody."""


def people_of(columns: Iterable[tuple[Identifies, pa.Array]], rows: int, keys: SubjectKeys) -> People:
    """Give the identifiers that a few rows name."""
    people: People = [()] * rows
    for identifies, column in columns:
        for epoch in keys.numbers:
            macs = macs_of(column, identifies, keys.key(identifies, epoch)).to_pylist()
            found = (() if mac is None else (Identifier(identifies, epoch, mac.hex()),) for mac in macs)
            people = [before + more for before, more in zip(people, found, strict=True)]
    return people


def search_source(extraction: Extraction, ledger: Ledger, keys: SubjectKeys, requests: Iterable[Request]) -> None:
    """Search the source for further identifiers of the people of requests, and note that this was done.

    Under each epoch under which they are known: the warehouse may still be that of before a rotation.
    """
    ids = [request.request_id for request in requests]
    if ids:
        for epoch in keys.numbers:
            links = functools.partial(_searched, extraction, keys, epoch)
            add_closure(ledger, ids, links, epoch, "source")
        ledger.requests.close(ids)


def closed(extraction: Extraction, keys: SubjectKeys, people: People) -> Iterator[tuple[Identifier, ...]]:
    """Give each person's identifiers and those that the source has of them beside."""
    found = [list(one) for one in people]
    for epoch in keys.numbers:
        named = [_person(one, epoch) for one in people]
        for one, more in zip(found, _searched(extraction, keys, epoch, named).close(named), strict=True):
            one += _identifiers(more, epoch)
    yield from map(tuple, found)


def add_closure(
    ledger: Ledger, request_ids: list[str], links: Callable[[list[Person]], Links], epoch: int, found_in: str
) -> None:
    """Add to requests the identifiers that their people have beside those named, as far as `links` of them tell."""
    named = [
        (request_id, subject, _person(identifiers, epoch))
        for request_id, subjects in ledger.requests.identifiers(request_ids).items()
        for subject, identifiers in subjects.items()
    ]
    people = [person for _, _, person in named]
    further = links(people).close(people)
    found: dict[str, dict[int, list[Identifier]]] = defaultdict(dict)
    for (request_id, subject, _), person in zip(named, further, strict=True):
        if person:
            found[request_id][subject] = _identifiers(person, epoch)
    for request_id, subjects in found.items():
        ledger.requests.add_found(request_id, subjects, found_in)


def _searched(extraction: Extraction, keys: SubjectKeys, epoch: int, people: list[Person]) -> Links:
    """Find what occurs together, where anybody is known under this epoch."""
    return _links(extraction, keys, epoch) if any(people) else Links()


def _links(extraction: Extraction, keys: SubjectKeys, epoch: int) -> Links:
    """Find in the source which accounts and e-mail addresses occur together."""
    links = Links()
    for name, table in extraction.world.policy.tables.items():
        found = identifiers_of(table)
        if not table.derived and {CUSTOMER, EMAIL} <= found.keys():
            kinds = columns_read(table)
            reading = Reading(name, {column: kinds[column] for column in found.values()})
            for columns in extraction.look_at(reading, "people"):
                macs: Mapping[Identifies, pa.Array] = subjects_of(table, columns, keys, epoch)
                links.add(macs[CUSTOMER], macs[EMAIL])
    return links


def _person(identifiers: Iterable[Identifier], epoch: int) -> Person:
    known: dict[str, Identifies] = {CUSTOMER: CUSTOMER, EMAIL: EMAIL}
    return frozenset((known[i.identifies], bytes.fromhex(i.mac)) for i in identifiers if i.epoch == epoch)


def _identifiers(person: Person, epoch: int) -> list[Identifier]:
    return [Identifier(identifies, epoch, mac.hex()) for identifies, mac in sorted(person)]
