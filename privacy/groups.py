"""What becomes of the groups of a derived table, without a database to group them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privacy.evidence import TableCounts
from privacy.fates import NO_CLOCK, Days, Fate
from privacy.treat import EXPIRES_ON, FATE, REASON


class Groups:
    """Collects the treated rows of a derived table, each with its fate; one group per key."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._rows: list[pa.Table] = []

    def add(self, treated: pa.RecordBatch) -> None:
        """Add a batch as it is staged for grouping."""
        key, fates = treated.column(self._key), treated.column(FATE)
        stored = key.storage if isinstance(key, pa.ExtensionArray) else key
        published, quarantined = pc.equal(fates, Fate.PUBLISHED), pc.equal(fates, Fate.QUARANTINED)
        expires = pc.if_else(published, treated.column(EXPIRES_ON), None)
        reasons = pc.if_else(quarantined, treated.column(REASON), None)
        names = ["key", "fate", "expires", "reason"]
        self._rows.append(pa.table([stored, fates, expires, reasons], names).filter(pc.field("key").is_valid()))

    def counts(self) -> tuple[TableCounts, Days]:
        """Count groups by fate: published where any of its rows is, else the first that applies; and tell their expiry.

        A group leaves with the last of its published rows.
        """
        counts = TableCounts()
        if not self._rows:
            return counts, np.empty(0, np.int32)
        ends = [("fate", "min"), ("fate", "max"), ("expires", "max"), ("reason", "min")]
        groups = pa.concat_tables(self._rows).group_by("key").aggregate(ends)
        published = pc.equal(groups["fate_max"], Fate.PUBLISHED)
        fates = pc.if_else(published, groups["fate_max"], groups["fate_min"])
        for fate in pc.value_counts(fates):
            counts.fates[Fate(fate["values"].as_py())] = fate["counts"].as_py()
        for reason in pc.value_counts(groups["reason_min"].filter(pc.equal(fates, Fate.QUARANTINED))):
            counts.reasons[reason["values"].as_py()] = reason["counts"].as_py()
        days = groups["expires_max"].filter(published).cast(pa.int32()).fill_null(int(NO_CLOCK))
        return counts, days.to_numpy()
