"""Verify receipts: every fault of a chain, in words. Shares nothing with the code that issues them but their format.

docs/receipts.md describes that format; whoever trusts neither module can follow the page instead.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Row = Mapping[str, object]
"""A receipt as it was found: number, receipt_id, body, previous, hash, signature, epoch. Anything may stand there."""

PublicKeys = Mapping[int, bytes]
"""The 32 bytes of each epoch's Ed25519 public key."""


@dataclass(frozen=True)
class Head:
    """The end of a chain as somebody else noted it: whose, how many receipts, and the hash of the last ('' of none)."""

    noted_by: str
    """Who noted it, as faults tell it."""
    ledger_id: str | None
    """None where that was not noted."""
    receipts: int
    hash: str


@dataclass(frozen=True)
class Findings:
    """What an examination found."""

    verified: int
    """Receipts that are whole, and follow the one before."""
    faults: tuple[str, ...]


def examine(rows: Iterable[Row], public_keys: PublicKeys, ledger_id: str, heads: Iterable[Head] = ()) -> Findings:
    """Look at each receipt of a ledger, in the order of their numbers, and at what others noted of the chain."""
    faults: list[str] = []
    hashes: dict[int, object] = {0: ""}
    last: object = 0
    verified = 0
    for row in rows:
        number = row["number"]
        found = [*_out_of_place(number, last), *_faults(row, public_keys, ledger_id)]
        if type(last) is int and number == last + 1 and row["previous"] != hashes[last]:
            found.append(f"receipt {_told(number)}: does not follow the receipt before it: `previous` is not its hash")
        verified += not found
        faults += found
        last = number
        if type(number) is int:
            hashes[number] = row["hash"]
    for head in heads:
        faults += _beside(head, ledger_id, hashes)
    return Findings(verified, tuple(faults))


def is_signed(row: Row, public_keys: PublicKeys) -> bool:
    """Tell whether a receipt's hash was signed with one of these keys."""
    public, digest = _key(row["epoch"], public_keys), str(row["hash"])
    if public is None or not re.fullmatch(r"[0-9a-f]{64}", digest):
        return False
    return _signed(row["signature"], bytes.fromhex(digest), public)


def _out_of_place(number: object, last: object) -> Iterator[str]:
    if type(number) is not int or type(last) is not int or number <= last:
        yield f"receipt {_told(number)}: out of place, after receipt {_told(last)}"
    elif number == last + 2:
        yield f"receipt {last + 1} is missing"
    elif number > last + 2:
        yield f"receipts {last + 1} to {number - 1} are missing"


def _faults(row: Row, public_keys: PublicKeys, ledger_id: str) -> Iterator[str]:
    """Tell what is wrong with a receipt in itself."""
    name = f"receipt {_told(row['number'])}:"
    written = f"{row['previous']}\n{row['body']}".encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(written).digest()
    if row["hash"] != digest.hex():
        yield f"{name} its hash is not that of its text: one of them was changed"
    if not (public := _key(row["epoch"], public_keys)):
        yield f"{name} signed under epoch {_told(row['epoch'])}, whose public key is not known"
    elif not _signed(row["signature"], digest, public):
        yield f"{name} its signature is wrong: it was changed, or signed with another key"
    body = _read(row["body"])
    if body is None:
        yield f"{name} its body cannot be read"
        return
    for key, expected, what in (
        ("number", row["number"], "another number"),
        ("receipt_id", row["receipt_id"], "another id"),
        ("ledger_id", ledger_id, "another ledger"),
    ):
        if body.get(key) != expected:
            yield f"{name} its body names {what}"


def _key(epoch: object, public_keys: PublicKeys) -> bytes | None:
    return public_keys.get(epoch) if type(epoch) is int else None


def _signed(signature: object, digest: bytes, public: bytes) -> bool:
    # hexadecimal digits can be written in two ways, of which only one was
    if not isinstance(signature, str) or not re.fullmatch(r"[0-9a-f]{128}", signature):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(bytes.fromhex(signature), digest)
    except InvalidSignature:
        return False
    return True


def _read(body: object) -> dict[str, object] | None:
    try:
        read = json.loads(body) if isinstance(body, str) else None
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def _beside(head: Head, ledger_id: str, hashes: Mapping[int, object]) -> Iterator[str]:
    """Compare the chain with what somebody else noted of it."""
    end = max(hashes)
    if head.ledger_id is not None and head.ledger_id != ledger_id:
        yield f"{head.noted_by} belongs to another ledger"
    if head.receipts > end:
        yield f"the chain ends at receipt {end}, but {head.noted_by} knew {head.receipts}: it was cut short"
    elif hashes.get(head.receipts) != head.hash:
        yield f"receipt {head.receipts} is not the one that {head.noted_by} knew: the chain was swapped or written anew"


def _told(what: object) -> str:
    """Name a number; whatever else stands in its place is not repeated."""
    return str(what) if type(what) is int else "without a number"
