"""A warehouse of each kind for tests, read past our own code: what analysts see, and what they do not."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import sqlalchemy as sa

from stores.opening import open_warehouse
from stores.warehouse import Warehouse
from stores.warehouse.postgresql_layout import READER
from stores.warehouse.postgresql_session import Session
from tests.postgres import PostgresServer

KINDS = ("duckdb", "postgresql")

PRIVATE = ("sluis_private", "sluis_quarantine")

Row = tuple[Any, ...]


class AnyWarehouse(ABC):
    """A warehouse at a URL; the schemas of a DuckDB's private file are `private`'s."""

    url: sa.URL

    def open(self) -> Warehouse:
        """Open it as a command does."""
        return open_warehouse(self.url)

    @abstractmethod
    def rows(self, query: str) -> list[Row]:
        """Ask what is published."""

    @abstractmethod
    def private_rows(self, query: str) -> list[Row]:
        """Ask the private index or quarantine."""

    @abstractmethod
    def seen(self) -> list[Row]:
        """List what analysts see: schema, table and column."""

    @abstractmethod
    def arrow(self, *queries: str) -> list[pa.Table]:
        """Ask what is published, in Arrow."""

    def tables(self, schema: str = "analytics") -> list[str]:
        """Name the tables of a schema."""
        found = f"select table_name from information_schema.tables where table_schema = '{schema}' order by 1"
        return [name for (name,) in self._ask(schema)(found)]

    def columns(self, schema: str, table: str) -> list[str]:
        """Name the columns of a table in their order."""
        found = f"from information_schema.columns where table_schema = '{schema}' and table_name = '{table}'"
        return [name for (name,) in self._ask(schema)(f"select column_name {found} order by ordinal_position")]

    def _ask(self, schema: str) -> Callable[[str], list[Row]]:
        return self.private_rows if schema in PRIVATE else self.rows

    def hashes(self, *schemas: str) -> dict[str, str]:
        """Give a hash of each published table: of its columns and the values of its rows, whatever their order."""
        there = [f"{schema}.{table}" for schema in schemas or ("analytics", "marts") for table in self.tables(schema)]
        return dict(zip(there, map(hash_of, self.arrow(*(f"select * from {table}" for table in there))), strict=True))


@dataclass(frozen=True)
class InDuckDB(AnyWarehouse):
    """A file in a folder."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "warehouse.duckdb"

    @property
    def url(self) -> sa.URL:  # type: ignore[override]
        return sa.make_url(f"duckdb:///{self.file}")

    @property
    def private(self) -> Path:
        """Give the file beside it that analysts do not read."""
        ((name,),) = self.rows("select private_file from sluis_meta.run")
        return self.folder / name

    def rows(self, query: str) -> list[Row]:
        with duckdb.connect(str(self.file), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def private_rows(self, query: str) -> list[Row]:
        with duckdb.connect(str(self.private), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def seen(self) -> list[Row]:
        return self.rows("select schema_name, table_name, column_name from duckdb_columns()")

    def arrow(self, *queries: str) -> list[pa.Table]:
        with duckdb.connect() as connection:
            for name, file in (("live", self.file), ("private", self.private)):
                connection.execute(f"attach '{file}' as {name} (read_only)")
            connection.execute("set arrow_lossless_conversion = true; set timezone = 'UTC'")
            private = [any(schema in query for schema in PRIVATE) for query in queries]
            return [
                connection.execute(f"use {'private' if of else 'live'}; {query}").to_arrow_table()
                for query, of in zip(queries, private, strict=True)
            ]


@dataclass(frozen=True)
class InPostgreSQL(AnyWarehouse):
    """A database of its own, seen by a superuser."""

    url: sa.URL

    def rows(self, query: str, role: str = "none") -> list[Row]:
        """Ask as the superuser, or as a role."""
        address = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(f"set role {role}; set timezone = 'UTC'".encode())
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    def schemas(self) -> set[str]:
        """Name the schemas that are not the server's own."""
        return {name for (name,) in self.rows("select nspname::text from pg_namespace where nspname !~ '^pg_'")}

    def private_rows(self, query: str) -> list[Row]:
        return self.rows(query)

    def seen(self) -> list[Row]:
        own = "table_schema not in ('pg_catalog', 'information_schema')"
        return self.rows(
            f"select table_schema, table_name, column_name from information_schema.columns where {own}", READER
        )

    def arrow(self, *queries: str) -> list[pa.Table]:
        with Session(self.url) as session:
            return [session.arrow(query) for query in queries]


def hash_of(table: pa.Table) -> str:
    """Hash the names, types and values of a table's rows, whatever the order of rows."""
    columns = {field.name: _alike(table[field.name]) for field in table.schema}
    described = repr([(name, column.type) for name, column in columns.items()])
    rows = sorted(map(repr, zip(*(column.to_pylist() for column in columns.values()), strict=True)))
    return hashlib.sha256("\n".join([described, *rows]).encode()).hexdigest()


def _alike(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give a column as any database gives it: moments in UTC, yes or no in bits."""
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("us", "UTC"))
    return column.cast(pa.bool_()) if column.type == pa.bool8() else column


def warehouse_of(kind: str, folder: Path, server: Any) -> AnyWarehouse:
    """Give an empty warehouse of a kind; `server` is called for the server that PostgreSQL needs."""
    if kind == "duckdb":
        return InDuckDB(folder)
    found: PostgresServer = server()
    return InPostgreSQL(found.new_database())
