"""An untreated copy of a shop on a server by the drivers that Sluis reads with: DuckDB takes what arrives, as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from benchmarks.measure import WHOLE, Measured, tell
from benchmarks.places import policy_of
from privacy.treat import columns_read
from stores.opening import open_source
from stores.quoting import identifier
from stores.source import Reading
from tasks.extraction import BATCH_ROWS


def measure(shop: Path, to: Path, source: str) -> Measured:
    """Write the columns that the policy reads of each source table, one table after the other."""
    measured = Measured()
    tables = [(name, table) for name, table in policy_of(shop).in_order() if not table.derived]
    with (
        measured.step(WHOLE) as whole,
        open_source(sa.make_url(source)).snapshot() as snapshot,
        duckdb.connect(str(to / "plain.duckdb")) as warehouse,
    ):
        for name, table in tables:
            with measured.step(name) as step:
                batches = snapshot.batches(Reading(name, columns_read(table)), BATCH_ROWS)
                warehouse.register("rows_read", _reader(batches))
                target = identifier(table.publish_as)
                (step.rows,) = warehouse.execute(f"create table {target} as select * from rows_read").fetchone()
                warehouse.unregister("rows_read")
            whole.rows += step.rows
    return measured


def _reader(batches: Iterator[pa.RecordBatch]) -> pa.RecordBatchReader:
    first = next(batches, None)
    if first is None:
        return pa.RecordBatchReader.from_batches(pa.schema([("nothing", pa.null())]), iter(()))

    def all_of_them() -> Iterator[pa.RecordBatch]:
        yield first
        yield from batches

    return pa.RecordBatchReader.from_batches(first.schema, all_of_them())


if __name__ == "__main__":
    tell(measure)
