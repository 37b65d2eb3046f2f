"""Any other database that SQLAlchemy speaks as a source: one connection, one transaction, rows as Python has them.

Slower by some ten times than the readers made for one database, and with less that can be demanded of it: whether an
account may write, and how long a statement may take, is for the database's own settings.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from privacy.errors import UsageError
from stores.batch_size import joined, rows_of
from stores.narrowing import DATE_SHAPED, InParts, changed, least_by_any_clock, least_text
from stores.patience import patiently
from stores.python_values import arrow_columns
from stores.readers import Readers
from stores.source import WITH_OFFSET, WITHOUT_OFFSET, ColumnKind, Reading, Schema, Totals, kind, reflect
from stores.source_trouble import trouble_told
from stores.source_values import delivered
from stores.tls import demand_tls

SNAPSHOTS = ("SNAPSHOT", "REPEATABLE READ", "SERIALIZABLE")
"""Isolation levels under which all of a transaction sees one state, from the one that hinders others least."""

SNAPSHOTS_BY_NATURE = ("duckdb",)
"""Databases of which every transaction sees one state."""

ROWS_AT_FIRST, ROWS_AT_ONCE = 16, 256
"""How many rows are held as Python's objects, before they are joined to a batch …"""

TAKEN = 8
"""… and by how much more memory they take then, than what was read before them takes as Arrow."""


class SqlalchemySource:
    """A shop in a database for which there is no reader of its own."""

    def __init__(self, url: sa.URL) -> None:
        demand_tls(url, "source")
        try:
            self._engine = sa.create_engine(url, poolclass=sa.pool.NullPool, hide_parameters=True)
            missing = ""
        except (sa.exc.NoSuchModuleError, ModuleNotFoundError):
            missing = url.drivername
        if missing:
            raise UsageError(
                f"--source: nothing here speaks {missing}.\n  PostgreSQL is written postgresql+psycopg://…, MariaDB "
                "and MySQL mysql+pymysql://…; for others install SQLAlchemy's dialect and driver."
            )

    def schema(self) -> Schema:
        return self._schema

    @cached_property
    def _schema(self) -> Schema:
        with trouble_told("the schema"), patiently(self._engine.connect) as connection:
            return reflect(connection, kind_of)

    def engine(self) -> sa.Engine:
        """Give the engine; nothing here ever writes through it."""
        return self._engine

    @contextmanager
    def snapshot(self) -> Iterator[SqlalchemySnapshot]:
        """Open a transaction in which all tables are of one state; UsageError where the database has none such."""
        schema = self._schema
        with trouble_told("a snapshot"):
            connection = patiently(self._engine.connect)
        with connection:
            if level := _level(connection):
                connection = connection.execution_options(isolation_level=level)
            with trouble_told("a snapshot"):
                connection.begin()
            yield SqlalchemySnapshot(connection, schema)


def _level(connection: sa.Connection) -> str | None:
    """Choose the isolation level; None where every transaction is a snapshot."""
    dialect = connection.dialect
    if dialect.name in SNAPSHOTS_BY_NATURE:
        return None
    raw = connection.connection.dbapi_connection
    assert raw, "it has just been opened"
    try:
        known = dialect.get_isolation_level_values(raw)
    except NotImplementedError:
        known = ()
    if level := next((level for level in SNAPSHOTS if level in known), None):
        return level
    raise UsageError(
        f"--source: {dialect.name} offers no isolation level under which all tables are read as of one moment.\n"
        "  Name a copy of it in a database that does."
    )


def kind_of(reflected: sa.types.TypeEngine[Any]) -> ColumnKind:
    """Tell what a column is, as far as SQLAlchemy's own types tell it."""
    native = "unknown to Sluis" if isinstance(reflected, sa.types.NullType) else type(reflected).__name__.lower()
    if isinstance(reflected, sa.DateTime):
        return ColumnKind(WITH_OFFSET if reflected.timezone else WITHOUT_OFFSET, native=native)
    found = ColumnKind("text") if isinstance(reflected, sa.UUID) else kind(reflected)
    return replace(found, native=found.native or native)


class SqlalchemySnapshot(InParts):
    """One state of a database, behind one connection, which reads one table at a time."""

    values_at_once = 1_000
    """Values are bound, each as a parameter, of which some databases take no more than two thousand."""

    def __init__(self, connection: sa.Connection, schema: Schema) -> None:
        self._readers, self._schema = Readers([connection]), schema

    def _totals(self, reading: Reading) -> Totals:
        sums = [sa.func.coalesce(sa.func.sum(_column(name)), 0) for name in reading.decimals]
        asked = _rows_of(reading, sa.select(sa.func.count(), *sums), self._schema[reading.table])
        with self._readers.one() as connection, trouble_told(reading.table):
            rows, *found = connection.execute(asked).one()
        return Totals(rows, {name: Decimal(str(total)) for name, total in zip(reading.decimals, found, strict=True)})

    def _batches(self, reading: Reading, rows: int) -> Iterator[pa.RecordBatch]:
        return joined(self._as_read(reading, rows), rows)

    def _as_read(self, reading: Reading, rows: int) -> Iterator[pa.RecordBatch]:
        present, kinds = self._schema[reading.table], reading.columns
        asked = _rows_of(reading, sa.select(*map(_column, kinds)), present)
        options, at_once = {"stream_results": True, "max_row_buffer": ROWS_AT_FIRST}, min(rows, ROWS_AT_FIRST)
        with (
            self._readers.one() as connection,
            trouble_told(reading.table),
            connection.execute(asked, execution_options=options) as result,
        ):
            while part := result.fetchmany(at_once):
                columns, marks = arrow_columns(list(zip(*part, strict=True)), kinds, present)
                yield (batch := delivered(kinds, columns, kinds.values(), marks))
                at_once = rows_of(TAKEN * batch.nbytes // len(batch), min(rows, ROWS_AT_ONCE))


def _column(name: str) -> sa.ColumnElement[Any]:
    return sa.column(sa.sql.quoted_name(name, True))


def _rows_of(reading: Reading, query: sa.Select[Any], present: Mapping[str, ColumnKind]) -> sa.Select[Any]:
    query = query.select_from(sa.table(sa.sql.quoted_name(reading.table, True)))
    if reading.null:
        query = query.where(_column(reading.null).is_(None))
    if reading.filled:
        query = query.where(sa.func.char_length(sa.func.trim(_column(reading.filled))) > 0)
    if reading.among:
        name, values = reading.among
        query = query.where(_column(name).in_(values.to_pylist()))
    on = lambda name, moment: _on(_column(name), present[name], moment)  # noqa: E731
    if conditions := changed(reading, on, lambda name: _unsure(_column(name), present[name])):
        query = query.where(sa.or_(*conditions))
    return query


def _on(column: sa.ColumnElement[Any], present: ColumnKind, moment: datetime.datetime) -> sa.ColumnElement[bool]:
    match present.family:
        case "text":
            return column >= least_text(moment)
        case "date":
            return column >= datetime.date.fromisoformat(least_text(moment))
        case family if family == WITH_OFFSET:
            return column >= sa.literal(moment, sa.DateTime(timezone=True))
        case _:
            return column >= sa.literal(least_by_any_clock(moment), sa.DateTime())


def _unsure(column: sa.ColumnElement[Any], present: ColumnKind) -> sa.ColumnElement[bool]:
    """Say that a column is NULL, or no moment."""
    missing = column.is_(None)
    return sa.or_(missing, column.not_like(DATE_SHAPED)) if present.family == "text" else missing
