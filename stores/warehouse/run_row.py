"""The row that a published state carries of itself: how it was made, and what ties it to its ledger."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable
from typing import Any

from privacy.evidence import RunRecord
from stores.warehouse import Published, Seal

BEFORE_SEALS: dict[str, Any] = {
    "kind": "refresh",
    "ledger_id": "",
    "receipts": 0,
    "head": "",
    "index_epoch": 0,
    "read_at": datetime.datetime.min.replace(tzinfo=datetime.UTC),
    "private_file": "",
}
"""What is said for a state that says it not: one of before states were tied to their ledger, or without files."""


def run_row(record: RunRecord, seal: Seal) -> dict[str, Any]:
    """Give the row of a run, by column, less the moment at which it is written."""
    return {
        "run_id": record.run_id,
        "policy_version": record.policy_version,
        "policy_digest": record.policy_digest,
        "as_of": record.as_of,
        "key_fingerprint": record.key_fingerprint,
        "status": "pseudonymised",
        **dataclasses.asdict(seal),
    }


def published_of(names: Iterable[str], values: Iterable[Any]) -> Published:
    """Read the row."""
    found = BEFORE_SEALS | dict(zip(names, values, strict=True))
    return Published(**{field.name: found[field.name] for field in dataclasses.fields(Published)})
