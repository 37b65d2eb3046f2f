"""What it costs to load rows into a PostgreSQL warehouse, beside a plain ADBC ingest of the same rows."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import adbc_driver_postgresql.dbapi as adbc
import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from benchmarks.measure import Measured, tell
from privacy.subjects import INDEX_COLUMNS
from privacy.treat import EXPIRES_ON
from stores.warehouse import Comments
from stores.warehouse.groups import published_names
from stores.warehouse.postgresql import PostgreSQLWarehouse

PLAIN, STAGED = "plain ADBC ingest", "staged: in order, with key, frozen, analyzed"

BATCHES, ROWS = 31, 32_768
"""About a million rows of the width of a sale: three tokens, money, a day, words, and whose each row is."""

WORDS = np.array(["paid", "sent", "returned", "Amsterdam", "'s-Gravenhage"])


def measure(shop: Path, to: Path, url: str) -> Measured:
    """Load the same rows both ways; the shop is not read. Nothing is published."""
    measured, warehouse = Measured(), PostgreSQLWarehouse(sa.make_url(url))
    first = next(_batches(1))
    parts = {"plain": published_names(first.schema.names), "plain_index": ["key", *INDEX_COLUMNS]}
    plain = warehouse.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(adbc.connect(plain, autocommit=True)) as connection, connection.cursor() as cursor:
        with measured.step(PLAIN, BATCHES * ROWS):
            for table, names in parts.items():
                schema = pa.schema([first.schema.field(name) for name in names])
                some = (batch.select(names) for batch in _batches())
                cursor.adbc_ingest(table, pa.RecordBatchReader.from_batches(schema, some), mode="create")
        cursor.executescript(f"drop table {', '.join(parts)}")
    with warehouse.exclusive("bench"), warehouse.candidate("bench") as candidate, measured.step(STAGED, BATCHES * ROWS):
        candidate.stage("sales", first.schema, _batches(), BATCHES * ROWS, "key", Comments("", {}))
    return measured


def _batches(many: int = BATCHES) -> Iterator[pa.RecordBatch]:
    """Make up treated rows, the same at each call."""
    drawn = np.random.default_rng(1)
    for _ in range(many):
        cents = pa.array(drawn.integers(100, 99_999, ROWS)).cast(pa.decimal128(21, 2)).cast(pa.decimal128(12, 2))
        yield pa.record_batch(
            {
                "key": _tokens(drawn),
                "buyer": _tokens(drawn),
                "total": cents,
                "state": pa.array(WORDS[drawn.integers(0, 3, ROWS)]),
                "city": pa.array(WORDS[drawn.integers(3, 5, ROWS)]),
                "lines": pa.array(drawn.integers(1, 9, ROWS)),
                EXPIRES_ON: pa.array([datetime.date(2030, 1, 1)] * ROWS),
                **{name: _tokens(drawn) for name in INDEX_COLUMNS},
            }
        )


def _tokens(drawn: np.random.Generator) -> pa.Array:
    raw = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), ROWS, [None, pa.py_buffer(drawn.bytes(16 * ROWS))])
    return pa.ExtensionArray.from_storage(pa.uuid(), raw)


if __name__ == "__main__":
    tell(measure)
