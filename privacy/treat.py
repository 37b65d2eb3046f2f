"""Treat a table: raw batches in, treated batches out; what the policy does not name does not pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import ParamSpec, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privacy.column_types import ColumnType
from privacy.content import Content, KeySet
from privacy.counting import added, sum_of, tally
from privacy.declared import force_types
from privacy.errors import TreatmentError
from privacy.evidence import TableCounts
from privacy.fates import Fate, FateIndexBuilder
from privacy.generations import renewed
from privacy.key_index import Mask, Rows
from privacy.macs import MAC
from privacy.policy import Column, Policy, Table
from privacy.retention import expiry_column
from privacy.subjects import GENERATION, SUBJECT_COLUMNS, identifiers_of
from privacy.tokens import tokens
from privacy.treatments import Synthesize, Treatment
from privacy.treatments.base import arrow, series
from privacy.treatments.pseudonymization import Pseudonymize
from privacy.verdict import Columns, Verdict, decide, wanted
from privacy.world import World

P = ParamSpec("P")
R = TypeVar("R")

EXPIRES_ON = "_expires_on"
FATE = "_fate"
REASON = "_reason"

EVERY_ROW = slice(None)


def columns_read(table: Table) -> dict[str, ColumnType]:
    """Name the source columns that treating a table reads, with their types: never more than the policy names."""
    read = {name for name, column in table.columns.items() if column.extracted}
    for column in table.columns.values():
        read.update(column.treatment.needs(), filter(None, [column.only_where_null]))
    read.update(filter(None, [table.objected_when_set, table.subject.happened]))
    read.update(identifier.column for identifier in table.subject.found_by)
    return {table.source_of(name): column.type for name, column in table.columns.items() if name in read}


def published_schema(policy: Policy, table: Table) -> pa.Schema:
    """Give the Arrow schema of a table as published: its columns as treated, then `_expires_on`."""
    fields = [(name, column.treatment.gives(column.type, policy.time_zone)) for name, column in table.columns.items()]
    return pa.schema([*fields, (EXPIRES_ON, pa.date32())])


def staged_schema(policy: Policy, table: Table) -> pa.Schema:
    """Give the schema of a table's treated rows: as published, then whose each row is, for the private index."""
    found = [pa.field(SUBJECT_COLUMNS[identifies], pa.uuid()) for identifies in identifiers_of(table)]
    generation = [pa.field(GENERATION, pa.uuid())] if found else []
    return pa.schema([*published_schema(policy, table), *found, *generation])


@dataclass(frozen=True)
class TreatedBatch:
    """A batch after treatment. `quarantined`, if any row is, has the same treated columns, and the reason."""

    published: pa.RecordBatch
    quarantined: pa.RecordBatch | None


