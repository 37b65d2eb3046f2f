"""MariaDB and MySQL as a source: connections that cannot write, all on one consistent snapshot.

A snapshot is a connection's own there. Several begin at the same state because the tables are locked against writers
for the moment in which they begin; where they cannot be, a single connection reads all tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeAlias

import pyarrow as pa
import pymysql
import sqlalchemy as sa

from privacy.errors import StoreError
from stores.mariadb_connection import connect
from stores.mariadb_rows import packed_rows, parsed
from stores.mariadb_values import in_utc, kind_of, query, sums, types, where
from stores.narrowing import InParts
from stores.quoting import identifier
from stores.readers import Readers
from stores.server_facts import ServerFacts, mariadb_facts
from stores.source import READERS, Reading, Schema, Totals
from stores.source_trouble import trouble_told
from stores.source_values import delivered
from stores.tls import demand_tls

LOCK_SECONDS = 2
"""How long the shop's writers may wait behind the lock under which several snapshots begin."""

REPORT = "That is a fault of Sluis or of the server: nothing was published; report it, with the server's version."

CANNOT_LOCK = (1044, 1142, 1205, 1227, 1370)
"""Numbers of errors by which a server refuses LOCK TABLES, or does not get the lock in time."""

_COLUMNS = """select c.table_name, c.column_name, c.data_type, c.numeric_precision, c.numeric_scale, c.column_type
from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
where c.table_schema = database() and t.table_type in ('BASE TABLE', 'SYSTEM VERSIONED')
order by c.table_name, c.ordinal_position"""
_LINKS = """select table_name, column_name, referenced_table_name, referenced_column_name
from information_schema.key_column_usage
where table_schema = database() and referenced_table_schema = database()
order by constraint_name, ordinal_position"""
_WITHOUT_SNAPSHOTS = """select table_name, engine from information_schema.tables
where table_schema = database() and table_type in ('BASE TABLE', 'SYSTEM VERSIONED')
and engine not in ('InnoDB', 'MyRocks', 'ROCKSDB')"""

Connection: TypeAlias = pymysql.Connection


class MariadbSource:
    """A shop in one database of MariaDB or MySQL."""

    def __init__(self, url: sa.URL) -> None:
        demand_tls(url, "source")
        self._url = url

    def schema(self) -> Schema:
        return self._schema

    @cached_property
    def _schema(self) -> Schema:
        found: dict[str, dict[str, Any]] = {}
        with trouble_told("the schema"), self.engine().connect() as connection:
            for table, column, *described in connection.exec_driver_sql(_COLUMNS):
                found.setdefault(table, {})[column] = kind_of(*described)
            for table, column, *other in connection.exec_driver_sql(_LINKS):
                kind = found[table][column]
                found[table][column] = replace(kind, refers_to=(*kind.refers_to, tuple(other)))
        return found

    def facts(self) -> ServerFacts:
        """Tell what the server says of itself and of this account."""
        with trouble_told("the server"), self.engine().connect() as connection:
            return mariadb_facts(connection)

    def engine(self) -> sa.Engine:
        """Give an engine whose connections only read."""
        return sa.create_engine(
            "mysql+pymysql://", creator=lambda: connect(self._url), poolclass=sa.pool.NullPool, hide_parameters=True
        )

    @contextmanager
    def snapshot(self) -> Iterator[MariadbSnapshot]:
        """Open a snapshot behind READERS connections, or behind one where they cannot begin together."""
        with ExitStack() as stack:
            with trouble_told("a snapshot"):
                readers = [self._connection(stack) for _ in range(READERS)]
                if not self._begin_together(readers):
                    del readers[1:]
                    _begin(readers)
                with readers[0].cursor() as cursor:
                    cursor.execute(_WITHOUT_SNAPSHOTS)
                    without = dict(cursor.fetchall())
            yield MariadbSnapshot(readers, self._schema, without)

    def _connection(self, stack: ExitStack) -> Connection:
        return stack.enter_context(closing(connect(self._url)))

    def _begin_together(self, readers: list[Connection]) -> bool:
        """Begin on each connection while nobody can write; tell whether that could be."""
        tables = ", ".join(f"{identifier(table)} read" for table in self._schema)
        with closing(connect(self._url)) as locking, locking.cursor() as cursor:
            cursor.execute(f"set session lock_wait_timeout = {LOCK_SECONDS}")
            try:
                cursor.execute(f"lock tables {tables}")
            except pymysql.err.Error as error:
                if error.args[0] not in CANNOT_LOCK:
                    raise
                return False
            _begin(readers)
            return True


def _begin(readers: list[Connection]) -> None:
    for reader in readers:
        with reader.cursor() as cursor:
            cursor.execute("start transaction with consistent snapshot, read only")


class MariadbSnapshot(InParts):
    """One state of a database, behind as many connections as may read at a time."""

    def __init__(self, readers: list[Connection], schema: Schema, without: dict[str, str]) -> None:
        self._readers, self._schema, self.without = Readers(readers), schema, without
        self.connections = len(readers)

    def _totals(self, reading: Reading) -> Totals:
        asked, there = sums(reading), where(reading, self._schema[reading.table])
        columns = "".join(f", {total}" for total in asked.values())
        with self._readers.one() as reader, trouble_told(reading.table), reader.cursor() as cursor:
            cursor.execute(f"select count(*){columns} from {identifier(reading.table)}{there}")
            rows, *totals = cursor.fetchone()
        return Totals(rows, dict(zip(asked, map(Decimal, totals), strict=True)))

    def _batches(self, reading: Reading, rows: int) -> Iterator[pa.RecordBatch]:
        present = self._schema[reading.table]
        asked, kinds, parsed_as = query(reading, present), reading.columns, types(reading, present)
        with self._readers.one() as reader, trouble_told(reading.table):
            for expected, packed in packed_rows(reader, asked, rows):
                columns = parsed(packed, parsed_as)
                if len(columns[0]) != expected:
                    raise StoreError(f"source: rows of {reading.table} do not come as they were asked for.\n  {REPORT}")
                read = [in_utc(c, kinds[name], present[name]) for c, name in zip(columns, kinds, strict=True)]
                yield delivered(kinds, read, kinds.values())
