"""A DuckDB connection as one that is asked in words common to all databases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from stores.quoting import identifier, literal
from stores.warehouse import Comments


@dataclass(frozen=True)
class DuckDBSession:
    """Statements on one connection."""

    connection: duckdb.DuckDBPyConnection

    def execute(self, sql: str) -> None:
        """Run a statement."""
        self.connection.execute(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Give all rows of a query."""
        return self.connection.execute(sql).fetchall()

    def understands(self, query: str) -> bool:
        """Tell whether the tables and columns of a query are there, of types that it can be asked of."""
        try:
            self.connection.execute(f"explain {query}")
        except (duckdb.CatalogException, duckdb.BinderException):
            return False
        return True

    def column(self, sql: str) -> pa.Array:
        """Give the one column of a query; tokens as Arrow `uuid`."""
        return self.connection.execute(sql).to_arrow_table().column(0).combine_chunks()

    def listed(self, name: str, rows: pa.Table) -> None:
        """Make a temporary table of rows."""
        self.connection.register("listed rows", rows)
        self.temporary(identifier(name), 'select * from "listed rows"')
        self.connection.unregister("listed rows")

    def temporary(self, name: str, query: str) -> None:
        """Make a temporary table of what a query gives."""
        self.connection.execute(f"create temp table {name} as {query}")


def comment(connection: duckdb.DuckDBPyConnection, table: str, comments: Comments) -> None:
    """Comment on a table of a schema and on its columns, in one transaction: the end of each waits for the disk."""
    connection.begin()
    connection.execute(f"comment on table {table} is {literal(comments.table)}")
    for column, text in comments.columns.items():
        connection.execute(f"comment on column {table}.{identifier(column)} is {literal(text)}")
    connection.commit()
