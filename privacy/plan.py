"""What a run would do, as a value, before it happens: printable, comparable, with a hash."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from privacy.expiries import Expiries
from privacy.policy import Policy, Table
from privacy.policy_file import code_digests


@dataclass(frozen=True)
class TablePlan:
    """What will become of one table."""

    source: str
    retention: str
    columns: Mapping[str, Mapping[str, str | None]]
    """By published column: treatment, role, because."""
    counts: Mapping[str, Any]
    """As a run gives them."""
    expiries: Expiries
    content: str
    """A keyed checksum over the columns that are read."""

    def as_json(self) -> dict[str, Any]:
        """Give it as `sluis plan --output json` does."""
        return {
            "source": self.source,
            **self.counts,
            "retention": self.retention,
            "expiries": asdict(self.expiries),
            "columns": self.columns,
            "content": self.content,
        }


@dataclass(frozen=True)
class Plan:
    """What a run would do."""

    policy_version: str
    rules: str
    """SHA-256 of all that the policy says, whatever its file looks like."""
    key_fingerprint: str
    as_of: datetime.date
    schema: Mapping[str, Mapping[str, str]]
    """The type of each column of the source's tables that the policy names."""
    tables: Mapping[str, TablePlan]
    """By published name."""
    changes: tuple[str, ...]
    """What differs from the last published run, in words."""
    warnings: tuple[str, ...]

    @property
    def hash(self) -> str:
        """Give the SHA-256 of what decides the outcome, as canonical JSON: the same for the same outcome."""
        decides = {
            "rules": self.rules,
            "key": self.key_fingerprint,
            "as_of": self.as_of.isoformat(),
            "schema": self.schema,
            "tables": {
                name: [table.counts, asdict(table.expiries), table.content] for name, table in self.tables.items()
            },
        }
        return hashlib.sha256(json.dumps(decides, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """Give the plan as `sluis plan --output json` does."""
        return {
            "plan_hash": self.hash,
            "policy_version": self.policy_version,
            "as_of": self.as_of.isoformat(),
            "key_fingerprint": self.key_fingerprint,
            "changes": list(self.changes),
            "tables": {name: table.as_json() for name, table in self.tables.items()},
            "warnings": list(self.warnings),
        }


def rules_of(policy: Policy) -> str:
    """Give the SHA-256 of all that a policy says, and of users' own functions.

    Remarks and spelling of its file do not count; the order of columns does.
    """
    return hashlib.sha256("\n".join([policy.model_dump_json(), *code_digests(policy)]).encode()).hexdigest()


def columns_told(table: Table) -> dict[str, dict[str, str | None]]:
    """Say what happens to each column, and why."""
    return {
        name: {"treatment": column.treatment.told(), "role": column.role, "because": column.because}
        for name, column in table.columns.items()
    }
