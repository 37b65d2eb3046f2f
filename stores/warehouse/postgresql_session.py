"""A connection to a warehouse in PostgreSQL: statements go through psycopg, rows in and out of it as Arrow by ADBC."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Self

import adbc_driver_manager
import psycopg
import pyarrow as pa
import sqlalchemy as sa
from adbc_driver_postgresql import dbapi

from privacy.errors import StoreError
from stores.patience import patiently
from stores.postgresql_connection import connection_string
from stores.quoting import identifier
from stores.warehouse.postgresql_layout import GRANTS_MISSING, WRITER
from stores.warehouse.postgresql_trouble import NOT_UNDERSTOOD, PostgreSQLError, told
from stores.warehouse.postgresql_types import arrow_type, sql_type

_MEMBER = f"select pg_has_role(rolname, 'member') from pg_roles where rolname = '{WRITER}'"

SETTINGS = {
    "timezone": "UTC",
    "client_encoding": "UTF8",
    "search_path": "",
    "standard_conforming_strings": "on",
    "bytea_output": "hex",
    "datestyle": "ISO",
}
"""What is not left to the server's settings. Without a search path, a name without its schema is nobody's."""


class Session:
    """Statements as the owner of the warehouse. Each commits by itself, but within `transaction`."""

    def __init__(self, url: sa.URL, name: str = "sluis") -> None:
        self._url, self._name, self._role = url, name, "none"
        with told():
            self._connection = patiently(
                lambda: psycopg.connect(connection_string(url, name, SETTINGS), autocommit=True)
            )
            member = self._connection.execute(_MEMBER).fetchone()
        if member == (False,):
            self.close()
            raise StoreError(GRANTS_MISSING)
        if member:
            self.become_writer()

    @property
    def process(self) -> int:
        """Give the number of the server's process that does what is said here."""
        return self._connection.info.backend_pid

    def become_writer(self) -> None:
        """Act as the owner of the warehouse, so that whatever is made is its."""
        self._role = WRITER
        self.execute(f"set role {WRITER}")

    def execute(self, sql: str, parameters: Sequence[Any] | None = None) -> None:
        """Run a statement, or several without parameters (`%s`)."""
        with told():
            self._connection.execute(sql.encode(), parameters)

    def rows(self, sql: str, parameters: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """Give all rows of a query, with uuid, date, Decimal … as Python has them."""
        with told():
            return self._connection.execute(sql.encode(), parameters).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Let statements happen together or not at all."""
        with told(), self._connection.transaction():
            yield

    def understands(self, query: str) -> bool:
        """Tell whether the tables and columns of a query are there, of types that it can be asked of."""
        try:
            self.execute(f"explain {query}")
        except PostgreSQLError as error:
            if error.state not in NOT_UNDERSTOOD:
                raise
            return False
        return True

    def listed(self, name: str, rows: pa.Table) -> None:
        """Make a temporary table, which this session alone sees; `create` it anew if it is there."""
        columns = ", ".join(f"{identifier(field.name)} {sql_type(field.type)}" for field in rows.schema)
        self.execute(
            f"drop table if exists pg_temp.{identifier(name)}; create temp table {identifier(name)} ({columns})"
        )
        with told(), self._connection.cursor().copy(f"copy pg_temp.{identifier(name)} from stdin".encode()) as copy:
            for batch in rows.to_batches(10_000):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    copy.write_row(row)
        self.execute(f"analyze pg_temp.{identifier(name)}")

    def temporary(self, name: str, query: str) -> None:
        """Make a temporary table of what a query gives."""
        self.execute(f"create temp table {name} as {query}; analyze {name}")

    def forget_temporary(self) -> None:
        """Drop all temporary tables; harmless when the connection is gone, and they with it."""
        with contextlib.suppress(StoreError):
            self.execute("discard temp")

    def column(self, sql: str) -> pa.Array:
        """Give the one column of a query, which may ask temporary tables; tokens as Arrow `uuid`."""
        values = [value for (value,) in self.rows(sql)]
        if values and isinstance(values[0], uuid.UUID):
            return pa.array([value.bytes for value in values], pa.uuid())
        return pa.array(values)

    def arrow(self, sql: str) -> pa.Table:
        """Give the rows of a query as Arrow: `uuid`, decimals as declared. It sees what is committed."""
        with told(), self._adbc.cursor() as cursor:
            cursor.execute(sql)
            found = cursor.fetch_arrow_table()
        return found.cast(pa.schema([pa.field(field.name, arrow_type(field)) for field in found.schema]))

    def append(self, schema: str, table: str, rows: pa.Table | pa.RecordBatchReader) -> None:
        """Add rows to a table whose columns are there by these names; outside `filling`, they are committed at once."""
        with told(), self._adbc.cursor() as cursor:
            cursor.adbc_ingest(table, rows, mode="append", db_schema_name=schema)

    @contextmanager
    def filling(self, *definitions: str) -> Iterator[None]:
        """Make tables, and append to them all rows or none, in their order.

        Into a table that was made in the same transaction, PostgreSQL writes one page after the other; into others it
        also writes where earlier pages have room.
        """
        with told():
            self._adbc.adbc_connection.set_autocommit(False)
            try:
                with self._adbc.cursor() as cursor:
                    cursor.executescript("; ".join(definitions))
                yield
            except BaseException:
                self._adbc.rollback()
                raise
            self._adbc.commit()
            self._adbc.adbc_connection.set_autocommit(True)

    def close(self) -> None:
        """End; harmless when the connection is gone already."""
        if "_adbc" in self.__dict__:
            with contextlib.suppress(adbc_driver_manager.Error):
                self._adbc.close()
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def _adbc(self) -> dbapi.Connection:
        return patiently(
            lambda: dbapi.connect(
                connection_string(self._url, self._name, {**SETTINGS, "role": self._role}), autocommit=True
            )
        )