class TableTreater:
    """Treats one table batch by batch and keeps count; `in_part`: of some rows, whose checksums tell nothing of it."""

    def __init__(self, name: str, world: World, in_part: bool = False) -> None:
        self.name, self.world, self.in_part = name, world, in_part
        self.table = world.policy.tables[name]
        self.read = columns_read(self.table)
        self.schema = staged_schema(world.policy, self.table)
        self.set_aside_schema = self.schema.append(pa.field(REASON, pa.string()))
        self.grouping_schema = self.schema.append(pa.field(FATE, pa.uint8())).append(pa.field(REASON, pa.string()))
        self.treatments = {column: self._ready(column) for column in self.table.columns}
        self.counts = TableCounts()
        self.content = Content(world.keys.content_key())
        self.keys_read = KeySet()
        self.index = FateIndexBuilder() if name in world.policy.referred() and not self.table.derived else None

    def treat(self, batch: pa.RecordBatch) -> TreatedBatch:
        """Decide and treat a raw batch: the columns of `columns_read` in order, then the marks of misfits."""
        columns, verdict = self._decide(batch)
        published = verdict.fates == Fate.PUBLISHED
        quarantined = verdict.fates == Fate.QUARANTINED
        self._count(columns, verdict, published, quarantined)
        treated, set_aside = self._treat_together(columns, verdict, published, quarantined)
        if self.index:
            key = treated.column(self.table.primary_key)
            tokens = key if key.type == pa.uuid() else None
            self.index.add(
                columns[self.table.source_of(self.table.primary_key)], verdict.fates, verdict.expires, tokens
            )
        return TreatedBatch(treated, set_aside)

    def _treat_together(
        self, columns: Columns, verdict: Verdict, published: Mask, quarantined: Mask
    ) -> tuple[pa.RecordBatch, pa.RecordBatch | None]:
        """Treat what is published, and behind it the few rows that are set aside, which cost most by themselves."""
        if not quarantined.any():
            rows = EVERY_ROW if published.all() else np.flatnonzero(published)
            return self._treat_rows(columns, verdict, rows, self.counts), None
        behind = np.flatnonzero(quarantined)
        rows = np.concatenate([np.flatnonzero(published), behind])
        treated = self._treat_rows(columns, verdict, rows, self.counts, len(behind))
        ahead = len(rows) - len(behind)
        set_aside = treated.take(pa.array(np.arange(ahead, len(rows))))  # a slice would keep the whole batch alive
        return treated.slice(0, ahead), set_aside.append_column(REASON, verdict.reason_of(behind))

    def foresee(self, batch: pa.RecordBatch) -> Verdict:
        """Decide a raw batch and keep count, as `treat` does, without treating a row."""
        columns, verdict = self._decide(batch)
        self._count(columns, verdict, verdict.fates == Fate.PUBLISHED, verdict.fates == Fate.QUARANTINED)
        if self.index:
            self.index.add(columns[self.table.source_of(self.table.primary_key)], verdict.fates, verdict.expires)
        return verdict

    def treat_alone(self, columns: Columns) -> pa.RecordBatch:
        """Treat rows that have no surroundings, such as those of a sample: all published, all references good."""
        rows = len(next(iter(columns.values())))
        return self._treat_rows(columns, Verdict(rows), EVERY_ROW)

    def treat_for_grouping(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Decide and treat all rows of a derived table, each with its fate and reason, for grouping."""
        columns, verdict = self._decide(batch)
        treated = self._treat_rows(columns, verdict, EVERY_ROW)
        treated = treated.append_column(FATE, pa.array(verdict.fates))
        return treated.append_column(REASON, verdict.reason_of(EVERY_ROW))

    def _decide(self, batch: pa.RecordBatch) -> tuple[Columns, Verdict]:
        columns, misfits = force_types(batch, self.read, self.world.policy.time_zone)
        if not self.in_part:
            self.content.add(columns)
        if self.world.policy.incremental and not (self.in_part or self.table.derived):
            keys = KeySet.of(columns[self.table.source_of(self.table.primary_key)], self.world.keys.content_key())
            self.keys_read = self.keys_read.with_more(keys)
        return columns, decide(self.name, self.table, columns, misfits, self.world)

    def _count(self, columns: Columns, verdict: Verdict, published: Mask, quarantined: Mask) -> None:
        counts = self.counts
        counts.fates.update(tally(verdict.fates))
        for reason in pc.value_counts(verdict.reason_of(quarantined)):
            counts.reasons[reason["values"].as_py()] += reason["counts"].as_py()
        for link, fates in verdict.unlinked.items():
            counts.unlinked.setdefault(link, type(counts.fates)()).update(tally(fates[published & (fates > 0)]))
        counts.clockless += int((published & verdict.unstarted).sum())
        counts.held += int(verdict.held.sum())
        for name, column in self.table.columns.items():
            if adds_up(column):
                raw = columns[self.table.source_of(name)]
                counts.read_sums[name] = added(counts.read_sums.get(name, Decimal(0)), sum_of(raw))

    def _treat_rows(
        self, columns: Columns, verdict: Verdict, rows: Rows, counts: TableCounts | None = None, aside: int = 0
    ) -> pa.RecordBatch:
        """Treat some rows of a batch; with `counts`, note what all but the last `aside` must show when published."""
        raw = {name: _some(column, rows) for name, column in columns.items()}
        number = len(verdict.expires[rows])
        treated = []
        for name, column in self.table.columns.items():
            value, how = self._raw(name, column, raw, verdict, rows), self.treatments[name]
            result = self._linked_tokens(name, column, value, verdict, rows, number - aside)
            if result is None:
                beside = {other: series(self._beside(how, other, raw, verdict, rows)) for other in how.needs()}
                result = arrow(self._naming(name, how.treat, series(value), beside, self.world.keys))
                result = self._of_new_people(name, result, value, verdict, rows)
            treated.append(result)
            if counts:
                self._note(counts, name, value.slice(0, number - aside), result.slice(0, number - aside))
        treated.append(expiry_column(verdict.expires[rows]))
        treated.extend(self._whose(verdict, rows))
        return pa.RecordBatch.from_arrays(treated, schema=self.schema)

    def _note(self, counts: TableCounts, name: str, value: pa.Array, result: pa.Array) -> None:
        """Note what a published column must show."""
        column, how = self.table.columns[name], self.treatments[name]
        counts.nulls[name] += value.null_count if column.extracted else len(value)
        if adds_up(column) or how.strays is not None:
            counts.sums[name] = added(counts.sums.get(name, Decimal(0)), sum_of(value))
        if (as_read := how.as_read(value, result)) is not None:
            counts.as_read[name] += as_read

    def _ready(self, column: str) -> Treatment:
        """Give the treatment of a column, knowing what the run found out ahead."""
        how = self.table.columns[column].treatment
        if isinstance(how, Synthesize):
            return self._naming(column, how.avoiding, self.world.taken)
        return how

    def _naming(self, column: str, make: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Let a treatment's refusal name the table and column, which it does not know."""
        try:
            return make(*args, **kwargs)
        except TreatmentError as error:
            problem = str(error)
        raise TreatmentError(f"{self.name}.{column}: {problem}")

    def _linked_tokens(
        self, name: str, column: Column, value: pa.Array, verdict: Verdict, rows: Rows, published: int
    ) -> pa.Array | None:
        """Give a reference the tokens that its targets got, where these are known: it would get equal ones.

        Behind the published rows are those set aside, whose targets may have none.
        """
        if name not in verdict.links or not isinstance(column.treatment, Pseudonymize):
            return None
        index, linked = self.world.indexes[str(column.references)], verdict.links[name].where(rows)
        found = index.tokens_of(value, linked)
        if found is not None or published == len(value):
            return found
        ahead = index.tokens_of(value.slice(0, published), linked.where(slice(published)))
        if ahead is None or isinstance(rows, slice):
            return None
        aside = value.slice(published)
        behind = arrow(column.treatment.treat(series(aside), {}, self.world.keys))
        return pa.concat_arrays([ahead, self._of_new_people(name, behind, aside, verdict, rows[published:])])

    def _of_new_people(self, name: str, result: pa.Array, value: pa.Array, verdict: Verdict, rows: Rows) -> pa.Array:
        """Give people who came back after an erasure tokens that do not join those of before."""
        how, nobody = self.table.columns[name].treatment, verdict.generations.null_count == len(verdict.fates)
        tells_whose = self.table.source_of(name) in identifiers_of(self.table).values()
        if nobody or not tells_whose or not isinstance(how, Pseudonymize):
            return result

        def make(values: pa.Array, generation: bytes) -> pa.Array:
            return tokens(values, how.form, self.world.keys.generation_key(how.domain, generation))

        return renewed(result, value, _some(verdict.generations, rows), make)

    def _whose(self, verdict: Verdict, rows: Rows) -> Iterator[pa.Array]:
        """Give the columns of the private index: the MACs of each row's identifiers, and its generation."""
        if self.table.subject.found_by:
            nobody = pa.nulls(len(verdict.fates), MAC)
            macs = [verdict.subjects.get(identifies, nobody) for identifies in identifiers_of(self.table)]
            for column in (*macs, verdict.generations):
                yield pa.ExtensionArray.from_storage(pa.uuid(), _some(column, rows))

    def _beside(self, how: Treatment, other: str, raw: Columns, verdict: Verdict, rows: Rows) -> pa.Array:
        value = raw[self.table.source_of(other)]
        return _linked(other, value, verdict, rows) if how.tells_subject else value

    def _raw(self, name: str, column: Column, raw: Columns, verdict: Verdict, rows: Rows) -> pa.Array:
        """Give the values that a treatment is to see: without those not to be read, not to be linked, or blank."""
        kind = column.type.arrow(self.world.policy.time_zone)
        if not column.extracted:
            return pa.nulls(len(verdict.expires[rows]), kind)
        value = wanted(self.table, name, raw)
        value = _linked(name, value, verdict, rows)
        if pa.types.is_string(kind) and not column.kept:
            blank = pc.equal(pc.utf8_trim_whitespace(value), "")
            value = pc.if_else(blank, pa.scalar(None, kind), value) if pc.any(blank).as_py() else value
        return value


def _some(column: pa.Array, rows: Rows) -> pa.Array:
    """Give some values of a column."""
    return column[rows] if isinstance(rows, slice) else column.take(pa.array(rows))


def _linked(name: str, value: pa.Array, verdict: Verdict, rows: Rows) -> pa.Array:
    """Leave out what refers to a row that is not published."""
    if name not in verdict.unlinked:
        return value
    return pc.if_else(pa.array(verdict.unlinked[name][rows] > 0), pa.scalar(None, value.type), value)


def adds_up(column: Column) -> bool:
    """Whether a column's sum is compared between source and warehouse: money, kept as it is."""
    return column.kept and column.type.name == "decimal"
