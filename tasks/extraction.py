"""Reading the source, for a run and for a plan of one: batches out of one snapshot, and what is known ahead of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field, replace

import pyarrow as pa

from privacy.clocks import past_event_days
from privacy.declared import force_types
from privacy.event_rules import link_to
from privacy.incremental_rules import own_clock
from privacy.key_index import Mask
from privacy.treat import TableTreater, columns_read
from privacy.world import LatestEvents, World
from stores.source import Reading, Snapshot, Totals
from tasks.freed_memory import give_freed_memory_back

BATCH_ROWS = 32_768

FEW_ROWS = BATCH_ROWS // 2
"""A first batch of so many is most likely the only one."""

BATCHES_BETWEEN_TRIMS = 16
"""In a large table freed memory goes back in between, too, or what lies between its pieces adds up."""

OnProgress = Callable[[str, int, int], None]
"""Told of a step's name, what is done of it, and what there is to do (0: unknown)."""

LISTENER: ContextVar[OnProgress] = ContextVar("LISTENER", default=lambda step, done, total: None)


@dataclass(frozen=True)
class Extraction:
    """One snapshot of the source, being read."""

    world: World
    snapshot: Snapshot
    on_progress: OnProgress
    ended: set[str] = field(default_factory=set)
    only: Mapping[str, tuple[str, pa.Array]] = field(default_factory=dict)
    """By table, the rows that are read: those of which a column has one of some values. What lies around them is known.

    All rows, of tables that are not named.
    """

    def treater(self, name: str) -> TableTreater:
        """Begin a table, after those it refers to."""
        in_part = name in self.only
        if not in_part:
            self.note_events(name)
        return TableTreater(name, self.world, in_part)

    def note_events(self, name: str) -> None:
        """Find the events in other tables that start a table's clocks."""
        rule = own_clock(self.world.policy.tables[name])
        for other, event in rule.other_events if rule else ():
            self.world.events[name, other, event] = self._latest(name, other, event)

    def totals(self, treater: TableTreater) -> Totals:
        """Let the source count and add up what `read` is to deliver."""
        return self.snapshot.totals(self._reading(treater))

    def read(self, treater: TableTreater, rows: int) -> Iterator[pa.RecordBatch]:
        """Read a table; for a derived one, rows of the table that it is made of. rows: how many, 0 if unknown."""
        table = treater.table
        return self._batches(self._reading(treater), rows, table.publish_as if table.derived else treater.name)

    def _reading(self, treater: TableTreater) -> Reading:
        table, some = treater.table, self.only.get(treater.name)
        if not table.derived:
            return Reading(treater.name, treater.read, among=some)
        key = table.source_of(table.derived.one_row_per)
        return Reading(table.derived.source, treater.read, table.derived.where_null, key, among=some)

    def telling(self, also: OnProgress | None) -> Extraction:
        """Read on, and tell somebody else as well how far it is."""
        if also is None:
            return self

        def both(step: str, done: int, total: int) -> None:
            self.on_progress(step, done, total)
            also(step, done, total)

        return replace(self, on_progress=both)

    def raw(self, reading: Reading, what: str) -> Iterator[pa.RecordBatch]:
        """Read rows as they come, how many there are not being known ahead."""
        return self._batches(reading, 0, f"{reading.table} ({what})")

    def count(self, table: str) -> int:
        """Let the source count the rows of a table."""
        return self.snapshot.totals(Reading(table, {})).rows

    def look_at(self, reading: Reading, what: str) -> Iterator[dict[str, pa.Array]]:
        """Read columns ahead of their table, in their declared types."""
        for columns, _ in self.look_closely(reading, what):
            yield columns

    def look_closely(self, reading: Reading, what: str) -> Iterator[tuple[dict[str, pa.Array], dict[str, Mask]]]:
        """Read columns likewise, each batch with the rows in which a value does not fit."""
        rows = self.snapshot.totals(replace(reading, columns={})).rows
        for batch in self._batches(reading, rows, f"{reading.table} ({what})"):
            yield force_types(batch, dict(reading.columns), self.world.policy.time_zone)

    def finish(self, treater: TableTreater) -> None:
        """End a table: those that refer to it may ask for its rows' fates, until the last of them has ended."""
        if treater.index and treater.name not in self.only:
            self.world.indexes[treater.name] = treater.index.build()
        self.ended.add(treater.name)
        references = self.world.policy.references()
        for target in references[treater.name]:
            if all(name in self.ended for name, targets in references.items() if target in targets):
                self.world.indexes.pop(target, None)
        for events in [events for events in self.world.events if events[0] == treater.name]:
            del self.world.events[events]
        if not treater.in_part:
            give_freed_memory_back()

    def _batches(self, reading: Reading, rows: int, step: str) -> Iterator[pa.RecordBatch]:
        done = 0
        self.on_progress(step, 0, rows)
        for number, batch in enumerate(_read_ahead(self.snapshot.batches(reading, BATCH_ROWS)), 1):
            yield batch
            done += len(batch)
            if number % BATCHES_BETWEEN_TRIMS == 0:
                give_freed_memory_back()
            self.on_progress(step, done, rows)

    def _latest(self, name: str, other: str, event: str) -> LatestEvents:
        """Find the latest event of the rows that refer to each row of a table."""
        referring = self.world.policy.tables[other]
        link = referring.source_of(str(link_to(referring, name)))
        named = {event, *referring.columns[event].treatment.needs()}
        wanted = {link, *map(referring.source_of, named)}
        reading = Reading(other, {c: kind for c, kind in columns_read(referring).items() if c in wanted})
        return LatestEvents.of(
            (columns[link], past_event_days(referring, event, columns, self.world))
            for columns in self.look_at(reading, "clocks")
        )


def _read_ahead(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Give batches while the next one is read in a thread of its own; a few rows, which are all there are, without."""
    begun = [*itertools.islice(batches, 1)]
    if all(len(batch) < FEW_ROWS for batch in begun):
        begun += itertools.islice(batches, 1)
        if len(begun) < 2:
            yield from begun
            return
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, batches, None)
        yield from begun
        while (batch := coming.result()) is not None:
            coming = reader.submit(next, batches, None)
            yield batch
