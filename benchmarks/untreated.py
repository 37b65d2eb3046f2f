"""The same columns of the same rows, read and written by the same drivers under the same limits, and not treated.

No decision on any row, no token, no order, no gate: what moving the data costs.
"""

from __future__ import annotations

import sys
from itertools import chain
from pathlib import Path

from benchmarks.measure import Measured


def measure(folder: Path) -> Measured:
    """Copy what the policy reads of each table."""
    measured = Measured()
    with measured.step("imports"):
        import duckdb
        import pyarrow as pa

        from benchmarks.places import settings
        from privacy.policy_file import read_policy
        from privacy.treat import columns_read
        from stores.opening import open_source
        from stores.settings import read_text
        from stores.source import Reading
        from stores.warehouse.duckdb import MEMORY_LIMIT
        from tasks.extraction import BATCH_ROWS
    places = settings(folder, "untreated")
    policy = read_policy(read_text(places.policy, "policy"), "policy.yaml")
    limits = {"memory_limit": MEMORY_LIMIT, "threads": "1", "temp_directory": str(folder / "spill")}
    with (
        open_source(places.source).snapshot() as source,
        duckdb.connect(places.warehouse.database, config=limits) as to,
    ):
        for name, table in policy.in_order():
            if table.derived:
                continue
            reading = Reading(name, columns_read(table))
            with measured.step(table.publish_as) as step:
                batches = source.batches(reading, BATCH_ROWS)
                first = next(batches)
                to.register("read", pa.RecordBatchReader.from_batches(first.schema, chain([first], batches)))
                to.execute(f'create table "{table.publish_as}" as select * exclude (_misfits) from read')  # noqa: S608
                to.unregister("read")
            counted = to.execute(f'select count(*) from "{table.publish_as}"')  # noqa: S608
            step.rows = counted.fetchone()[0]
    return measured


if __name__ == "__main__":
    sys.stdout.write(measure(Path(sys.argv[1])).told() + "\n")
