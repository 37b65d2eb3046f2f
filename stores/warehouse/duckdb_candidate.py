"""A candidate in DuckDB: treated rows become published tables, the private index and quarantine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import duckdb
import pyarrow as pa

from privacy.fates import Fate
from privacy.policy import Derived
from privacy.subjects import INDEX_COLUMNS
from privacy.treat import EXPIRES_ON, FATE, REASON
from stores.arrow_stream import in_tables
from stores.quoting import literal
from stores.token_order import in_token_order
from stores.warehouse import ANALYTICS, Comments, Grouped
from stores.warehouse.duckdb_file import INDEX, QUARANTINE, ROWS_AN_INSERT, NewFile


class DuckDBCandidate(NewFile):
    """A new warehouse file made of treated rows."""

    def stage(
        self, table: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch], rows: int, key: str, comments: Comments
    ) -> None:
        """Write a published table's rows in the order of their key, and beside them whose they are."""
        target, has_tokens = f'{ANALYTICS}."{table}"', schema.field(key).type == pa.uuid()
        if has_tokens:
            batches = in_token_order(batches, schema, key, rows, self._work)
        parts = [(target, _published(schema.names))]
        if any(name in schema.names for name in INDEX_COLUMNS):
            parts.append((f'private.{INDEX}."{table}"', _index(key, schema.names)))
        with self._reading(schema.empty_table()) as connection:
            for part, columns in parts:
                connection.execute(f"create table {part} as select {columns} from staged")
        for some in in_tables(batches, ROWS_AN_INSERT):
            with self._reading(some) as connection:
                for part, columns in parts:
                    connection.execute(f"insert into {part} select {columns} from staged")
        with self._connection.cursor() as connection:
            if not has_tokens:
                connection.execute(f'create or replace table {target} as from {target} order by "{key}"')
            _comment(connection, table, comments)

    def stage_groups(self, table: str, batches: pa.RecordBatchReader, derived: Derived, comments: Comments) -> Grouped:
        """Write a derived table: one row per key of those rows that may be published, and whose they are."""
        key, published = f'"{derived.one_row_per}"', f"{FATE} = {Fate.PUBLISHED:d}"
        with self._reading(batches) as connection:
            connection.execute(f"create temp table grouping as from staged where {key} is not null")
            names = [c[0] for c in connection.execute("select * from grouping limit 0").description]
            columns = [n for n in names if n not in (derived.one_row_per, EXPIRES_ON, FATE, REASON, *INDEX_COLUMNS)]
            grouped = f"from grouping where {published} group by {key} order by {key}"
            connection.execute(
                f'create table {ANALYTICS}."{table}" as select '
                f"{', '.join([key, *(_least(n) for n in columns), f'max({EXPIRES_ON}) as {EXPIRES_ON}'])} {grouped}"
            )
            if any(name in names for name in INDEX_COLUMNS):
                connection.execute(
                    f'create table private.{INDEX}."{table}" as '
                    f"select {_index(derived.one_row_per, names, 'min({})')} {grouped}"
                )
            connection.execute(
                f"create temp table fates as select {key}, "
                f"if(bool_or({published}), {Fate.PUBLISHED:d}, min({FATE})) as fate, "
                f"min({REASON}) filter ({FATE} = {Fate.QUARANTINED:d}) as reason from grouping group by {key}"
            )
            fates = connection.execute("select fate, count(*) from fates group by fate").fetchall()
            quarantined = f"from fates where fate = {Fate.QUARANTINED:d}"
            reasons = connection.execute(f"select reason, count(*) {quarantined} group by reason").fetchall()
            set_aside = f"select * exclude ({FATE}) from grouping where {key} in (select {key} {quarantined})"
            connection.execute(f'create table private.{QUARANTINE}."{table}" as {set_aside}')
            connection.execute("drop table grouping; drop table fates")
            _comment(connection, table, comments)
        return Grouped(dict(fates), dict(reasons))

    def quarantine(self, table: str, rows: pa.Table) -> None:
        """Write rows that were set aside where analysts do not look."""
        with self._reading(rows) as connection:
            connection.execute(f'create table private.{QUARANTINE}."{table}" as from staged')


def _published(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names if name not in INDEX_COLUMNS)


def _index(key: str, names: Iterable[str], value: str = "{}") -> str:
    """Name the columns of the private index: the key as published, and what is there of the subject."""
    of_subject = (f"{value.format(name)} as {name.removeprefix('_')}" for name in INDEX_COLUMNS if name in names)
    return ", ".join([f'"{key}" as key', *of_subject])


def _least(name: str) -> str:
    return f'min("{name}") as "{name}"'


def _comment(connection: duckdb.DuckDBPyConnection, table: str, comments: Comments) -> None:
    connection.execute(f'comment on table {ANALYTICS}."{table}" is {literal(comments.table)}')
    for column, text in comments.columns.items():
        connection.execute(f'comment on column {ANALYTICS}."{table}"."{column}" is {literal(text)}')
