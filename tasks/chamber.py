"""The chamber: all that one run holds open, in the memory of the worker that treats the rows. No orchestrator in here.

Tasks find it by the run's id, so that only names go into them and only counts come out.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pyarrow as pa

from expectations.candidate import TableFacts
from expectations.source import find_drift, refuse_drift
from privacy.changes import outline
from privacy.column_types import ColumnType
from privacy.evidence import KEY_CHANGED, RunRecord, TableCounts, warnings_of
from privacy.fates import Fate
from privacy.keys import Keyring
from privacy.policy import Policy, Table
from privacy.policy_file import read_policy
from privacy.treat import TableTreater
from privacy.treatments import Synthesize
from privacy.world import World, local_date
from stores.actor import Actor, acting
from stores.arrow_stream import readable
from stores.keyring_file import read_keyring
from stores.ledger import open_ledger
from stores.opening import open_source, open_warehouse
from stores.settings import Settings, read_text
from stores.source import READERS, Reading, Schema, Source
from stores.warehouse import Candidate
from tasks.closure import FullRunNeededError
from tasks.comments import comments_on
from tasks.extraction import LISTENER, Extraction, OnProgress
from tasks.freed_memory import keep_little_freed_memory, leave_libraries_alone
from tasks.gate import pass_gate
from tasks.holds_intake import take_holds_in
from tasks.incremental import Found, basis_of, find_changes
from tasks.marts import FrozenMarts, freeze_marts, kept_marts
from tasks.proof import search_for_applied
from tasks.publication import Publication, new_run_id, open_publication
from tasks.replacement import Replacement
from tasks.requests_intake import Deadlines, take_in
from tasks.tombstones import after_full_scan


@dataclass
class Chamber:
    """One run under way."""

    world: World
    source: Source
    publication: Publication
    actor: Actor
    record: RunRecord
    rows_before: Mapping[str, int]
    """How many rows the last published run read, by published name."""
    on_progress: OnProgress
    extraction: Extraction | None = None
    candidate: Candidate | None = None
    found: Found | None = None
    """What changed, where the run is incremental."""
    deadlines: Deadlines = field(default_factory=Deadlines)
    facts: dict[str, TableFacts] = field(default_factory=dict)
    """By source name."""
    marts: FrozenMarts | None = None

    @property
    def policy(self) -> Policy:
        """Give the policy that the run executes."""
        return self.world.policy

    def inspect(self, stack: ExitStack, full: bool = False) -> None:
        """Pass gate 0, then open the snapshot, take in requests and holds, and find out which rows are to be treated.

        full: all of them, although the policy would be content with those that changed.
        """
        schema = self.source.schema()
        refuse_drift(self.policy, find_drift(self.policy, schema))
        snapshot = stack.enter_context(self.source.snapshot())
        self._take_in_requests(Extraction(self.world, snapshot, self.on_progress), schema)
        self._take_in_holds(Extraction(self.world, snapshot, self.on_progress), schema)
        self.extraction = Extraction(self.world, snapshot, self.on_progress)
        if self.policy.incremental:
            self.record.why_full = self._find_changes(stack, schema, full)
        if self.found is None:
            self.candidate = stack.enter_context(self.publication.warehouse.candidate(self.record.run_id))
        for name, table in self.policy.tables.items():
            self._note_taken(table.derived.source if table.derived else name, table)

    def _take_in_requests(self, extraction: Extraction, schema: Schema) -> None:
        keys = self.publication.keyring.subjects()
        intake = take_in(extraction, schema, self.publication.ledger, keys, self.actor.name)
        self.record.requests["pending"] = intake.pending
        self.record.warnings += intake.warnings
        self.deadlines = intake.deadlines
        self.world = dataclasses.replace(self.world, suppressions=self.publication.suppressions())

    def _take_in_holds(self, extraction: Extraction, schema: Schema) -> None:
        keys = self.publication.keyring.subjects()
        self.record.warnings += take_holds_in(extraction, schema, self.publication.ledger, keys, self.actor.name)

    def _find_changes(self, stack: ExitStack, schema: Schema, full: bool) -> str | None:
        """Begin with what changed alone, where that comes to the same as all; else say why it does not."""
        carried = self.record.carried
        carried["basis"] = basis_of(self.world, self.publication.held_back, self.record)
        carried["full_on"], carried["keys"] = self.world.today.isoformat(), {}
        publication = self.publication
        try:
            if full:
                raise FullRunNeededError("somebody asked for it")
            self.found = find_changes(stack, publication.warehouse, publication.ledger, self._open, schema, self.record)
        except FullRunNeededError as why:
            return str(why)
        self.candidate, self.extraction = Replacement(self.found), self.found.extraction
        self.record.mode = "incremental"
        carried["full_on"] = self.found.full_on
        carried["keys"] = {name: found.keys for name, found in self.found.tables.items()}
        return None

    def sizes(self) -> dict[str, int]:
        """Tell by table about how many rows are to be read: as many as the run before read, or as the source counts."""
        made_of = {name: t.derived.source if t.derived else name for name, t in self.policy.tables.items()}
        known = {name: self.rows_before.get(self.policy.tables[name].publish_as) for name in made_of}
        unknown = {source for name, source in made_of.items() if not known[name]}
        with ThreadPoolExecutor(READERS) as pool:
            counted = dict(zip(unknown, pool.map(self._open.count, unknown), strict=True))
        return {name: rows or counted[made_of[name]] for name, rows in known.items()}

    def load(self, name: str, also_tell: OnProgress | None = None) -> TableCounts:
        """Extract, treat and stage one table, after those it refers to; say what became of its rows."""
        table = self.policy.tables[name]
        treater = self._open.treater(name)
        extraction = self._open.telling(also_tell)
        if table.derived:
            counts = self._stage_groups(table, treater, extraction.read(treater, 0))
            self.facts[name] = TableFacts(counts, None)
        else:
            totals = extraction.totals(treater)
            self._stage(table, treater, extraction.read(treater, totals.rows), totals.rows)
            counts = treater.counts
            self.facts[name] = TableFacts(counts, totals)
        self._open.finish(treater)
        self.record.tables[table.publish_as] = counts
        if self.found:
            self.facts[name] = dataclasses.replace(self.facts[name], seen_in_part=self.found.whole(name, counts))
            return counts
        self.record.content[table.publish_as] = str(treater.content)
        if self.policy.incremental and not table.derived:
            self.record.carried["keys"][name] = treater.keys_read
        return counts

    def gate(self) -> None:
        """Seal the candidate and check all its promises; GateError tells each one broken, and nothing is published."""
        self.record.tables = {table.publish_as: self.facts[name].counts for name, table in self.policy.in_order()}
        ledger = self.publication.ledger
        self.marts = kept_marts(ledger, self.world) if self.found else freeze_marts(self._new.marts, ledger, self.world)
        self.record.marts = self.marts.counts()
        self.publication.seal(self._new, self.publication.keyring.subjects().newest, self.world.now)
        on_progress = functools.partial(self.on_progress, "gate")
        marts = None if self.found else self.marts.suites(self.facts)
        pass_gate(self._new, self.policy, self.facts, self.record, self.world.today, on_progress, marts)

    def publish(self) -> None:
        """Make the candidate what analysts see; what it freezes is in the ledger first, or it could be counted anew."""
        assert self.marts, "nothing was gated"
        self.publication.ledger.frozen.add(self.marts.new, self.record.run_id, self.world.now)
        publication = self.publication
        look = functools.partial(search_for_applied, publication.warehouse, publication.ledger, self.record.decided)
        publication.publish(self._new, look if self.record.decided else dict)
        if not self.found:
            after_full_scan(self.publication.ledger, self.world)
        self.record.warnings += [*self._new.warnings, *warnings_of(self.record.tables, self.rows_before)]

    def _stage(self, table: Table, treater: TableTreater, batches: Iterator[pa.RecordBatch], rows: int) -> None:
        limit = self.policy.quarantine.allowed(self.found.tables[treater.name].keys.rows if self.found else rows)
        set_aside: list[pa.RecordBatch] = []

        def treated() -> Iterator[pa.RecordBatch]:
            for batch in batches:
                result = treater.treat(batch)
                if result.quarantined is not None and treater.counts.fates[Fate.QUARANTINED] <= limit:
                    set_aside.append(result.quarantined)
                yield result.published

        self._new.stage(table.publish_as, treater.schema, treated(), rows, table.primary_key, comments_on(table))
        self._new.quarantine(table.publish_as, pa.Table.from_batches(set_aside, treater.set_aside_schema))

    def _stage_groups(self, table: Table, treater: TableTreater, batches: Iterator[pa.RecordBatch]) -> TableCounts:
        assert table.derived
        with readable(treater.grouping_schema, map(treater.treat_for_grouping, batches)) as reader:
            grouped = self._new.stage_groups(table.publish_as, reader, table.derived, comments_on(table))
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
    def _new(self) -> Candidate:
        assert self.candidate, "the source was not inspected"
        return self.candidate

    @property
    def _open(self) -> Extraction:
        assert self.extraction, "the source was not inspected"
        return self.extraction


def read_rules(settings: Settings) -> tuple[Policy, Keyring]:
    """Read and check what a run goes by: the policy and the keys."""
    policy = read_policy(read_text(settings.policy, "policy"), str(settings.policy))
    return policy, read_keyring(settings.keyring)


@contextmanager
def open_chamber(settings: Settings, as_of: datetime.date | None) -> Iterator[Chamber]:
    """Open all that a run needs, hold the warehouse, and leave nothing half-done behind."""
    keep_little_freed_memory()
    leave_libraries_alone()
    policy, keyring = read_rules(settings)
    keys, actor = keyring.analytics(), acting(os.environ)
    source, warehouse = open_source(settings.source), open_warehouse(settings.warehouse)
    ledger = open_ledger(settings.ledger)
    now = datetime.datetime.now(datetime.UTC)
    world = World(policy, keys, as_of or local_date(now, policy.time_zone), now, keyring.subjects())
    record = RunRecord(
        new_run_id(now), policy.version, policy.digest, keys.fingerprint(), world.as_of, outline=outline(policy)
    )
    with open_publication(warehouse, ledger, keyring, actor, record, now) as publication:
        last = ledger.runs.last_published("refresh")
        if last and last.key_fingerprint != keys.fingerprint():
            record.warnings.append(KEY_CHANGED)
        yield Chamber(world, source, publication, actor, record, ledger.runs.last_rows(), LISTENER.get())
