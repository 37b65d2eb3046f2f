"""The promises of tables as checks of Great Expectations, and the statements that answer them.

A statement costs what it reads, and what it takes to plan it: so all aggregates of a table stand in one, and value
drift, whose patterns take longer to prepare than most columns to read, is sought in all columns of a sort by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from expectations.candidate import Owed, Suites
from expectations.changes import measure_of_changes, owed_by_changes, rows_asked
from expectations.dialect import Dialect
from expectations.drift_query import Searched, Sort, kinds_found
from expectations.measures import measure_of
from privacy.promises import NoValueDrift
from stores.warehouse import Readable

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation


@dataclass(frozen=True)
class Asked:
    """A promise of a table, and the statement that tells how it stands."""

    table: str
    owed: Owed
    statement: str
    place: int
    """Which of the statement's answers is its own."""
    alone: Callable[[], str]
    """Gives a statement that asks of it and nothing else."""

    def by_itself(self) -> Asked:
        """Ask it alone."""
        return replace(self, statement=self.alone(), place=0)

    def expectation(self, index: int) -> Expectation:
        """Build the check; its meta tells its place in the suite and in the policy."""
        from expectations.kept import ExpectKept, ExpectNoValueDrift

        owed = self.owed
        kind = ExpectNoValueDrift if isinstance(owed.promise, NoValueDrift) else ExpectKept
        meta = {"index": index, "promise": owed.promise.kind, "policy": f"{self.table}.{owed.column}"}
        return kind(asked=self.statement, place=self.place, meta={**meta, "line": owed.line})


def asked_of(suites: Mapping[str, Suites], sql: Dialect, changes: Readable | None = None) -> list[list[Asked]]:
    """Ask how promises stand, by table. suites: by schema. changes: where the schema holds the rows that come only."""
    tables = [
        _Table(name, schema, owed_by_changes(name, owed, changes) if changes else owed, sql, changes)
        for schema, suite in suites.items()
        for name, owed in suite.items()
    ]
    columns = defaultdict[Sort, list[Searched]](list)
    for table in tables:
        for searched in table.searched():
            columns[searched.sort].append(searched)
    statements = {sort: kinds_found(some, sql) for sort, some in columns.items()}
    return [list(table.asked(columns, statements)) for table in tables]


@dataclass(frozen=True)
class _Table:
    name: str
    schema: str
    suite: Sequence[Owed]
    sql: Dialect
    changes: Readable | None

    def searched(self) -> Iterator[Searched]:
        """Give the columns in which value drift is sought."""
        for owed in self.suite:
            if isinstance(owed.promise, NoValueDrift):
                yield self._search(owed, owed.promise)

    def asked(self, columns: Mapping[Sort, list[Searched]], statements: Mapping[Sort, str]) -> Iterator[Asked]:
        """Ask of each promise; of value drift by statements for columns of all tables."""
        measures = [self._measure(owed) for owed in self.suite if not isinstance(owed.promise, NoValueDrift)]
        together, coming = self._select(measures), iter(enumerate(measures))
        for owed in self.suite:
            if isinstance(owed.promise, NoValueDrift):
                one = self._search(owed, owed.promise)
                place = columns[one.sort].index(one)
                alone = partial(kinds_found, [one], self.sql)
                yield Asked(self.name, owed, statements[one.sort], place, alone)
            else:
                place, measure = next(coming)
                yield Asked(self.name, owed, together, place, partial(self._select, [measure]))

    def _select(self, measures: Sequence[str]) -> str:
        return f"select {', '.join(measures)} from {self._rows}"

    def _measure(self, owed: Owed) -> str:
        if self.changes:
            return measure_of_changes(owed, self.name, self.changes, self.sql)
        return measure_of(owed, self.name, self.schema, self.sql)

    def _search(self, owed: Owed, promise: NoValueDrift) -> Searched:
        return Searched(f'"{owed.column}"', self._rows, promise)

    @property
    def _rows(self) -> str:
        return rows_asked(self.name, self.changes) if self.changes else f'{self.schema}."{self.name}"'
