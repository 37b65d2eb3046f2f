"""Evidence: what a run did, in names, counts, hashes and days; never a value."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from privacy.fates import Fate
from privacy.identifiers import Kind

COUNTED = (Fate.PUBLISHED, Fate.EXPIRED, Fate.ERASED, Fate.RESTRICTED, Fate.OBJECTED, Fate.QUARANTINED)
"""The fates whose counts add up to `extracted`, in the order of reports."""


@dataclass
class TableCounts:
    """What became of a table's source rows; grows batch by batch."""

    fates: Counter[Fate] = field(default_factory=Counter)
    held: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    """Why rows went to quarantine."""
    unlinked: dict[str, Counter[Fate]] = field(default_factory=dict)
    """References made NULL because their target is not published: column → fate of the target → values."""
    nulls: Counter[str] = field(default_factory=Counter)
    """Values missing in the published rows, by published column."""
    as_read: Counter[str] = field(default_factory=Counter)
    """Published values that are values which were read, by published column, where none may be."""
    sums: dict[str, Decimal] = field(default_factory=dict)
    """Sums over the published rows of what was read, by published column, where the gate compares with them."""
    read_sums: dict[str, Decimal] = field(default_factory=dict)
    """The same over all rows read, by source column."""
    clockless: int = 0
    """Published rows whose clock has not started, where the table's rule has one."""
    in_source: int | None = None
    in_table: int | None = None
    """Rows of the whole table, as the source has it and as it is published, where not all were read."""

    @property
    def extracted(self) -> int:
        """Count all rows read: the sum of their fates."""
        return sum(self.fates.values())

    @property
    def source_rows(self) -> int:
        """Count the rows of the whole table in the source."""
        return self.extracted if self.in_source is None else self.in_source

    @property
    def published_rows(self) -> int:
        """Count the rows of the whole table as it is published."""
        return self.fates[Fate.PUBLISHED] if self.in_table is None else self.in_table

    def as_json(self) -> dict[str, Any]:
        """Give the counts as the command's JSON does."""
        counts: dict[str, Any] = {"extracted": self.extracted}
        counts |= {fate.word: self.fates[fate] for fate in COUNTED} | {"held": self.held}
        counts["unlinked"] = {
            column: {fate.word: n for fate, n in sorted(by_fate.items())}
            for column, by_fate in self.unlinked.items()
            if by_fate
        }
        counts["quarantine_reasons"] = dict(sorted(self.reasons.items()))
        return counts if self.in_table is None else counts | {"in_table": self.in_table}


@dataclass(frozen=True)
class FailedPromise:
    """A promise that the candidate breaks: which, where, where it was made, in how many rows (None: not countable)."""

    promise: str
    table: str
    column: str | None
    policy_line: int
    rows: int | None


@dataclass(frozen=True)
class DriftedValues(FailedPromise):
    """Value drift: rows of a column that hold a value of a personal kind."""

    column: str
    rows: int
    kind: Kind
    waived_until: str | None = None
    """The last day (ISO 8601) of a waiver that has expired."""

    @property
    def place(self) -> tuple[str, str, Kind]:
        """Give what a waiver speaks of."""
        return self.table, self.column, self.kind


@dataclass(frozen=True)
class CrashedCheck:
    """A check that could not be carried out: it says nothing of the data, and blocks all the same."""

    promise: str
    table: str
    column: str | None
    policy_line: int
    exception: str


@dataclass(frozen=True)
class GateReport:
    """What the gate found: single expectations passed, promises broken, checks crashed."""

    passed: int = 0
    failed: tuple[FailedPromise, ...] = ()
    crashed: tuple[CrashedCheck, ...] = ()

    @property
    def drifted(self) -> list[DriftedValues]:
        """Give those of the broken promises that are value drift."""
        return [failure for failure in self.failed if isinstance(failure, DriftedValues)]

    @property
    def green(self) -> bool:
        """Whether the candidate may be published: something was checked, and nothing failed or crashed."""
        return bool(self.passed) and not self.failed and not self.crashed


@dataclass(frozen=True)
class MartCounts:
    """What a mart shows: cells, those of them whose figures are withheld, months, and months frozen by this run."""

    cells: int
    withheld: int
    months: int
    frozen_now: int


@dataclass
class RunRecord:
    """The evidence of one run."""

    run_id: str
    policy_version: str
    policy_digest: str
    key_fingerprint: str
    as_of: datetime.date
    kind: str = "refresh"
    """Refresh, erasure, retention or replay."""
    mode: Literal["full", "incremental"] = "full"
    why_full: str | None = None
    """Why an incremental run, which the policy asks for, read all rows."""
    published: bool = False
    seconds: float = 0.0
    gates: GateReport = GateReport()
    tables: dict[str, TableCounts] = field(default_factory=dict)
    """By published name."""
    marts: dict[str, MartCounts] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=lambda: {"applied": 0, "pending": 0})
    """Requests of data subjects that this run applied, and those that wait for approval."""
    decided: list[str] = field(default_factory=list)
    """Random ids of the requests that it applies."""
    warnings: list[str] = field(default_factory=list)
    outline: Mapping[str, Any] = field(default_factory=dict)
    """What was done to each table and column, as `privacy.changes.outline` tells it."""
    content: dict[str, str] = field(default_factory=dict)
    """A keyed checksum over the rows read, by published name."""
    carried: dict[str, Any] = field(default_factory=dict)
    """What an incremental run carries on from, as `tasks.incremental` has it."""

    def to_keep(self) -> dict[str, Any]:
        """Give the record as the ledger keeps it: with what later runs are compared with."""
        kept = {"kind": self.kind, "policy_digest": self.policy_digest, "decided": self.decided}
        compared = {"outline": self.outline, "content": self.content, "carried": self.carried}
        return {**self.as_json(), **kept, **compared}

    def as_json(self) -> dict[str, Any]:
        """Give the record as `sluis run --output json` does."""
        return {
            "run_id": self.run_id,
            "policy_version": self.policy_version,
            "as_of": self.as_of.isoformat(),
            **({"mode": self.mode, "why_full": self.why_full} if self.kind == "refresh" else {}),
            "published": self.published,
            "seconds": round(self.seconds, 2),
            "gates": {
                "passed": self.gates.passed,
                "failed": [vars(failure) for failure in self.gates.failed],
                "crashed": [vars(crash) for crash in self.gates.crashed],
            },
            "tables": {name: counts.as_json() for name, counts in self.tables.items()},
            "marts": {name: vars(counts) for name, counts in self.marts.items()},
            "requests": self.requests,
            "warnings": self.warnings,
        }


@dataclass(frozen=True)
class PublishedRun:
    """A published run as the ledger remembers it; `record` is what `RunRecord.to_keep` gave."""

    run_id: str
    started_at: datetime.datetime
    """In UTC, with or without saying so."""
    as_of: datetime.date
    policy_version: str
    policy_digest: str
    key_fingerprint: str
    record: Mapping[str, Any]


KEY_CHANGED = "the keyring is not that of the last published run: every token changes"


def warnings_of(tables: Mapping[str, TableCounts], rows_before: Mapping[str, int]) -> Iterator[str]:
    """Tell what deserves a look in what became of each table's rows, and of those that the last run read."""
    for name, counts in tables.items():
        if counts.clockless:
            yield f"{name}: rows whose clock does not run yet (event not set): {counts.clockless:,}"
        if set_aside := counts.fates[Fate.QUARANTINED]:
            yield f"{name}: rows in quarantine: {set_aside:,}"
        if not counts.source_rows and rows_before.get(name):
            yield f"{name}: the source has no rows any more; the last run read {rows_before[name]:,}"
