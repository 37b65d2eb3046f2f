"""Receipts: signed, chained proof of what was done, in names, counts and hashes; never a value.

A receipt's body is canonical JSON. Its hash covers the hash of the receipt before and its own body, and is signed, so
that nothing can be changed, left out or put in between afterwards. docs/receipts.md writes the format down for others;
`privacy.receipt_chain` verifies it without any of this code.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from privacy.keys import Keys

ReceiptKind = Literal["refresh", "erasure", "retention", "replay", "key_destroyed", "source_deletion"]

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
"""What a table or a count may be called, so that no value can stand in a body where a name should."""


@dataclass(frozen=True)
class Rows:
    """What became of a published table: rows before, rows of them that left, rows after."""

    before: int
    removed: int
    after: int


@dataclass(frozen=True)
class Deed:
    """What a receipt tells of."""

    kind: ReceiptKind
    at: datetime.datetime
    """When it was done; aware."""
    run_id: str | None = None
    policy_digest: str | None = None
    """Of the policy that was followed; None where none was needed."""
    tables: Mapping[str, Rows] = field(default_factory=dict)
    """By published name."""
    proof: Mapping[str, int] = field(default_factory=dict)
    """What was looked at afterwards, and how much of it was found."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """What else can be counted of it."""


@dataclass(frozen=True)
class Receipt:
    """A receipt as the ledger keeps it."""

    number: int
    """1, 2, 3, …: its place in the chain."""
    receipt_id: str
    body: str
    previous: str
    """The hash of the receipt before; empty for the first."""
    hash: str
    """SHA-256 over `previous`, a line feed and `body`: 64 hexadecimal digits."""
    signature: str
    """Ed25519 over the 32 bytes of the hash: 128 hexadecimal digits."""
    epoch: int
    """Of the root `receipts`, whose key signed it."""


def issue(deed: Deed, keys: Keys, *, receipt_id: str, number: int, ledger_id: str, previous: str) -> Receipt:
    """Make the receipt of a deed that follows the receipt with hash `previous`, signed under `keys` of root receipts.

    ValueError where a name or a count of the deed is none.
    """
    body = _canonical(
        {
            "receipt_id": receipt_id,
            "number": number,
            "ledger_id": ledger_id,
            "kind": deed.kind,
            "run_id": deed.run_id,
            "at": deed.at.astimezone(datetime.UTC).isoformat(timespec="seconds"),
            "policy_digest": deed.policy_digest,
            "tables": {_name(table): _counts(asdict(rows)) for table, rows in deed.tables.items()},
            "proof": _counts(deed.proof),
        }
        | ({"counts": _counts(deed.counts)} if deed.counts else {})
    )
    digest = hashlib.sha256(f"{previous}\n{body}".encode("ascii")).digest()
    signature = keys.signing_key().sign(digest)
    return Receipt(number, receipt_id, body, previous, digest.hex(), signature.hex(), keys.epoch.number)


def _canonical(body: Mapping[str, Any]) -> str:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _counts(counts: Mapping[str, int]) -> dict[str, int]:
    for count in counts.values():
        if type(count) is not int or count < 0:
            raise ValueError("a receipt holds whole numbers from 0 up, and nothing else")
    return {_name(name): count for name, count in counts.items()}


def _name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError("a name in a receipt is made of letters, digits and underscores")
    return name
