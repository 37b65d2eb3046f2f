"""What the published file leaves without some rows: a new file, filled from the old one and its private file.

A new one, because in a DuckDB file that is changed in place, deleted bytes stay. The source is not asked.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa

from privacy.errors import PolicyError, StoreError
from privacy.fates import Fate
from privacy.policy import Policy
from privacy.treat import EXPIRES_ON
from stores.quoting import literal
from stores.warehouse import ANALYTICS, MARTS, Remaining, Suppressed
from stores.warehouse.duckdb_acceptance import refuse_unlike
from stores.warehouse.duckdb_doom import BEFORE, LIVE, Place, doom, index_of, mark_of, parents, places, references
from stores.warehouse.duckdb_file import INDEX, ROWS_AN_INSERT, NewFile
from stores.warehouse.duckdb_live import RUN_FIRST, LiveFile


class DuckDBRemains(NewFile):
    """A new warehouse file made of the live one."""

    def __init__(self, live: LiveFile, work: Path, run_id: str) -> None:
        private = live.private_file()
        if private is None:
            raise StoreError(f"warehouse: nothing is published at {live.live} yet, so nothing can leave it.")
        if not live.live.with_name(private).exists():
            raise StoreError(f"warehouse: its private file {private} is missing.\n  {RUN_FIRST}")
        super().__init__(live, work, run_id)
        # under second names, beside which no write-ahead file of anybody stands
        for name, file in ((LIVE, live.live), (BEFORE, live.live.with_name(private))):
            (alias := work / f"{name}.duckdb").hardlink_to(file)
            self._connection.execute(f"attach {literal(str(alias))} as {name} (read_only)")
        self._connection.execute("set arrow_lossless_conversion = true")
        self._places: list[Place] = []

    def doom(self, policy: Policy, suppressed: Iterable[Suppressed], as_of: datetime.date | None) -> None:
        """Decide which rows leave, each with the first fate that applies."""
        self._policy, self._places = policy, list(places(policy))
        self._refuse_other_policy()
        doom(self._connection, policy, suppressed, as_of)

    def counts(self) -> Mapping[str, Remaining]:
        """Count what leaves and what stays, by published name."""
        found = {}
        for published, aside in zip(self._places[::2], self._places[1::2], strict=True):
            found[published.published] = Remaining(
                self._rows(published.before),
                self._by_fate("fate", f"{published.marks} where fate is not null"),
                self._unlinked(published),
                self._rows(aside.before),
                self._by_fate("fate", f"{aside.marks} where fate is not null"),
            )
        return found

    def doomed_keys(self) -> Mapping[str, pa.Array]:
        """Give the published keys of the rows of suppressed people that leave, by published name."""
        return {
            place.published: self._connection.execute(f"select key from {place.doomed} where fate <= {Fate.OBJECTED:d}")
            .to_arrow_table()
            .column("key")
            .combine_chunks()
            for place in self._places
            if not place.set_aside
        }

    def fill(self) -> None:
        """Write the rows that stay, in their order, without their references to rows that leave."""
        for place in self._places:
            self._copy(place)
            if place.table.subject.found_by and not place.set_aside:
                gone = f"exists (from {place.doomed} d where d.key = i.key)"
                kept = f"select * from {index_of(place)} i where not {gone}"
                self._connection.execute(f'create table private.{INDEX}."{place.published}" as {kept}')
        for name in self._tables(MARTS):
            self._connection.execute(f'create table {MARTS}."{name}" as from {LIVE}.{MARTS}."{name}"')
        self._copy_comments()

    def accept(self) -> None:
        """Compare all that was written with what is published now."""
        refuse_unlike(self._connection, self._policy, self._places, self._tables(MARTS))

    def _unlinked(self, place: Place) -> dict[str, dict[Fate, int]]:
        counted = {
            column: self._by_fate(
                mark_of(column), f"{place.marks} where fate is null and {mark_of(column)} is not null"
            )
            for column in references(self._policy, place.table)
        }
        return {column: fates for column, fates in counted.items() if fates}

    def _copy(self, place: Place) -> None:
        """Copy a table a row group at a time, so that the order of its rows does not depend on how they are joined."""
        links = references(self._policy, place.table)
        columns = ", ".join(
            f'case when m.{mark_of(name)} is null then l."{name}" end as "{name}"' if name in links else f'l."{name}"'
            for name in self._columns(place.before)
        )
        self._connection.execute(f"create table {place.after} as from {place.before} limit 0")
        for first in range(0, self._rows(place.before), ROWS_AN_INSERT):
            some = f">= {first} and {{0}} < {first + ROWS_AN_INSERT}"
            self._connection.execute(
                f"insert into {place.after} select {columns} from {place.before} l "
                f"left join (from {place.marks} where row {some.format('row')}) m on m.row = l.rowid "
                f"where l.rowid {some.format('l.rowid')} and m.fate is null order by l.rowid"
            )

    def _copy_comments(self) -> None:
        schemas = f"database_name = '{LIVE}' and schema_name in ('{ANALYTICS}', '{MARTS}') and comment is not null"
        tables = f"select schema_name, table_name, comment from duckdb_tables() where {schemas}"
        for schema, table, comment in self._connection.execute(tables).fetchall():
            self._connection.execute(f'comment on table {schema}."{table}" is {literal(comment)}')
        columns = f"select schema_name, table_name, column_name, comment from duckdb_columns() where {schemas}"
        for schema, table, column, comment in self._connection.execute(columns).fetchall():
            self._connection.execute(f'comment on column {schema}."{table}"."{column}" is {literal(comment)}')

    def _refuse_other_policy(self) -> None:
        """Refuse a policy that is not that of the published tables: what follows whom could not be told by it."""
        if unlike := set(self._tables(ANALYTICS)) ^ {place.published for place in self._places}:
            raise PolicyError(
                f"{self._policy.file}: not the policy of what is published: {_named(unlike)}.\n  {RUN_FIRST}"
            )
        for place in self._places[::2]:
            of_policy = {*place.table.columns, EXPIRES_ON}
            if unlike := {f"{place.published}.{name}" for name in {*self._columns(place.before)} ^ of_policy}:
                raise PolicyError(
                    f"{self._policy.file}: not the policy of what is published: {_named(unlike)}.\n  {RUN_FIRST}"
                )
            for column in parents(place.table):
                if not place.table.columns[column].extracted:
                    raise PolicyError(
                        f"{self._policy.file}: {place.name}.{column} leads to the parent and is suppressed, so that "
                        "what follows a person cannot be found without the source.\n  Pseudonymize it."
                    )
            self._refuse_missing_index(place)

    def _refuse_missing_index(self, place: Place) -> None:
        named = {found.identifies for found in place.table.subject.found_by}
        there = self._tables(INDEX, BEFORE)
        if named and not (place.published in there and named <= {*self._columns(index_of(place))}):
            raise StoreError(
                f"warehouse: {place.published} has no private index of {_named(named)}, so that nobody can be found "
                f"in it.\n  {RUN_FIRST}"
            )

    def _tables(self, schema: str, database: str = LIVE) -> list[str]:
        found = f"database_name = '{database}' and schema_name = '{schema}'"
        names = self._connection.execute(f"select table_name from duckdb_tables() where {found} order by all")
        return [name for (name,) in names.fetchall()]

    def _columns(self, table: str) -> list[str]:
        return [column[0] for column in self._connection.execute(f"from {table} limit 0").description]

    def _rows(self, table: str) -> int:
        return int(self._connection.execute(f"select count(*) from {table}").fetchall()[0][0])

    def _by_fate(self, fate: str, of: str) -> dict[Fate, int]:
        counted = self._connection.execute(f"select {fate}, count(*) from {of} group by all order by all").fetchall()
        return {Fate(number): rows for number, rows in counted}


def _named(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
