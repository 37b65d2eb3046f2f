"""What may be deleted in the source, and what leaves the warehouse, as a value before it happens: with a hash."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from privacy.key_index import Mask
from privacy.retention import date_of, day_number
from privacy.source_clocks import NEVER
from privacy.source_retention import Stay

MONTHS = 12

ByMonth = Mapping[str, int]
"""Rows by month, as `2026-12`."""


def months_ahead(as_of: datetime.date) -> list[str]:
    """Name the month of a day, and the twelve that follow."""
    first = np.datetime64(as_of, "M")
    return [str(first + ahead) for ahead in range(MONTHS + 1)]


@dataclass(frozen=True)
class SourceTable:
    """What is to become of a source table's rows: each is counted once from `deletable_now` to `open_ended`."""

    rows: int
    deletable_now: int
    by_month: ByMonth
    """Rows that may go later, by the month in which they may."""
    later: int
    open_ended: int
    """Rows of which no day can be told: without a clock, protected, or needed by such a row."""
    kept_until: datetime.date | None
    """The last day on which any other row must be kept."""
    no_clock: int
    held: int
    restricted: int
    needed_by_children: int
    """Rows whose own time is over, and that stay for rows that refer to them, or with a parent that does."""
    content: str = ""
    """A keyed checksum of the keys that may be deleted now."""

    @classmethod
    def of(cls, stay: Stay, held: Mask, restricted: Mask, as_of: datetime.date, content: str = "") -> SourceTable:
        """Count the rows of a table."""
        day = day_number(as_of)
        goes_later = (stay.until >= day) & (stay.until != NEVER)
        months = (stay.until[goes_later].astype("datetime64[D]") + 1).astype("datetime64[M]")
        by_month = {month: int((months == np.datetime64(month)).sum()) for month in months_ahead(as_of)}
        over = (stay.own < day) & ~held & ~restricted
        last = stay.until[goes_later]
        return cls(
            rows=len(stay.own),
            deletable_now=int((stay.until < day).sum()),
            by_month=by_month,
            later=len(months) - sum(by_month.values()),
            open_ended=int((stay.until == NEVER).sum()),
            kept_until=date_of(int(last.max())) if len(last) else None,
            no_clock=int((stay.own == NEVER).sum()),
            held=int(held.sum()),
            restricted=int(restricted.sum()),
            needed_by_children=int((over & (stay.until >= day)).sum()),
            content=content,
        )

    def as_json(self) -> dict[str, Any]:
        """Give it as `sluis retention plan --output json` does."""
        told = {name: value for name, value in vars(self).items() if name not in ("content", "kept_until")}
        return {**told, "kept_until": self.kept_until and self.kept_until.isoformat()}


@dataclass(frozen=True)
class SourcePlan:
    """What may be deleted in the source on a day."""

    as_of: datetime.date
    policy_digest: str
    tables: Mapping[str, SourceTable]
    """In the order in which they are deleted from: children first."""
    doomed: Mapping[str, pa.Array] = field(repr=False, default_factory=dict)
    """By table, the raw keys of the rows that may go now: for the chamber's memory only."""
    warnings: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """Give the SHA-256 of the day, the policy, and how many rows of each table would go, and which.

        What else happens in the source (an order more) spoils no plan, as long as the same rows would go.
        """
        going = {name: [table.deletable_now, table.content] for name, table in self.tables.items()}
        decides = {"as_of": self.as_of.isoformat(), "policy": self.policy_digest, "going": going}
        return hashlib.sha256(json.dumps(decides, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    @property
    def scope(self) -> dict[str, Any]:
        """Give what the ledger keeps of the plan: the day and counts."""
        return {
            "as_of": self.as_of.isoformat(),
            "policy_digest": self.policy_digest,
            "tables": {name: table.deletable_now for name, table in self.tables.items() if table.deletable_now},
        }


@dataclass(frozen=True)
class RetentionPlan:
    """The year to come: what leaves the warehouse, and what may be deleted in the source."""

    as_of: datetime.date
    warehouse: Mapping[str, ByMonth] | None
    """By published table; None where nothing is published yet."""
    source: SourcePlan | None
    """None where the source is away, or no rule for it stands in the policy."""
    warnings: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Give it as `sluis retention plan --output json` does."""
        return {
            "as_of": self.as_of.isoformat(),
            "warehouse": self.warehouse,
            "source": self.source and {name: table.as_json() for name, table in self.source.tables.items()},
            "plan_hash": self.source and self.source.hash,
            "warnings": [*self.warnings, *(self.source.warnings if self.source else ())],
        }
