"""The chamber: all that one run holds open, in the memory of the worker that treats the rows. No orchestrator in here.

Tasks find it by the run's id, so that only names go into them and only counts come out.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import getpass
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import pyarrow as pa

from expectations.candidate import TableFacts, owed_by
from expectations.gate import check_candidate
from expectations.source import find_drift, refuse_drift
from privacy.clocks import past_event_days
from privacy.column_types import ColumnType
from privacy.declared import force_types
from privacy.errors import GateError
from privacy.evidence import RunRecord, TableCounts
from privacy.fates import Fate
from privacy.keys import Keys
from privacy.policy import Policy, Table
from privacy.policy_file import read_policy
from privacy.policy_rules import link_to
from privacy.retention_rules import ClockOf, KeepAtMost
from privacy.treat import TableTreater, columns_read
from privacy.treatments import Synthesize
from privacy.value_drift import excuse
from privacy.world import LatestEvents, World, local_date
from stores.arrow_stream import readable
from stores.keyring_file import read_keyring
from stores.ledger import Ledger, open_ledger
from stores.opening import open_source, open_warehouse
from stores.settings import Settings, read_text
from stores.source import Reading, Snapshot, Source
from stores.warehouse import ANALYTICS, Candidate
from tasks.comments import comments_on
from tasks.refusal import refusal

BATCH_ROWS = 32_768

OnProgress = Callable[[str, int, int], None]
"""Told of a step's name, what is done of it, and what there is to do (0: unknown)."""

LISTENER: ContextVar[OnProgress] = ContextVar("LISTENER", default=lambda step, done, total: None)


@dataclass
class Chamber:
    """One run under way."""

    world: World
    source: Source
    candidate: Candidate
    record: RunRecord
    rows_before: Mapping[str, int]
    """How many rows the last published run read, by published name."""
    on_progress: OnProgress
    snapshot: Snapshot | None = None
    facts: dict[str, TableFacts] = field(default_factory=dict)
    """By source name."""

    @property
    def policy(self) -> Policy:
        """Give the policy that the run executes."""
        return self.world.policy

    def inspect(self, stack: ExitStack) -> None:
        """Pass gate 0, then open the snapshot and look ahead for values that are not to be invented."""
        refuse_drift(self.policy, find_drift(self.policy, self.source.schema()))
        self.snapshot = stack.enter_context(self.source.snapshot())
        for name, table in self.policy.tables.items():
            self._note_taken(table.derived.source if table.derived else name, table)

    def load(self, name: str) -> TableCounts:
        """Extract, treat and stage one table, after those it refers to; say what became of its rows."""
        table = self.policy.tables[name]
        self._look_ahead(name, table)
        treater = TableTreater(name, self.world)
        if table.derived:
            counts = self._stage_groups(table, treater)
            self.facts[name] = TableFacts(counts, None)
        else:
            reading = Reading(name, treater.read)
            totals = self._open().totals(reading)
            self._stage(table, treater, reading, totals.rows)
            counts = treater.counts
            self.facts[name] = TableFacts(counts, totals)
        if treater.index:
            self.world.indexes[name] = treater.index.build()
        self.record.tables[table.publish_as] = counts
        return counts

    def gate(self) -> None:
        """Seal the candidate and check all its promises; GateError tells each one broken, and nothing is published."""
        self.record.tables = {table.publish_as: self.facts[name].counts for name, table in self.policy.in_order()}
        self.candidate.seal(self.record)
        suites = {
            table.publish_as: list(owed_by(self.policy, name, self.facts[name], self.world.as_of))
            for name, table in self.policy.in_order()
        }
        on_progress = functools.partial(self.on_progress, "gate")
        found = check_candidate(self.candidate.readable(), ANALYTICS, suites, on_progress)
        # a waiver must hold on the real day, too: a clock put back revives none
        self.record.gates, waived = excuse(found, self.policy, max(self.world.as_of, self.world.today))
        self.record.warnings += waived
        if not self.record.gates.green:
            raise refusal(self.record, self.policy.file)

    def publish(self) -> None:
        """Make the candidate what analysts see."""
        self.candidate.publish()
        self.record.published = True
        self.record.warnings += [*self.candidate.warnings, *self._warnings()]

    def _warnings(self) -> Iterator[str]:
        for name, counts in self.record.tables.items():
            if counts.clockless:
                yield f"{name}: rows whose clock does not run yet (event not set): {counts.clockless:,}"
            if set_aside := counts.fates[Fate.QUARANTINED]:
                yield f"{name}: rows in quarantine: {set_aside:,}"
            if not counts.extracted and self.rows_before.get(name):
                yield f"{name}: the source has no rows any more; the last run read {self.rows_before[name]:,}"

    def _stage(self, table: Table, treater: TableTreater, reading: Reading, rows: int) -> None:
        limit = self.policy.quarantine.allowed(rows)
        set_aside: list[pa.RecordBatch] = []

        def treated() -> Iterator[pa.RecordBatch]:
            for batch in self._read(reading, rows):
                result = treater.treat(batch)
                if result.quarantined is not None and treater.counts.fates[Fate.QUARANTINED] <= limit:
                    set_aside.append(result.quarantined)
                yield result.published

        self.candidate.stage(table.publish_as, treater.schema, treated(), rows, table.primary_key, comments_on(table))
        self.candidate.quarantine(table.publish_as, pa.Table.from_batches(set_aside, treater.set_aside_schema))

    def _stage_groups(self, table: Table, treater: TableTreater) -> TableCounts:
        assert table.derived
        key = table.source_of(table.derived.one_row_per)
        reading = Reading(table.derived.source, treater.read, null=table.derived.where_null, filled=key)
        batches = self._read(reading, self._open().totals(reading).rows, table.publish_as)
        with readable(treater.grouping_schema, map(treater.treat_for_grouping, batches)) as reader:
            grouped = self.candidate.stage_groups(table.publish_as, reader, table.derived, comments_on(table))
        counts = TableCounts()
        counts.fates.update({Fate(fate): groups for fate, groups in grouped.fates.items()})
        counts.reasons.update(grouped.reasons)
        return counts

    def _look_ahead(self, name: str, table: Table) -> None:
        """Find the events in other tables that start this table's clocks."""
        rule = table.retention.otherwise if isinstance(table.retention, ClockOf) else table.retention
        for other, event in rule.other_events if isinstance(rule, KeepAtMost) else ():
            self.world.events[name, other, event] = self._latest(name, other, event)

    def _latest(self, name: str, other: str, event: str) -> LatestEvents:
        """Find the latest event of the rows that refer to each row of a table."""
        referring = self.policy.tables[other]
        link = referring.source_of(str(link_to(referring, name)))
        named = {event, *referring.columns[event].treatment.needs()}
        wanted = {link, *map(referring.source_of, named)}
        reading = Reading(other, {c: kind for c, kind in columns_read(referring).items() if c in wanted})
        batches = self._read(reading, self._open().totals(reading).rows, f"{other} (clocks)")
        typed = (force_types(batch, dict(reading.columns), self.policy.time_zone)[0] for batch in batches)
        return LatestEvents.of(
            (columns[link], past_event_days(referring, event, columns, self.world)) for columns in typed
        )

    def _note_taken(self, name: str, table: Table) -> None:
        """Look ahead for values that are not to be invented: those that really occur."""
        invented = [
            (table.source_of(column), spec.treatment)
            for column, spec in table.columns.items()
            if isinstance(spec.treatment, Synthesize) and spec.treatment.looks_ahead
        ]
        if not invented:
            return
        reading = Reading(name, {source: ColumnType("text") for source, _ in invented})
        for batch in self._read(reading, self._open().totals(reading).rows, f"{name} (names)"):
            columns, _ = force_types(batch, dict(reading.columns), self.policy.time_zone)
            for source, treatment in invented:
                treatment.note_taken(columns[source], self.world.taken)

    def _read(self, reading: Reading, rows: int, step: str | None = None) -> Iterator[pa.RecordBatch]:
        done = 0
        self.on_progress(step or reading.table, 0, rows)
        for batch in self._open().batches(reading, BATCH_ROWS):
            yield batch
            done += len(batch)
            self.on_progress(step or reading.table, done, rows)

    def _open(self) -> Snapshot:
        assert self.snapshot, "the source was not inspected"
        return self.snapshot


