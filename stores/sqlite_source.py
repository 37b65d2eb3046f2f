"""SQLite as a source: ADBC batches, guarded against a file format in which any column may hold any type.

ADBC infers a column's type from the first batch, so a sentinel row of the right types goes in front; a value of another
type than declared is sent as NULL and marked. One connection without autocommit holds one snapshot over all tables; in
rollback-journal mode that keeps the shop's writers waiting, so the shop should use WAL mode or hand over a copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from urllib.parse import quote

import adbc_driver_sqlite.dbapi as adbc
import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from privacy.column_types import ColumnType
from privacy.declared import MISFITS
from privacy.errors import StoreError
from stores.settings import file_of
from stores.source import Reading, Schema, Totals, reflect

EXACT_IN_DOUBLE = 2**53


class SqliteSource:
    """A shop in one SQLite file, opened read-only."""

    def __init__(self, url: sa.URL) -> None:
        self._file = file_of(url, "source").absolute()
        if not self._file.is_file():
            raise StoreError(f"source: there is no file {self._file.name} in {self._file.parent}.\n  Check --source.")
        self._uri = f"file:{quote(str(self._file))}?mode=ro"
        self._schema_version: int | None = None

    def schema(self) -> Schema:
        engine = sa.create_engine(f"sqlite:///{self._uri}&uri=true", poolclass=sa.pool.NullPool)
        with engine.connect() as connection:
            self._schema_version = connection.execute(sa.text("pragma schema_version")).scalar()
        return reflect(engine)

    @contextmanager
    def snapshot(self) -> Iterator[SqliteSnapshot]:
        """Open a snapshot. Nothing may inspect the file meanwhile: closing another handle would drop its lock."""
        with adbc.connect(self._uri, autocommit=False) as connection, connection.cursor() as cursor:
            cursor.execute("pragma busy_timeout = 30000").fetchall()
            version = cursor.execute("pragma schema_version").fetchone()
            if self._schema_version is not None and version != (self._schema_version,):
                raise StoreError("source: its schema changed while the run began.\n  Run again.")
            yield SqliteSnapshot(cursor)


class SqliteSnapshot:
    """One state of a SQLite file."""

    def __init__(self, cursor: adbc.Cursor) -> None:
        self._cursor = cursor

    def totals(self, reading: Reading) -> Totals:
        decimals = {name: kind for name, kind in reading.columns.items() if kind.name == "decimal"}
        sums = "".join(f", coalesce(sum({_value(name, kind)}), 0)" for name, kind in decimals.items())
        self._cursor.execute(f"select count(*){sums} from {_quoted(reading.table)}{_where(reading)}")
        rows, *units = self._cursor.fetchone()
        scaled = zip(decimals.items(), units, strict=True)
        return Totals(rows, {name: Decimal(unit).scaleb(-kind.scale) for (name, kind), unit in scaled})

    def batches(self, reading: Reading, rows: int) -> Iterator[pa.RecordBatch]:
        self._cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(rows)})
        self._cursor.execute(_query(reading))
        names = [*reading.columns, MISFITS]
        sentinel = 1
        for batch in self._cursor.fetch_record_batch():
            batch = batch.slice(sentinel)
            sentinel = 0
            columns = [_decoded(c, kind) for c, kind in zip(batch.columns[:-1], reading.columns.values(), strict=True)]
            yield pa.RecordBatch.from_arrays([*columns, batch.columns[-1]], names=names)


def _query(reading: Reading) -> str:
    sentinels = ["''" if kind.name in ("text", "date", "timestamp") else "0" for kind in reading.columns.values()]
    sentinels = [
        "0.0" if kind.name == "double" else s for s, kind in zip(sentinels, reading.columns.values(), strict=True)
    ]
    values = [_value(name, kind) for name, kind in reading.columns.items()]
    marks = [f"((not ({_fits(name, kind)})) << {bit})" for bit, (name, kind) in enumerate(reading.columns.items())]
    rows = f"select {', '.join([*values, ' | '.join(marks)])} from {_quoted(reading.table)}{_where(reading)}"
    return f"select {', '.join([*sentinels, '0'])} union all {rows}"


def _where(reading: Reading) -> str:
    conditions = [f"{_quoted(reading.null)} is null"] if reading.null else []
    conditions += [f"trim({_quoted(reading.filled)}) <> ''"] if reading.filled else []
    return f" where {' and '.join(conditions)}" if conditions else ""


def _fits(name: str, kind: ColumnType) -> str:
    """Give the SQL condition under which a value is NULL or of its declared type."""
    column = _quoted(name)
    match kind.name:
        case "integer":
            return f"typeof({column}) in ('integer', 'null')"
        case "boolean":
            return f"{column} is null or (typeof({column}) = 'integer' and {column} in (0, 1))"
        case "double":
            return f"typeof({column}) in ('real', 'integer', 'null')"
        case "decimal":
            most = min(10**kind.precision, EXACT_IN_DOUBLE)
            exact = (
                f"abs({column}) * {10**kind.scale} < {most} and {_units(column, kind)} / {10**kind.scale}.0 = {column}"
            )
            return f"{column} is null or (typeof({column}) in ('integer', 'real') and {exact})"
        case _:
            return f"typeof({column}) in ('text', 'null')"


def _value(name: str, kind: ColumnType) -> str:
    """Give the SQL of a value: NULL where it does not fit, a decimal in units of its last digit."""
    column = _quoted(name)
    value = (
        _units(column, kind)
        if kind.name == "decimal"
        else f"cast({column} as real)"
        if kind.name == "double"
        else column
    )
    return f"case when {_fits(name, kind)} then {value} end"


def _units(column: str, kind: ColumnType) -> str:
    return f"cast(round({column} * {10**kind.scale}) as integer)"


def _decoded(column: pa.Array, kind: ColumnType) -> pa.Array:
    """Turn the integer units of a decimal into the decimal: 64 bits, widened to 128."""
    if kind.name != "decimal":
        return column
    units = column.fill_null(0).to_numpy(zero_copy_only=False)
    wide = np.stack([units, units >> 63], axis=1)
    nulls = None if not column.null_count else pa.array(column.is_valid()).buffers()[1]
    return pa.Array.from_buffers(pa.decimal128(kind.precision, kind.scale), len(column), [nulls, pa.py_buffer(wide)])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
