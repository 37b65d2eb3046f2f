"""A candidate in DuckDB: treated rows become published tables, the private index and quarantine."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from privacy.policy import Derived
from stores.arrow_stream import in_tables
from stores.quoting import identifier
from stores.token_order import in_token_order
from stores.warehouse import ANALYTICS, INDEX, QUARANTINE, Comments, Grouped
from stores.warehouse.duckdb_file import ROWS_AN_INSERT, NewFile, make_empty
from stores.warehouse.duckdb_session import comment
from stores.warehouse.groups import Groups, indexed_names, published_names


class DuckDBCandidate(NewFile):
    """A new warehouse file made of treated rows."""

    def stage(
        self, table: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch], rows: int, key: str, comments: Comments
    ) -> None:
        """Write a published table's rows in the order of their key, and beside them whose they are."""
        target, has_tokens = f'{ANALYTICS}."{table}"', schema.field(key).type == pa.uuid()
        if has_tokens:
            batches = in_token_order(batches, schema, key, rows, self._work)
        parts = [(target, key, ", ".join(map(identifier, published_names(schema.names))))]
        if indexed := indexed_names(key, schema.names):
            columns = ", ".join(f'"{name}" as {there}' for name, there in indexed.items())
            parts.append((f'private.{INDEX}."{table}"', indexed[key], columns))
        with self._reading(schema.empty_table()) as connection:
            for part, its_key, columns in parts:
                make_empty(connection, part, f"select {columns} from staged", its_key)
        for some in in_tables(batches, ROWS_AN_INSERT):
            with self._reading(some) as connection:
                for part, _, columns in parts:
                    connection.execute(f"insert into {part} select {columns} from staged")
        with self._connection.cursor() as connection:
            if not has_tokens:
                connection.execute(f'create or replace table {target} as from {target} order by "{key}"')
            comment(connection, f'{ANALYTICS}."{table}"', comments)

    def stage_groups(self, table: str, batches: pa.RecordBatchReader, derived: Derived, comments: Comments) -> Grouped:
        """Write a derived table: one row per key of those rows that may be published, and whose they are."""
        groups = Groups("grouping", "fates", batches.schema, derived)
        with self._reading(batches) as connection:
            connection.execute(f"create temp table grouping as from staged where {groups.key} is not null")
            connection.execute(f'create table {ANALYTICS}."{table}" as {groups.published}')
            if groups.index:
                connection.execute(f'create table private.{INDEX}."{table}" as {groups.index}')
            connection.execute(f"create temp table fates as {groups.fates}")
            grouped = groups.count(lambda sql: connection.execute(sql).fetchall())
            connection.execute(f'create table private.{QUARANTINE}."{table}" as {groups.set_aside}')
            connection.execute("drop table grouping; drop table fates")
            comment(connection, f'{ANALYTICS}."{table}"', comments)
        return grouped

    def quarantine(self, table: str, rows: pa.Table) -> None:
        """Write rows that were set aside where analysts do not look."""
        with self._reading(rows) as connection:
            connection.execute(f'create table private.{QUARANTINE}."{table}" as from staged')
