"""People as the ledger knows them: values of identifying columns turned into keyed identifiers."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.compute as pc

from privacy.closure import Links, Person, met
from privacy.keys import SubjectKeys
from privacy.macs import MAC
from privacy.policy_rights import Identifies
from privacy.subjects import CUSTOMER, EMAIL, identifiers_of, macs_of, subjects_of
from privacy.treat import columns_read
from stores.ledger import Ledger
from stores.ledger.identifiers import Identifier
from stores.ledger.request import Request
from stores.source import READERS, Reading
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
    """Find in the source which accounts and e-mail addresses occur together around some people, under one key.

    It is keyed what every row says, which lets other threads go on: so tables are read some at a time.
    """
    of_both = [
        name
        for name, table in extraction.world.policy.tables.items()
        if not table.derived and {CUSTOMER, EMAIL} <= identifiers_of(table).keys()
    ]
    for sought in links.still_to_seek():
        with ThreadPoolExecutor(READERS) as pool:
            for pairs in pool.map(functools.partial(_pairs, extraction, keys, epoch, sought), of_both):
                links.pair(pairs)


def _pairs(
    extraction: Extraction, keys: SubjectKeys, epoch: int, sought: Mapping[Identifies, pa.Array], name: str
) -> list[tuple[bytes, bytes]]:
    """Read which accounts and addresses occur in one row of a table, as far as it carries what is sought."""
    table = extraction.world.policy.tables[name]
    source, kinds = identifiers_of(table), columns_read(table)
    reading, pairs = Reading(name, {column: kinds[column] for column in source.values()}), list[tuple[bytes, bytes]]()
    for columns in extraction.look_at(reading, "people"):
        both = pc.and_(*(columns[source[identifies]].is_valid() for identifies in (CUSTOMER, EMAIL)))
        macs = subjects_of(table, {name: values.filter(both) for name, values in columns.items()}, keys, epoch)
        pairs += met(macs[CUSTOMER], macs[EMAIL], sought)
    return pairs


def _person(identifiers: Iterable[Identifier], epoch: int) -> Person:
    known: dict[str, Identifies] = {CUSTOMER: CUSTOMER, EMAIL: EMAIL}
    return frozenset((known[i.identifies], bytes.fromhex(i.mac)) for i in identifiers if i.epoch == epoch)


def _identifiers(person: Person, epoch: int) -> list[Identifier]:
    return [Identifier(identifies, epoch, mac.hex()) for identifies, mac in sorted(person)]