def read_rules(settings: Settings) -> tuple[Policy, Keys]:
    """Read and check what a run goes by: the policy and the keys."""
    policy = read_policy(read_text(settings.policy, "policy"), str(settings.policy))
    return policy, read_keyring(settings.keyring).analytics()


@contextmanager
def open_chamber(settings: Settings, as_of: datetime.date | None) -> Iterator[Chamber]:
    """Open all that a run needs, hold the warehouse, and leave nothing half-done behind."""
    policy, keys = read_rules(settings)
    source, warehouse = open_source(settings.source), open_warehouse(settings.warehouse)
    ledger = open_ledger(settings.ledger)
    now = datetime.datetime.now(datetime.UTC)
    world = World(policy, keys, as_of or local_date(now, policy.time_zone), now)
    run_id = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    record = RunRecord(run_id, policy.version, policy.digest, keys.fingerprint(), world.as_of)
    with warehouse.exclusive(run_id), warehouse.candidate(run_id) as candidate:
        if ledger.last_fingerprint() not in (None, keys.fingerprint()):
            record.warnings.append("the keyring is not that of the last published run: every token changes")
        ledger.start(run_id, getpass.getuser(), now)
        chamber = Chamber(world, source, candidate, record, ledger.last_rows(), LISTENER.get())
        try:
            yield chamber
        except Exception as error:
            with contextlib.suppress(Exception):  # what stopped the run is told, not what it kept from being noted
                _note_end(ledger, record, "refused" if isinstance(error, GateError) else "failed", now)
            raise
        _note_end(ledger, record, "published", now)


def _note_end(ledger: Ledger, record: RunRecord, state: str, began: datetime.datetime) -> None:
    ended = datetime.datetime.now(datetime.UTC)
    record.seconds = (ended - began).total_seconds()
    ledger.end(record, state, began, ended)
