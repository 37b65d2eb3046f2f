"""SQLite as a source: ADBC batches, guarded against a file format in which any column may hold any type.

ADBC infers a column's type from the first batch, so a sentinel row of the right types goes in front; a value of another
type than declared is sent as NULL and marked. Connections without autocommit hold one snapshot over all tables; in
rollback-journal mode that keeps the shop's writers waiting, so the shop should use WAL mode or hand over a copy.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from queue import LifoQueue
from urllib.parse import quote

import adbc_driver_sqlite.dbapi as adbc
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from privacy.column_types import ColumnType, TypeName
from privacy.declared import MISFITS
from privacy.errors import StoreError
from stores.quoting import identifier
from stores.settings import file_of
from stores.source import READERS, Reading, Schema, Totals, reflect

EXACT_IN_DOUBLE = 10**15
ATTEMPTS = 100
"""How often a snapshot is tried to be opened between two writes of the shop."""


class SqliteSource:
    """A shop in one SQLite file, opened read-only."""

    def __init__(self, url: sa.URL) -> None:
        self._file = file_of(url, "source").absolute()
        if not self._file.is_file():
            raise StoreError(f"source: there is no file {self._file.name} in {self._file.parent}.\n  Check --source.")
        self._uri = f"file:{quote(str(self._file))}?mode=ro"
        self._schema_version: int | None = None

    def schema(self) -> Schema:
        engine = sa.create_engine("sqlite://", creator=self._connect, poolclass=sa.pool.NullPool)
        with _damage_told(self._file.name):
            with engine.connect() as connection:
                self._schema_version = connection.execute(sa.text("pragma schema_version")).scalar()
            return reflect(engine)

    def journal_mode(self) -> str:
        """Tell how the file keeps readers and writers apart: `wal` lets both go on."""
        with _damage_told(self._file.name), contextlib.closing(self._connect()) as connection:
            mode: str = connection.execute("pragma journal_mode").fetchone()[0]
        return mode

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._uri, uri=True)

    @contextmanager
    def snapshot(self) -> Iterator[SqliteSnapshot]:
        """Open a snapshot. Nothing may inspect the file meanwhile: closing another handle would drop its lock."""
        with ExitStack() as stack:
            watch = self._cursor(stack, autocommit=True)
            for _ in range(ATTEMPTS):
                with ExitStack() as opened:
                    before = _ask(watch, "data_version")
                    readers = [self._cursor(opened, autocommit=False) for _ in range(READERS)]
                    versions = {_ask(reader, "schema_version") for reader in readers}  # from here on they hold it
                    if _ask(watch, "data_version") == before:
                        stack.push(opened.pop_all())
                        break
            else:
                raise StoreError("source: it is written to without a pause.\n  Run again, or hand over a copy.")
            if self._schema_version is not None and versions != {self._schema_version}:
                raise StoreError("source: its schema changed while the run began.\n  Run again.")
            yield SqliteSnapshot(readers)

    def _cursor(self, stack: ExitStack, autocommit: bool) -> adbc.Cursor:
        connection = stack.enter_context(adbc.connect(self._uri, autocommit=autocommit))
        cursor = stack.enter_context(connection.cursor())
        cursor.execute("pragma busy_timeout = 30000").fetchall()
        return cursor


class SqliteSnapshot:
    """One state of a SQLite file, behind as many cursors as may read at a time."""

    def __init__(self, readers: list[adbc.Cursor]) -> None:
        self._idle: LifoQueue[adbc.Cursor] = LifoQueue()
        for reader in readers:
            self._idle.put(reader)

    @contextmanager
    def _reader(self, table: str) -> Iterator[adbc.Cursor]:
        reader = self._idle.get()
        try:
            with _damage_told(table):
                yield reader
        finally:
            self._idle.put(reader)

    def totals(self, reading: Reading) -> Totals:
        decimals = {name: kind for name, kind in reading.columns.items() if kind.name == "decimal"}
        sums = "".join(f", {_sum_of_units(identifier(name), kind)}" for name, kind in decimals.items())
        with self._reader(reading.table) as cursor:
            cursor.execute(f"select count(*){sums} from {identifier(reading.table)}{_where(reading)}")
            rows, *units = cursor.fetchone()
        scaled = zip(decimals.items(), units, strict=True)
        return Totals(rows, {name: Decimal(unit).scaleb(-kind.scale) for (name, kind), unit in scaled})

    def batches(self, reading: Reading, rows: int) -> Iterator[pa.RecordBatch]:
        names = [*reading.columns, MISFITS]
        sentinel = 1
        with self._reader(reading.table) as cursor:
            cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(rows)})
            cursor.execute(_query(reading))
            for batch in cursor.fetch_record_batch():
                *columns, filled = batch.slice(sentinel).columns
                sentinel = 0
                columns = [_decoded(c, kind) for c, kind in zip(columns, reading.columns.values(), strict=True)]
                yield pa.RecordBatch.from_arrays([*columns, _misfits(columns, filled)], names=names)


def _ask(cursor: adbc.Cursor, pragma: str) -> int:
    (answer,) = cursor.execute(f"pragma {pragma}").fetchone()
    return int(answer)


@contextmanager
def _damage_told(what: str) -> Iterator[None]:
    """Name the file or table at which SQLite cannot go on."""
    failed = ""
    try:
        yield
    except (sa.exc.DatabaseError, adbc.OperationalError, OSError) as error:
        failed = type(error).__name__
    if failed:
        raise StoreError(
            f"source: {what} cannot be read ({failed}): the file is damaged, no database, or locked by a writer.\n"
            "  Ask SQLite with `pragma integrity_check`; give the source whole, and run again."
        )


_STORED_AS: dict[TypeName, tuple[str, ...]] = {
    "integer": ("integer",),
    "boolean": ("integer",),
    "decimal": ("real", "integer"),
    "double": ("real", "integer"),
    "text": ("text",),
    "date": ("text",),
    "timestamp": ("text",),
}
"""The storage classes in which a value of a declared type stands."""

_SENTINELS: dict[TypeName, str] = {"integer": "0", "boolean": "0", "decimal": "0.0", "double": "0.0"}


def _query(reading: Reading) -> str:
    """Read each value whose storage class is that of its type, NULL for others, and a bit for each that is not NULL."""
    sentinels = [_SENTINELS.get(kind.name, "''") for kind in reading.columns.values()]
    values = [_value(identifier(name), kind) for name, kind in reading.columns.items()]
    filled = " | ".join(f"(({identifier(name)} is not null) << {bit})" for bit, name in enumerate(reading.columns))
    rows = f"select {', '.join([*values, filled])} from {identifier(reading.table)}{_where(reading)}"
    return f"select {', '.join([*sentinels, '0'])} union all {rows}"


def _where(reading: Reading) -> str:
    conditions = [f"{identifier(reading.null)} is null"] if reading.null else []
    conditions += [f"trim({identifier(reading.filled)}) <> ''"] if reading.filled else []
    return f" where {' and '.join(conditions)}" if conditions else ""


def _value(column: str, kind: ColumnType) -> str:
    read = f"cast({column} as real)" if kind.name in ("decimal", "double") else column
    fitting = " ".join(f"when '{stored}' then {read}" for stored in _STORED_AS[kind.name])
    return f"case typeof({column}) {fitting} end"


def _sum_of_units(column: str, kind: ColumnType) -> str:
    """Let SQLite add up a decimal in units of its last digit, over the values that `_decoded` finds exact."""
    units = f"cast(round({column} * {10**kind.scale}) as integer)"
    exact = f"abs({column}) * {10**kind.scale} < {_bound(kind)} and {units} / {10**kind.scale}.0 = {column}"
    return f"coalesce(sum(case when typeof({column}) in ('integer', 'real') and {exact} then {units} end), 0)"


def _decoded(column: pa.Array, kind: ColumnType) -> pa.Array:
    """Turn doubles into the decimals of which they are the nearest doubles; NULL those of none, and what is no boolean.

    A double tells any two numbers of 15 decimal digits apart; beyond these nothing is exact, and nothing is guessed.
    """
    if kind.name == "boolean":
        return pc.if_else(pc.is_in(column, pa.array([0, 1])), column, pa.scalar(None, pa.int64()))
    if kind.name != "decimal":
        return column
    doubles = column.fill_null(np.nan).to_numpy(zero_copy_only=False)
    small = np.abs(doubles) * 10**kind.scale < _bound(kind)
    units = np.rint(np.where(small, doubles, 0.0) * 10**kind.scale)
    exact = pa.array(small & (units / 10**kind.scale == doubles))
    whole = units.astype(np.int64)
    wide = pa.py_buffer(np.stack([whole, whole >> 63], axis=1))
    decimal = pa.decimal128(kind.precision, kind.scale)
    return pa.Array.from_buffers(decimal, len(column), [exact.buffers()[1], wide])


def _misfits(columns: list[pa.Array], filled: pa.Array) -> pa.Array:
    """Mark, a bit per column, the values that the source has and that were not delivered."""
    filled = filled.to_numpy(zero_copy_only=False)
    marks = np.zeros(len(filled), np.int64)
    for bit, column in enumerate(columns):
        if column.null_count:
            marks |= (filled >> bit & column.is_null().to_numpy(zero_copy_only=False)) << bit
    return pa.array(marks)


def _bound(kind: ColumnType) -> int:
    return min(10**kind.precision, EXACT_IN_DOUBLE)
