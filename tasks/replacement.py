"""The candidate of an incremental run: rows that are staged take the place of those that leave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from privacy.evidence import RunRecord
from privacy.policy import Derived
from stores.warehouse import Comments, Grouped, Marts, Readable, Seal
from tasks.incremental import Found


@dataclass(frozen=True)
class Replacement:
    """Changes, filled as any candidate is."""

    found: Found

    def stage(
        self, table: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch], rows: int, key: str, comments: Comments
    ) -> None:
        """Replace rows of a table; comments stay, as the policy does."""
        self.found.changes.replace(table, self.found.leaving(table), schema, batches, rows, key)

    def stage_groups(self, table: str, batches: pa.RecordBatchReader, derived: Derived, comments: Comments) -> Grouped:
        """Make all groups of a derived table anew, or none."""
        return self.found.changes.replace_groups(table, self.found.leaving(table), batches, derived)

    def quarantine(self, table: str, rows: pa.Table) -> None:
        """Set rows aside."""
        self.found.changes.quarantine(table, rows)

    @property
    def warnings(self) -> list[str]:
        """Give what deserves a look."""
        return self.found.changes.warnings

    @property
    def marts(self) -> Marts:
        """Give the marts, which stay as they are."""
        return self.found.changes.marts

    def seal(self, record: RunRecord, seal: Seal) -> None:
        """End writing."""
        self.found.changes.seal(record, seal)

    def readable(self) -> Readable:
        """Say where the gate reads what is sealed."""
        return self.found.changes.readable()

    def publish(self) -> None:
        """Let all changes be seen at once."""
        self.found.changes.publish()
