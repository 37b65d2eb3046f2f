"""A candidate in PostgreSQL: all tables of the next state are staged anew."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from privacy.policy import Derived
from stores.warehouse import Comments, Grouped
from stores.warehouse.postgresql_staging import Staging, stage_groups, stage_rows
from stores.warehouse.postgresql_tables import finish


class PostgreSQLCandidate(Staging):
    """A new state made of treated rows."""

    def stage(
        self, table: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch], rows: int, key: str, comments: Comments
    ) -> None:
        """Write a published table's rows in the order of their key, and beside them whose they are."""
        with self._loader() as session:
            finish(session, stage_rows(session, table, schema, batches, rows, key), comments)

    def stage_groups(self, table: str, batches: pa.RecordBatchReader, derived: Derived, comments: Comments) -> Grouped:
        """Write a derived table: one row per key of those rows that may be published, and whose they are."""
        with self._loader() as session:
            target, grouped = stage_groups(session, table, batches, derived)
            finish(session, target, comments)
        return grouped
