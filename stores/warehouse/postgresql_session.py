"""A connection to a warehouse in PostgreSQL: statements go through psycopg, rows in and out of it as Arrow by ADBC."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Self

import adbc_driver_manager
import psycopg
import pyarrow as pa
import sqlalchemy as sa
from adbc_driver_postgresql import dbapi
from psycopg.conninfo import make_conninfo

from privacy.connection_loss import is_connection_lost
from privacy.errors import ConnectionLostError, StoreError
from stores.patience import patiently
from stores.quoting import identifier
from stores.warehouse.postgresql_layout import GRANTS_MISSING, WRITER
from stores.warehouse.postgresql_types import arrow_type, sql_type

CONNECT_SECONDS = 10

_MEMBER = f"select pg_has_role(rolname, 'member') from pg_roles where rolname = '{WRITER}'"

SETTINGS = {
    "timezone": "UTC",
    "client_encoding": "UTF8",
    "search_path": "",
    "standard_conforming_strings": "on",
    "bytea_output": "hex",
}
"""What is not left to the server's settings. Without a search path, a name without its schema is nobody's."""

KEPT_ALIVE = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "6"}
"""A session may stand idle for as long as a table is loaded by another."""


class Session:
    """Statements as the owner of the warehouse. Each commits by itself, but within `transaction`."""

    def __init__(self, url: sa.URL, name: str = "sluis") -> None:
        self._url, self._name, self._role = url, name, "none"
        with told():
            self._connection = patiently(lambda: psycopg.connect(libpq(url, name), autocommit=True))
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

    def arrow(self, sql: str) -> pa.Table:
        """Give the rows of a query as Arrow: `uuid`, decimals as declared. It sees what is committed."""
        with told(), self._adbc.cursor() as cursor:
            cursor.execute(sql)
            found = cursor.fetch_arrow_table()
        return found.cast(pa.schema([pa.field(field.name, arrow_type(field)) for field in found.schema]))

    def append(self, schema: str, table: str, rows: pa.Table | pa.RecordBatchReader) -> None:
        """Add rows to a table whose columns are there by these names; they are committed when all are in it."""
        with told(), self._adbc.cursor() as cursor:
            cursor.adbc_ingest(table, rows, mode="append", db_schema_name=schema)

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
        return patiently(lambda: dbapi.connect(libpq(self._url, self._name, role=self._role), autocommit=True))


def libpq(url: sa.URL, name: str, **settings: str) -> str:
    """Give what PostgreSQL's own library connects by, with our settings of a session; a password is in it."""
    theirs = url.translate_connect_args(username="user", database="dbname")
    more = {**url.query, "application_name": name, "options": options(url, **settings)}
    return make_conninfo(**{"connect_timeout": CONNECT_SECONDS, **KEPT_ALIVE, **theirs, **more})


def options(url: sa.URL, **settings: str) -> str:
    """Give the settings of a session: those of the URL, and ours."""
    ours = (f"-c {key}={value}" for key, value in {**SETTINGS, **settings}.items())
    return " ".join([str(url.query.get("options", "")), *ours]).strip()


class PostgreSQLError(StoreError):
    """What PostgreSQL refused, by its SQLSTATE alone."""

    state: str = ""


@contextmanager
def told() -> Iterator[None]:
    """Tell trouble with PostgreSQL without a value, an address or a statement."""
    problem: StoreError | None = None
    try:
        yield
    except (psycopg.Error, adbc_driver_manager.Error) as error:
        problem = _lost(error) if is_connection_lost(error) else _refused(error)
    if problem:
        try:
            raise problem
        except StoreError:
            problem.__context__ = None  # whoever left the block is still at the driver's error, which may quote a value
            raise


def _lost(error: psycopg.Error | adbc_driver_manager.Error) -> ConnectionLostError:
    return ConnectionLostError(
        f"warehouse: the connection to PostgreSQL was lost, or not made ({type(error).__name__}). What was published "
        "stays.\n  Check --warehouse, and that its server answers; then run again."
    )


def _refused(error: psycopg.Error | adbc_driver_manager.Error) -> PostgreSQLError:
    refused = PostgreSQLError(
        f"warehouse: PostgreSQL refused ({type(error).__name__}, SQLSTATE {error.sqlstate or 'unknown'}). What was "
        "published stays.\n  Check --warehouse and the rights of its user: `sluis doctor` tells which are missing."
    )
    refused.state = error.sqlstate or ""
    return refused
