"""What applying requests would take out of the warehouse, as a value with a hash, before it is done."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class KeptInSource:
    """Rows of the same people that stay in the source, and why."""

    keep: int
    until: str | None
    """The last day on which any of them stays (ISO 8601); None where no day can be told."""
    why: str


def told_until(until: str | None, today: str) -> str:
    """Say until when rows stay in the source, both days in ISO 8601: what should have left by now is told as that."""
    if until is None:
        return ""
    return f", needed until {until}" if until >= today else f", needed until {until} and no longer"


@dataclass(frozen=True)
class ErasurePlan:
    """Requests to be applied together, and what becomes of which table."""

    requests: tuple[str, ...]
    """References, in order."""
    people: int
    approvals_needed: int
    warehouse_run: str
    """The run that published what the plan is about."""
    suppressions: str
    """Digest of all who are held back already."""
    policy_digest: str
    as_of: datetime.date
    delete: Mapping[str, int]
    """Rows that leave, by published name."""
    source: Mapping[str, KeptInSource] | None
    """By source table; None where the source cannot be read now."""

    @property
    def hash(self) -> str:
        """Give the SHA-256 of what decides the outcome in the warehouse, as canonical JSON."""
        decides = {
            "requests": self.requests,
            "warehouse_run": self.warehouse_run,
            "suppressions": self.suppressions,
            "policy": self.policy_digest,
            "as_of": self.as_of.isoformat(),
            "delete": dict(self.delete),
        }
        return hashlib.sha256(json.dumps(decides, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """Give the plan as `sluis erase plan --output json` does."""
        return {
            "plan_hash": self.hash,
            "requests": list(self.requests),
            "people": self.people,
            "approvals_needed": self.approvals_needed,
            "as_of": self.as_of.isoformat(),
            "tables": {name: {"delete": rows} for name, rows in self.delete.items()},
            "source": None if self.source is None else {name: asdict(kept) for name, kept in self.source.items()},
        }
