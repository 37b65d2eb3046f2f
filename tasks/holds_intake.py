"""Legal holds at the beginning of a run: the shop's own are registered, and all of the day count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from privacy.column_types import ColumnType
from privacy.holds import SourceHold, source_holds
from privacy.keys import SubjectKeys
from privacy.policy_rights import Holds
from privacy.records import Mac, held_macs
from privacy.world import World
from stores.ledger import Ledger
from stores.ledger.holds import ActiveHolds
from stores.source import Reading, Schema
from tasks.extraction import Extraction


def take_holds_in(extraction: Extraction, schema: Schema, ledger: Ledger, root: SubjectKeys, actor: str) -> list[str]:
    """Bring the ledger up to what the shop's own table says, and let all holds of the day count; give warnings."""
    world, unread = extraction.world, Counter[str]()
    ledger.holds.sync_source(_current(extraction, schema, root, unread), actor, world.now)
    _let_count(world, _records(ledger.holds.active(world.as_of)))
    return _told(unread)


def foresee_holds(extraction: Extraction, schema: Schema, ledger: Ledger | None, root: SubjectKeys) -> list[str]:
    """Let the same holds count for a plan, which writes nothing; give the same warnings."""
    world, unread = extraction.world, Counter[str]()
    current = _current(extraction, schema, root, unread)
    found = {
        (hold.record.table, hold.record.newest) for hold in current if hold.period and hold.period.covers(world.as_of)
    }
    if ledger:
        found.update(_records(ledger.holds.active(world.as_of, "command")))
        known = ledger.holds.active(world.as_of, "source")
        for hold in current:
            if hold.period is None:
                registered = known.get(hold.record.table, {})
                same = (mac for mac in hold.record.macs if hold.matter in registered.get(mac, ()))
                found.update((hold.record.table, mac) for mac in same)
    _let_count(world, found)
    return _told(unread)


def _current(extraction: Extraction, schema: Schema, root: SubjectKeys, unread: Counter[str]) -> list[SourceHold]:
    """Read the holds of the shop's own table that have not ended by the real day."""
    world = extraction.world
    if not (table := world.policy.holds):
        return []
    reading = Reading(table.source, kinds_of_holds(schema, table))
    found = [
        hold
        for columns, misfits in extraction.look_closely(reading, "holds")
        for hold in source_holds(world.policy, columns, misfits, root, unread)
    ]
    return [hold for hold in found if not (hold.period and hold.period.last and hold.period.last < world.today)]


def kinds_of_holds(schema: Schema, table: Holds) -> dict[str, ColumnType]:
    """Give the columns that are read of the shop's own table of holds, with their types."""
    kinds = {name: ColumnType("text") for name in (table.matter, table.table, table.held_from, table.held_until)}
    number = schema[table.source][table.record].family == "integer"
    return {**kinds, table.record: ColumnType("integer" if number else "text")}


def _records(active: ActiveHolds) -> Iterator[tuple[str, Mac]]:
    return ((table, mac) for table, records in active.items() for mac in records)


def _let_count(world: World, held: Iterable[tuple[str, Mac]]) -> None:
    world.held.update(held_macs(held))


def _told(unread: Counter[str]) -> list[str]:
    return [f"holds that cannot be read, {why}: {rows:,}" for why, rows in sorted(unread.items())]
