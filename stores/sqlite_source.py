"""SQLite as a source: ADBC batches, guarded against a file format in which any column may hold any type.

Connections without autocommit hold one snapshot over all tables; in rollback-journal mode that keeps the shop's writers
waiting, so the shop should use WAL mode or hand over a copy.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from urllib.parse import quote

import adbc_driver_sqlite.dbapi as adbc
import pyarrow as pa
import sqlalchemy as sa

from privacy.connection_loss import origin
from privacy.declared import MISFITS
from privacy.errors import StoreError
from stores.batch_size import joined, rows_of
from stores.narrowing import InParts
from stores.quoting import identifier
from stores.readers import Readers
from stores.settings import file_of
from stores.source import READERS, Reading, Schema, Totals, reflect
from stores.sqlite_values import (
    OtherStorageError,
    columns_without_numbers,
    decoded,
    filled,
    guarded_query,
    misfits,
    refuse_other_storage,
    samples,
    sum_of_units,
    trusting_query,
    where,
    width_of_numbers,
)

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
        engine = self.engine()
        with _damage_told(self._file.name):
            with engine.connect() as connection:
                self._schema_version = connection.execute(sa.text("pragma schema_version")).scalar()
            return reflect(engine)

    def engine(self) -> sa.Engine:
        """Give an engine whose connections only read."""
        return sa.create_engine("sqlite://", creator=self._connect, poolclass=sa.pool.NullPool, hide_parameters=True)

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
        with _damage_told(self._file.name):
            connection = stack.enter_context(adbc.connect(self._uri, autocommit=autocommit))
            cursor = stack.enter_context(connection.cursor())
            cursor.execute("pragma busy_timeout = 30000").fetchall()
        return cursor


class SqliteSnapshot(InParts):
    """One state of a SQLite file, behind as many cursors as may read at a time."""

    def __init__(self, readers: list[adbc.Cursor]) -> None:
        self._readers = Readers(readers)
        self._widths: dict[tuple[str, ...], int] = {}
        self._numberless: dict[str, set[str]] = {}

    @contextmanager
    def _reader(self, table: str) -> Iterator[adbc.Cursor]:
        with self._readers.one() as reader, _damage_told(table):
            yield reader

    def _totals(self, reading: Reading) -> Totals:
        sums = "".join(f", {sum_of_units(identifier(name), kind)}" for name, kind in reading.decimals.items())
        with self._reader(reading.table) as cursor:
            cursor.execute(f"select count(*){sums} from {identifier(reading.table)}{where(reading)}")
            rows, *units = cursor.fetchone() or ()
        scaled = zip(reading.decimals.items(), units, strict=True)
        return Totals(rows, {name: Decimal(unit).scaleb(-kind.scale) for (name, kind), unit in scaled})

    def _batches(self, reading: Reading, rows: int) -> Iterator[pa.RecordBatch]:
        return joined(self._as_asked_for(reading, rows), rows)

    def _width(self, cursor: adbc.Cursor, reading: Reading) -> int:
        """Sample rows once for all parts of a reading, and for whatever else asks for the same columns."""
        of = (reading.table, *reading.columns)
        if of not in self._widths:
            numbers = width_of_numbers(reading)
            self._widths[of] = _widest(cursor, reading) if numbers is None else numbers
        return self._widths[of]

    def _without_numbers(self, cursor: adbc.Cursor, table: str) -> set[str]:
        if table not in self._numberless:
            self._numberless[table] = {name for (name,) in cursor.execute(columns_without_numbers(table)).fetchall()}
        return self._numberless[table]

    def _as_asked_for(self, reading: Reading, rows: int) -> Iterator[pa.RecordBatch]:
        names, kinds, done = [*reading.columns, MISFITS], reading.columns.values(), 0
        with self._reader(reading.table) as cursor:
            at_once = rows_of(self._width(cursor, reading), rows)
            cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(at_once)})
            with contextlib.suppress(OtherStorageError, pa.ArrowInvalid, adbc.Error, OSError):  # damage is met again
                numberless = self._without_numbers(cursor, reading.table)
                for read in _delivered(cursor, trusting_query(reading, numberless)):
                    refuse_other_storage(read, kinds)
                    columns = list(map(decoded, read, kinds))
                    yield pa.RecordBatch.from_arrays([*columns, misfits(columns, filled(read, columns))], names=names)
                    done += len(columns[0])
                return
            for *read, present in _delivered(cursor, guarded_query(reading, done)):
                columns = list(map(decoded, read, kinds))
                yield pa.RecordBatch.from_arrays([*columns, misfits(columns, present.to_numpy())], names=names)


def _delivered(cursor: adbc.Cursor, query: str) -> Iterator[list[pa.Array]]:
    """Give the columns of each batch, without the sentinel row in front."""
    cursor.execute(query)
    sentinel = 1
    for batch in cursor.fetch_record_batch():
        yield batch.slice(sentinel).columns
        sentinel = 0


def _widest(cursor: adbc.Cursor, reading: Reading) -> int:
    """Tell about how many bytes a row may have, by a sample from the table's beginning to its end."""
    for query in samples(reading):
        with contextlib.suppress(adbc.Error):  # a view has no rowid; damage is met again
            (widest,) = cursor.execute(query).fetchone() or (0,)
            return int(widest or 0)
    return 0


def _ask(cursor: adbc.Cursor, pragma: str) -> int:
    (answer,) = cursor.execute(f"pragma {pragma}").fetchone() or ()
    return int(answer)


@contextmanager
def _damage_told(what: str) -> Iterator[None]:
    """Name the file or table at which SQLite cannot go on."""
    failed, busy = "", False
    try:
        yield
    except (sa.exc.DatabaseError, adbc.OperationalError, OSError) as error:
        failed = type(error).__name__
        busy = getattr(origin(error), "sqlite_errorname", "") == "SQLITE_BUSY"
    if busy:
        raise StoreError(
            f"source: {what} is locked by somebody who writes to it.\n"
            "  Run again when that is done, name a copy of it with --source, or set it to `pragma journal_mode = wal`."
        )
    if failed:
        raise StoreError(
            f"source: {what} cannot be read ({failed}): the file is damaged, no database, or locked by a writer.\n"
            "  Ask SQLite with `pragma integrity_check`; give the source whole, and run again."
        )
