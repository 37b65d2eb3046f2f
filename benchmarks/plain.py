"""What an engineer writes without Sluis: ADBC reads SQLite, DuckDB takes the rows; copied, or hashed in SQL on the way.

Plain selects, types as they come (money as doubles, times as text), no decision on any row, no order, no check.
"""

from __future__ import annotations

from pathlib import Path

import adbc_driver_sqlite.dbapi as adbc
import duckdb

from benchmarks.measure import WHOLE, Measured, tell
from benchmarks.places import policy_of
from privacy.policy import Column, Table
from privacy.treat import columns_read
from privacy.treatments import Pseudonymize
from privacy.treatments.masking import MaskIp
from privacy.treatments.periods import ToPeriod
from stores.quoting import identifier
from stores.warehouse.duckdb_live import MEMORY_LIMIT, THREADS

BATCH_ROWS = 65_536
"""ADBC's own default of 1,024 costs more."""

LIMITED = "limited"


def measure(shop: Path, to: Path, written: str, within: str = "") -> Measured:
    """Write the columns that the policy reads of each source table as they are (`copy`) or `hashed`.

    DuckDB has its own limits, or `limited` to those of a run of Sluis.
    """
    measured = Measured()
    tables = [(name, table) for name, table in policy_of(shop).in_order() if not table.derived]
    limits = {"memory_limit": MEMORY_LIMIT, "threads": str(THREADS)} if within == LIMITED else {}
    with (
        measured.step(WHOLE) as whole,
        adbc.connect(str(shop / "shop.sqlite")) as connection,
        connection.cursor() as source,
        duckdb.connect(str(to / "plain.duckdb"), config=limits) as warehouse,
    ):
        source.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(BATCH_ROWS)})
        for name, table in tables:
            selected = hashed(table) if written == "hashed" else ["*"]
            with measured.step(name) as step:
                source.execute(f"select {', '.join(map(identifier, columns_read(table)))} from {identifier(name)}")
                warehouse.register("rows_read", source.fetch_record_batch())
                target = identifier(table.publish_as)
                (step.rows,) = warehouse.execute(
                    f"create table {target} as select {', '.join(selected)} from rows_read"
                ).fetchone()
                warehouse.unregister("rows_read")
            whole.rows += step.rows
    return measured


def hashed(table: Table) -> list[str]:
    """Give what one would select instead of the columns."""
    return [
        f"{_hashed(identifier(table.source_of(name)), column)} as {identifier(name)}"
        for name, column in table.columns.items()
        if column.extracted
    ]


def _hashed(source: str, column: Column) -> str:
    match column.treatment:
        case Pseudonymize():
            return f"sha256({source}::varchar)"
        case ToPeriod() as period:
            return f"date_trunc('{period.to}', left({source}, 10)::date)"
        case MaskIp():
            return rf"regexp_replace({source}, '\.\d+$', '.0')"
        case _:
            return source  # age bands, provinces, browsers: nothing, which is less work than a run has


if __name__ == "__main__":
    tell(measure)
