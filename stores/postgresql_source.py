"""PostgreSQL as a source: ADBC batches by COPY, from connections that share one exported snapshot and cannot write.

Tables are locked against being dropped, truncated or altered while they are read, as pg_dump locks them: such changes
are no part of a snapshot. Neither is a foreign table, whose rows are another server's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from functools import cached_property

import adbc_driver_postgresql.dbapi as adbc
import psycopg
import pyarrow as pa
import sqlalchemy as sa

from stores.narrowing import InParts
from stores.patience import patiently
from stores.postgresql_connection import connection_string
from stores.postgresql_values import kind_of, query, sums, where
from stores.quoting import identifier, literal
from stores.readers import Readers
from stores.server_facts import ServerFacts, postgresql_facts
from stores.source import READERS, Reading, Schema, Totals, reflect
from stores.source_trouble import trouble_told
from stores.source_values import delivered
from stores.tls import demand_tls

SETTINGS = {
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "repeatable read",
    "timezone": "UTC",
    "client_encoding": "UTF8",
    "datestyle": "ISO",
    "standard_conforming_strings": "on",
    "lock_timeout": "30s",
    "row_security": "off",  # a policy that hides rows is an error, as in pg_dump, and not a smaller shop
    "idle_in_transaction_session_timeout": "0",
}
"""What is not left to the server's or the account's settings."""

NO_ENCODING = "SQL_ASCII"
"""That of a database whose texts may be in any. Asked for UTF-8, it refuses a table for one text that is none."""

STATEMENT_TIMEOUT = "4h"
"""How long one statement may take, where neither the server nor the account nor the URL sets less."""

BATCH_BYTES = 4 << 20
"""About how much a batch holds at most, however wide its rows are."""

FOREIGN = "a foreign server"

_TABLES = "pg_class where pg_table_is_visible(oid) and relnamespace <> 'pg_catalog'::regnamespace"
_PARTITIONS = f"select relname from {_TABLES} and relispartition"
_READABLE = f"select relname from {_TABLES} and relkind in ('r', 'p') and has_table_privilege(oid, 'select')"
_PARTLY = (
    f"select relname from {_TABLES} and relkind in ('r', 'p') "
    "and not has_table_privilege(oid, 'select') and has_any_column_privilege(oid, 'select')"
)
"""Tables of which the account may read some columns, and which it may not lock."""
_FOREIGN = f"select relname from {_TABLES} and relkind = 'f'"


class PostgresqlSource:
    """A shop in PostgreSQL, in the schema that its account sees by default."""

    def __init__(self, url: sa.URL) -> None:
        demand_tls(url, "source")
        self._url, self._connection_string = url, connection_string(url, "sluis", SETTINGS)

    def schema(self) -> Schema:
        return self._schema

    @cached_property
    def _schema(self) -> Schema:
        with trouble_told("the schema"), self.engine().connect() as connection:
            found, partitions = reflect(connection, kind_of), _names(connection, _PARTITIONS)
        return {name: columns for name, columns in found.items() if name not in partitions}

    def facts(self) -> ServerFacts:
        """Tell what the server says of itself and of this account."""
        login = connection_string(
            self._url, "sluis", {"default_transaction_read_only": "on", "client_encoding": "UTF8"}
        )
        with trouble_told("the server"), engine_by(login).connect() as connection:
            return postgresql_facts(connection)

    def engine(self) -> sa.Engine:
        """Give an engine whose connections only read."""
        return engine_by(self._connection_string)

    @contextmanager
    def snapshot(self) -> Iterator[PostgresqlSnapshot]:
        """Open a snapshot behind READERS connections."""
        with ExitStack() as stack:
            schema = self._schema
            with trouble_told("a snapshot"):
                connection = stack.enter_context(self.engine().connect())
                readable = sorted(_names(connection, _READABLE) & schema.keys())
                foreign = _names(connection, _FOREIGN) & schema.keys()
                encoding = NO_ENCODING if _names(connection, "show server_encoding") == {NO_ENCODING} else "UTF8"
                partly = sorted(_names(connection, _PARTLY) & schema.keys())
                for table in partly:  # whoever reads of a table keeps it from being dropped, truncated or altered
                    connection.exec_driver_sql(f"select from {identifier(table)} limit 0")
                if not partly:
                    connection.close()
                cursors = [self._cursor(stack) for _ in range(READERS)]
                _begin_together(cursors, readable, SETTINGS | {"client_encoding": encoding})
            yield PostgresqlSnapshot(cursors, schema, dict.fromkeys(sorted(foreign), FOREIGN))

    def _cursor(self, stack: ExitStack) -> adbc.Cursor:
        connection = stack.enter_context(patiently(lambda: adbc.connect(self._connection_string, autocommit=True)))
        cursor = stack.enter_context(connection.cursor())
        cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)})
        return cursor


def engine_by(login: str) -> sa.Engine:
    """Give an engine that connects by a connection string, and keeps nothing open."""
    connect = lambda: patiently(lambda: psycopg.connect(login))  # noqa: E731
    return sa.create_engine("postgresql+psycopg://", creator=connect, poolclass=sa.pool.NullPool, hide_parameters=True)


def _names(connection: sa.Connection, query: str) -> set[str]:
    return {*connection.exec_driver_sql(query).scalars()}


def _begin_together(cursors: list[adbc.Cursor], tables: list[str], settings: Mapping[str, str]) -> None:
    """Begin a transaction on each connection, on the snapshot of the first, taken once no table can change shape."""
    first, *others = cursors
    said = "; ".join(f"set local {name} = {literal(value)}" for name, value in settings.items())
    for cursor in cursors:
        cursor.execute(
            f"select set_config('statement_timeout', '{STATEMENT_TIMEOUT}', false) "
            "where current_setting('statement_timeout') = '0'"
        ).fetchall()
        cursor.execute("begin isolation level repeatable read, read only")
        cursor.executescript(said)  # again: a pooler may let go of those that connections are made with
    if tables:
        first.execute(f"lock table {', '.join(map(identifier, tables))} in access share mode")
    (name,) = first.execute("select pg_export_snapshot()").fetchone()
    for cursor in others:
        cursor.execute(f"set transaction snapshot {literal(name)}")


class PostgresqlSnapshot(InParts):
    """One state of a PostgreSQL database, behind as many connections as may read at a time."""

    def __init__(self, cursors: list[adbc.Cursor], schema: Schema, without: dict[str, str]) -> None:
        self._readers, self._schema, self.without = Readers(cursors), schema, without
        self.connections = len(cursors)

    def _totals(self, reading: Reading) -> Totals:
        present = self._schema[reading.table]
        asked, there = sums(reading, present), where(reading, present)
        columns = "".join(f", ({total})::text" for total in asked.values())
        with self._readers.one() as cursor, trouble_told(reading.table):
            cursor.execute(f"select count(*){columns} from {identifier(reading.table)}{there}")
            rows, *totals = cursor.fetchone()
        return Totals(rows, dict(zip(asked, map(Decimal, totals), strict=True)))

    def _batches(self, reading: Reading, rows: int) -> Iterator[pa.RecordBatch]:
        kinds = reading.columns.values()
        with self._readers.one() as cursor, trouble_told(reading.table):
            cursor.execute(query(reading, self._schema[reading.table]))
            # ADBC's own reader: by what fetch_record_batch gives, all trouble is an OSError that tells no SQLSTATE
            for batch in cursor._results.reader:
                *read, marks = batch.columns
                whole = delivered(reading.columns, read, kinds, marks.to_numpy())
                for start in range(0, len(whole), rows):
                    yield whole.slice(start, rows)
