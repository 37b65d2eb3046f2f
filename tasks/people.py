"""People as the ledger knows them: values of identifying columns turned into keyed identifiers."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from privacy.closure import Links, Person
from privacy.keys import SubjectKeys
from privacy.macs import MAC
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


def search_source(extraction: Extraction, ledger: Ledger, keys: SubjectKeys, requests: Sequence[Request]) -> None:
    """Search the source for further identifiers of the people of requests, and note that this was done.

    Under every key: a warehouse of before the newest one may be put back, and they must be found in it as well.
    """
    ids = [request.request_id for request in requests]
    if ids:
        _key_anew(extraction, ledger, keys, [one.request_id for one in requests if one.state == "registered"])
        for epoch in keys.numbers:
            add_closure(ledger, ids, functools.partial(_follow, extraction, keys, epoch), epoch, "source")
        ledger.requests.close(ids)


def closed(extraction: Extraction, keys: SubjectKeys, people: People) -> Iterator[tuple[Identifier, ...]]:
    """Give each person's identifiers and those that the source has of them beside."""
    found = [list(one) for one in people]
    for epoch in keys.numbers:
        links = Links(_person(one, epoch) for one in people)
        _follow(extraction, keys, epoch, links)
        for one, more in zip(found, links.close(), strict=True):
            one += _identifiers(more, epoch)
    yield from map(tuple, found)


def add_closure(
    ledger: Ledger, request_ids: list[str], follow: Callable[[Links], None], epoch: int, found_in: str
) -> None:
    """Add to requests the identifiers that their people have beside those named, as far as `follow` finds them."""
    named = [
        (request_id, subject, _person(identifiers, epoch))
        for request_id, subjects in ledger.requests.identifiers(request_ids).items()
        for subject, identifiers in subjects.items()
    ]
    links = Links(person for _, _, person in named)
    follow(links)
    found: dict[str, dict[int, list[Identifier]]] = defaultdict(dict)
    for (request_id, subject, _), person in zip(named, links.close(), strict=True):
        if person:
            found[request_id][subject] = _identifiers(person, epoch)
    for request_id, subjects in found.items():
        ledger.requests.add_found(request_id, subjects, found_in)


def _key_anew(extraction: Extraction, ledger: Ledger, keys: SubjectKeys, request_ids: list[str]) -> None:
    """Give people who were named before the newest key was made their identifiers under it, as far as a row has them.

    Without that, nobody would find them in a warehouse whose private index is made under it.
    """
    meant: defaultdict[tuple[Identifies, int, str], list[tuple[str, int]]] = defaultdict(list)
    for request_id, subjects in ledger.requests.identifiers(request_ids).items():
        for subject, person in subjects.items():
            if all(one.epoch != keys.newest for one in person):
                for one in person:
                    meant[one.identifies, one.epoch, one.mac].append((request_id, subject))
    for identifies, epoch, before, after in _met(extraction, keys, meant) if meant else ():
        for request_id, subject in meant[identifies, epoch, before]:
            anew = Identifier(identifies, keys.newest, after)
            ledger.requests.add_identifiers(request_id, subject, [anew], "source")


def _met(
    extraction: Extraction, keys: SubjectKeys, wanted: Collection[tuple[Identifies, int, str]]
) -> set[tuple[Identifies, int, str, str]]:
    """Find rows by identifiers under older keys; give each of these, and what it is under the newest."""
    found: set[tuple[Identifies, int, str, str]] = set()
    for name, table in extraction.world.policy.tables.items():
        columns = {} if table.derived else identifiers_of(table)
        kinds = columns_read(table)
        reading = Reading(name, {column: kinds[column] for column in columns.values()})
        for batch in extraction.look_at(reading, "people") if columns else ():
            anew = subjects_of(table, batch, keys, keys.newest)
            for epoch in {epoch for _, epoch, _ in wanted}:
                for identifies, macs in subjects_of(table, batch, keys, epoch).items():
                    sought = [bytes.fromhex(mac) for kind, at, mac in wanted if (kind, at) == (identifies, epoch)]
                    there = pc.is_in(macs, value_set=pa.array(sought, MAC))
                    pairs = zip(macs.filter(there).to_pylist(), anew[identifies].filter(there).to_pylist(), strict=True)
                    found |= {(identifies, epoch, before.hex(), after.hex()) for before, after in pairs}
    return found


def _follow(extraction: Extraction, keys: SubjectKeys, epoch: int, links: Links) -> None:
    """Find in the source which accounts and e-mail addresses occur together around some people, under one key."""
    for sought in links.still_to_seek():
        for name, table in extraction.world.policy.tables.items():
            found = identifiers_of(table)
            if not table.derived and {CUSTOMER, EMAIL} <= found.keys():
                kinds = columns_read(table)
                reading = Reading(name, {column: kinds[column] for column in found.values()})
                for columns in extraction.look_at(reading, "people"):
                    macs: Mapping[Identifies, pa.Array] = subjects_of(table, columns, keys, epoch)
                    links.add(macs[CUSTOMER], macs[EMAIL], sought)


def _person(identifiers: Iterable[Identifier], epoch: int) -> Person:
    known: dict[str, Identifies] = {CUSTOMER: CUSTOMER, EMAIL: EMAIL}
    return frozenset((known[i.identifies], bytes.fromhex(i.mac)) for i in identifiers if i.epoch == epoch)


def _identifiers(person: Person, epoch: int) -> list[Identifier]:
    return [Identifier(identifies, epoch, mac.hex()) for identifies, mac in sorted(person)]
