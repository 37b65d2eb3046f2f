"""The chamber: all that one run holds open, in the memory of the worker that treats the rows. No orchestrator in here.

Tasks find it by the run's id, so that only names go into them and only counts come out.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pyarrow as pa

from expectations.candidate import TableFacts, owed_by
from expectations.gate import check_candidate
from expectations.source import find_drift, refuse_drift
from privacy.changes import outline
from privacy.column_types import ColumnType
from privacy.errors import GateError
from privacy.evidence import KEY_CHANGED, RunRecord, TableCounts, warnings_of
from privacy.fates import Fate
from privacy.keys import Keys
from privacy.policy import Policy, Table
from privacy.policy_file import read_policy
from privacy.treat import TableTreater
from privacy.treatments import Synthesize
from privacy.value_drift import excuse
from privacy.world import World, local_date
from stores.actor import acting
from stores.arrow_stream import readable
from stores.keyring_file import read_keyring
from stores.ledger import Ledger, open_ledger
from stores.opening import open_source, open_warehouse
from stores.settings import Settings, read_text
from stores.source import Reading, Source
from stores.warehouse import ANALYTICS, Candidate, Seal
from tasks.comments import comments_on
from tasks.extraction import LISTENER, Extraction, OnProgress
from tasks.freed_memory import keep_little_freed_memory
from tasks.refusal import refusal


@dataclass
class Chamber:
    """One run under way."""

    world: World
    source: Source
    candidate: Candidate
    seal: Seal
    record: RunRecord
    rows_before: Mapping[str, int]
    """How many rows the last published run read, by published name."""
    on_progress: OnProgress
    extraction: Extraction | None = None
    facts: dict[str, TableFacts] = field(default_factory=dict)
    """By source name."""

    @property
    def policy(self) -> Policy:
        """Give the policy that the run executes."""
        return self.world.policy

    def inspect(self, stack: ExitStack) -> None:
        """Pass gate 0, then open the snapshot and look ahead for values that are not to be invented."""
        refuse_drift(self.policy, find_drift(self.policy, self.source.schema()))
        self.extraction = Extraction(self.world, stack.enter_context(self.source.snapshot()), self.on_progress)
        for name, table in self.policy.tables.items():
            self._note_taken(table.derived.source if table.derived else name, table)

    def load(self, name: str) -> TableCounts:
        """Extract, treat and stage one table, after those it refers to; say what became of its rows."""
        table = self.policy.tables[name]
        treater = self._open.treater(name)
        totals, batches = self._open.read(treater)
        if table.derived:
            counts = self._stage_groups(table, treater, batches)
            self.facts[name] = TableFacts(counts, None)
        else:
            self._stage(table, treater, batches, totals.rows)
            counts = treater.counts
            self.facts[name] = TableFacts(counts, totals)
        self._open.finish(treater)
        self.record.tables[table.publish_as] = counts
        self.record.content[table.publish_as] = str(treater.content)
        return counts

    def gate(self) -> None:
        """Seal the candidate and check all its promises; GateError tells each one broken, and nothing is published."""
        self.record.tables = {table.publish_as: self.facts[name].counts for name, table in self.policy.in_order()}
        self.candidate.seal(self.record, self.seal)
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
        self.record.warnings += [*self.candidate.warnings, *warnings_of(self.record.tables, self.rows_before)]

    def _stage(self, table: Table, treater: TableTreater, batches: Iterator[pa.RecordBatch], rows: int) -> None:
        limit = self.policy.quarantine.allowed(rows)
        set_aside: list[pa.RecordBatch] = []

        def treated() -> Iterator[pa.RecordBatch]:
            for batch in batches:
                result = treater.treat(batch)
                if result.quarantined is not None and treater.counts.fates[Fate.QUARANTINED] <= limit:
                    set_aside.append(result.quarantined)
                yield result.published

        self.candidate.stage(table.publish_as, treater.schema, treated(), rows, table.primary_key, comments_on(table))
        self.candidate.quarantine(table.publish_as, pa.Table.from_batches(set_aside, treater.set_aside_schema))

    def _stage_groups(self, table: Table, treater: TableTreater, batches: Iterator[pa.RecordBatch]) -> TableCounts:
        assert table.derived
        with readable(treater.grouping_schema, map(treater.treat_for_grouping, batches)) as reader:
            grouped = self.candidate.stage_groups(table.publish_as, reader, table.derived, comments_on(table))
        counts = TableCounts()
        counts.fates.update({Fate(fate): groups for fate, groups in grouped.fates.items()})
        counts.reasons.update(grouped.reasons)
        return counts

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
        for columns in self._open.look_at(reading, "names"):
            for source, treatment in invented:
                treatment.note_taken(columns[source], self.world.taken)

    @property
    def _open(self) -> Extraction:
        assert self.extraction, "the source was not inspected"
        return self.extraction


def read_rules(settings: Settings) -> tuple[Policy, Keys]:
    """Read and check what a run goes by: the policy and the keys."""
    policy = read_policy(read_text(settings.policy, "policy"), str(settings.policy))
    return policy, read_keyring(settings.keyring).analytics()


@contextmanager
def open_chamber(settings: Settings, as_of: datetime.date | None) -> Iterator[Chamber]:
    """Open all that a run needs, hold the warehouse, and leave nothing half-done behind."""
    keep_little_freed_memory()
    actor = acting(os.environ)
    policy, keys = read_rules(settings)
    source, warehouse = open_source(settings.source), open_warehouse(settings.warehouse)
    ledger = open_ledger(settings.ledger)
    now = datetime.datetime.now(datetime.UTC)
    world = World(policy, keys, as_of or local_date(now, policy.time_zone), now)
    run_id = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    record = RunRecord(run_id, policy.version, policy.digest, keys.fingerprint(), world.as_of, outline=outline(policy))
    with warehouse.exclusive(run_id), warehouse.candidate(run_id) as candidate:
        last = ledger.runs.last_published()
        if last and last.key_fingerprint != keys.fingerprint():
            record.warnings.append(KEY_CHANGED)
        ledger.runs.start(run_id, "refresh", actor.name, now)
        seal = Seal("refresh", ledger.identity(), 0, "", read_keyring(settings.keyring).newest("tombstones").number)
        chamber = Chamber(world, source, candidate, seal, record, ledger.runs.last_rows(), LISTENER.get())
        try:
            yield chamber
        except Exception as error:
            with contextlib.suppress(Exception):  # what stopped the run is told, not what it kept from being noted
                _note_end(ledger, record, "refused" if isinstance(error, GateError) else "failed", now)
            raise
        _note_end(ledger, record, "published" if record.published else "failed", now)


def _note_end(ledger: Ledger, record: RunRecord, state: str, began: datetime.datetime) -> None:
    ended = datetime.datetime.now(datetime.UTC)
    record.seconds = (ended - began).total_seconds()
    ledger.runs.end(record, state, began, ended)
