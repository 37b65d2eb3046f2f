"""Where people's rows are: in the source, if it can be read now, and in what is published of it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from expectations.source import find_drift
from privacy.closure import Links
from privacy.errors import StoreError, UsageError
from privacy.keys import Keyring
from privacy.macs import MAC
from privacy.policy import Policy
from privacy.policy_rights import Identifies
from privacy.subjects import CUSTOMER, EMAIL, identifiers_of, macs_of
from privacy.treat import columns_read
from privacy.world import World, local_date
from stores.opening import open_source
from stores.settings import Settings
from stores.source import Reading, Schema
from stores.warehouse import Warehouse
from tasks.extraction import LISTENER, Extraction
from tasks.people import People


@dataclass(frozen=True)
class SourceThere:
    """The source, if it can be read now."""

    extraction: Extraction | None = None
    schema: Schema = field(default_factory=dict)
    why_not: str = ""


@contextmanager
def source_if_there(
    settings: Settings, policy: Policy, keyring: Keyring, as_of: datetime.date | None = None
) -> Iterator[SourceThere]:
    """Give the source being read, or why it cannot be: it is not named, away, or not what the policy says."""
    now = datetime.datetime.now(datetime.UTC)
    world = World(policy, keyring.analytics(), as_of or local_date(now, policy.time_zone), now, keyring.subjects())
    with ExitStack() as stack:
        there = SourceThere(why_not="no source is named")
        if settings.source is not None:
            try:
                source = open_source(settings.source)
                schema = source.schema()
                if find_drift(policy, schema):
                    there = SourceThere(why_not="the source is not what the policy describes; see `sluis check`")
                else:
                    extraction = Extraction(world, stack.enter_context(source.snapshot()), LISTENER.get())
                    there = SourceThere(extraction, schema)
            except StoreError:
                there = SourceThere(why_not="the source cannot be read")
        yield there


def refuse_unknown(people: People, keyring: Keyring, extraction: Extraction | None, warehouse: Warehouse) -> None:
    """Refuse people of whom neither the source nor the warehouse has a row, by the number of their entry."""
    wanted = {(i.identifies, i.epoch, bytes.fromhex(i.mac)) for person in people for i in person}
    found = _in_warehouse(wanted, warehouse)
    if extraction and found < wanted:
        found |= _in_source(wanted, keyring, extraction)
    unknown = [
        str(number)
        for number, person in enumerate(people, 1)
        if not any((i.identifies, i.epoch, bytes.fromhex(i.mac)) in found for i in person)
    ]
    if unknown:
        looked = "the source and the warehouse have" if extraction else "the warehouse has, and the source is away,"
        raise UsageError(
            f"--subject-file: {looked} nothing of person {', '.join(unknown)} (counted from the top). "
            "Nothing was changed.\n  Check the number or the spelling; to hold nothing of somebody is an answer, too."
        )


Wanted = set[tuple[Identifies, int, bytes]]


def _in_warehouse(wanted: Wanted, warehouse: Warehouse) -> Wanted:
    published = warehouse.published()
    if published is None:
        return set()
    epoch = published.index_epoch
    return {
        (identifies, epoch, mac)
        for identifies in (CUSTOMER, EMAIL)
        for mac in warehouse.known(identifies, [mac for kind, at, mac in wanted if kind == identifies and at == epoch])
    }


def _in_source(wanted: Wanted, keyring: Keyring, extraction: Extraction) -> Wanted:
    keys = keyring.subjects()
    macs: dict[str, set[bytes]] = {}
    for identifies, epoch, mac in wanted:
        if epoch == keys.newest:
            macs.setdefault(identifies, set()).add(mac)
    found: Wanted = set()
    for name, table in extraction.world.policy.tables.items():
        identifiers = {kind: c for kind, c in identifiers_of(table).items() if kind in macs}
        if table.derived or not identifiers:
            continue
        kinds = columns_read(table)
        reading = Reading(name, {column: kinds[column] for column in identifiers.values()})
        for columns in extraction.look_at(reading, "people"):
            for kind, column in identifiers.items():
                there = macs_of(columns[column], kind, keys.key(kind, keys.newest))
                met = there.filter(pc.is_in(there, value_set=pa.array(sorted(macs[kind]), MAC)))
                found |= {(kind, keys.newest, mac) for mac in met.unique().to_pylist()}
    return found


def follow_in_warehouse(warehouse: Warehouse, links: Links) -> None:
    """Find in the private index which accounts and e-mail addresses occur together around some people."""
    for sought in links.still_to_seek():
        for identifies, macs in sought.items():
            links.pair(warehouse.links(identifies, macs.to_pylist()))
