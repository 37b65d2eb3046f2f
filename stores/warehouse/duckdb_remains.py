"""What the published file leaves without some rows: a new file, filled from the old one and its private file.

A new one, because in a DuckDB file that is changed in place, deleted bytes stay. The source is not asked.
"""

from __future__ import annotations

from pathlib import Path

from privacy.errors import StoreError
from stores.quoting import identifier, literal
from stores.warehouse import ANALYTICS, INDEX, MARTS, QUARANTINE
from stores.warehouse.dialect import Dialect
from stores.warehouse.doom import Place
from stores.warehouse.duckdb_file import ROWS_AN_INSERT, NewFile, make_empty
from stores.warehouse.duckdb_live import LiveFile
from stores.warehouse.duckdb_session import DuckDBSession
from stores.warehouse.remains import RUN_FIRST, RemainsInSQL

LIVE, BEFORE = "live", "before"
"""The published file and its private file, as they are attached for reading."""

DUCKDB = Dialect(
    before={
        ANALYTICS: f"{LIVE}.{ANALYTICS}",
        MARTS: f"{LIVE}.{MARTS}",
        INDEX: f"{BEFORE}.{INDEX}",
        QUARANTINE: f"{BEFORE}.{QUARANTINE}",
    },
    after={
        ANALYTICS: ANALYTICS,
        MARTS: MARTS,
        INDEX: f"private.{INDEX}",
        QUARANTINE: f"private.{QUARANTINE}",
    },
    row_id="rowid",
    sums="sum(hash(whole)::hugeint), bit_xor(hash(whole))",
)


class DuckDBRemains(RemainsInSQL, NewFile):
    """A new warehouse file made of the live one."""

    dialect = DUCKDB

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
        self._session = DuckDBSession(self._connection)

    def fill(self) -> None:
        """Write the rows that stay, in their order, without their references to rows that leave."""
        for place in self._places:
            self._copy(place)
            if place.table.subject.found_by and not place.set_aside:
                make_empty(self._connection, place.index_after, kept := self._kept_index(place), "key")
                self._connection.execute(f"insert into {place.index_after} {kept}")
        for name in map(identifier, self._tables(MARTS)):
            self._connection.execute(f"create table {MARTS}.{name} as from {LIVE}.{MARTS}.{name}")
        self._connection.begin()
        self._copy_comments()
        self._connection.commit()

    def _copy(self, place: Place) -> None:
        """Copy a table a row group at a time, so that the order of its rows does not depend on how they are joined."""
        columns = self._kept(place)
        make_empty(self._connection, place.after, f"from {place.before}", place.table.primary_key)
        for first in range(0, self._rows(place.before), ROWS_AN_INSERT):
            some = f">= {first} and {{0}} < {first + ROWS_AN_INSERT}"
            self._connection.execute(
                f"insert into {place.after} select {columns} from {place.before} l "
                f"left join (from {place.marks} where row_id {some.format('row_id')}) m on m.row_id = l.rowid "
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
