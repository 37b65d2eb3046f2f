"""The promises that a candidate must keep, derived from the policy and from what the run read; per published table."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from privacy.evidence import TableCounts
from privacy.fates import Fate
from privacy.mart_promises import MartPromise
from privacy.policy import Column, Policy, Table
from privacy.promises import (
    ColumnPromise,
    IsToken,
    NoneAsRead,
    NoRawIdentifier,
    NotEmpty,
    NothingExpired,
    NotNull,
    NoValueDrift,
    NullCount,
    Reconciles,
    ReferenceHolds,
    RowCount,
    RunPromise,
    SumEquals,
    SumWithin,
    UniqueKey,
    WithinQuarantine,
)
from privacy.treat import EXPIRES_ON, adds_up
from privacy.value_drift import profiled_as
from stores.source import Totals


@dataclass(frozen=True)
class Owed:
    """A promise, where it must hold, and the policy line that makes it."""

    promise: ColumnPromise | RunPromise | MartPromise
    column: str | None
    line: int


@dataclass(frozen=True)
class Whole:
    """A table as it will be, where a run saw some of its rows only; of a derived table, groups."""

    published: int
    set_aside: int
    in_source: int


@dataclass(frozen=True)
class TableFacts:
    """What the run knows of a table beside its rows: what became of them, and what the source itself counts."""

    counts: TableCounts
    source: Totals | None
    """None for a derived table, which the source does not have."""
    seen_in_part: Whole | None = None
    """Where the run changes some rows of it: all of the table. The rest is then of the rows that were seen."""

    @property
    def whole(self) -> Whole:
        """Give how many rows all of the table has."""
        fates = self.counts.fates
        return self.seen_in_part or Whole(fates[Fate.PUBLISHED], fates[Fate.QUARANTINED], self.counts.extracted)


def owed_by(policy: Policy, name: str, facts: TableFacts, as_of: datetime.date) -> Iterator[Owed]:
    """Give all promises of one table."""
    table = policy.tables[name]
    line = policy.line("tables", name)
    for promise in _of_table(policy, table, facts, as_of):
        yield Owed(promise, EXPIRES_ON if isinstance(promise, NothingExpired) else None, line)
    for of_key in (NotNull(), UniqueKey()):
        yield Owed(of_key, table.primary_key, policy.line("tables", name, "primary_key"))
    for column_name, column in table.columns.items():
        at = policy.line("tables", name, "columns", column_name)
        for of_column in _of_column(policy, table, column_name, column, facts):
            yield Owed(of_column, column_name, at)
        for index, declared in enumerate(column.promises):
            yield Owed(declared, column_name, policy.line("tables", name, "columns", column_name, "promises", index))


def _of_table(policy: Policy, table: Table, facts: TableFacts, as_of: datetime.date) -> Iterator[RunPromise]:
    counts, whole = facts.counts, facts.whole
    yield RowCount(rows=counts.fates[Fate.PUBLISHED])
    yield NothingExpired(as_of=as_of)
    yield WithinQuarantine(rows=whole.set_aside, allowed=policy.quarantine.allowed(whole.in_source))
    if facts.source:
        yield Reconciles(read=Decimal(counts.extracted), counted=Decimal(facts.source.rows))
    if whole.published or 0 < whole.set_aside == whole.in_source:
        yield NotEmpty()


def _of_column(
    policy: Policy, table: Table, name: str, column: Column, facts: TableFacts
) -> Iterator[ColumnPromise | RunPromise]:
    linked = column.references if column.extracted else None
    # a reference that holds is a token because its target is one
    yield from (p for p in column.treatment.promises() if not (linked and isinstance(p, IsToken)))
    if column.searched and column.treatment.gives(column.type, policy.time_zone) == "string":
        yield NoRawIdentifier()
    if of := profiled_as(column, policy.time_zone):
        allowed = policy.value_drift.allowed(facts.whole.published)
        yield NoValueDrift(of=of, strictly=of == "text" and column.role != "non_personal", allowed=allowed)
    if linked:
        target = policy.tables[linked]
        yield ReferenceHolds(table=target.publish_as, key=target.primary_key)
    if not facts.source or not column.extracted:
        return
    yield NullCount(nulls=facts.counts.nulls[name])
    yield from _compared(policy, name, column, facts.counts)
    if adds_up(column):
        source = table.source_of(name)
        yield SumEquals(total=facts.counts.sums.get(name, Decimal(0)))
        yield Reconciles(read=facts.counts.read_sums.get(name, Decimal(0)), counted=facts.source.sums[source])


def _compared(policy: Policy, name: str, column: Column, counts: TableCounts) -> Iterator[RunPromise]:
    """Give what must hold of a treated column beside the values that were read."""
    if name in counts.as_read:
        yield NoneAsRead(rows=counts.as_read[name])
    if (strays := column.treatment.strays) is not None:
        values = counts.fates[Fate.PUBLISHED] - counts.nulls[name]
        dates = column.treatment.gives(column.type, policy.time_zone) == "date32"
        total = counts.sums.get(name, Decimal(0))
        yield SumWithin(total=total, most=strays * values, of="dates" if dates else "numbers")


Suites = Mapping[str, list[Owed]]
"""By published table."""
