"""The keyring: independent random roots with epochs, and a key of its own for every purpose and domain.

Derivation (docs/pseudonyms.md repeats it for other languages):
    key = HKDF-SHA-256(ikm = root of the epoch, 32 bytes or more; salt = none; length = 32 bytes;
                       info = "sluis/v1/" + purpose [+ "/" + name])                                 (RFC 5869)
Each epoch has a fresh root, so no key follows from another epoch's.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from privacy.errors import KeyringError

RootName = Literal["analytics", "tombstones", "receipts"]
ROOT_BYTES = 32


@dataclass(frozen=True)
class Epoch:
    """One root of one name: a number that counts up, the day it began, and 32 random bytes or more."""

    number: int
    created: datetime.date
    root: bytes = field(repr=False)


@dataclass(frozen=True)
class Keyring:
    """All roots, by name, oldest epoch first."""

    roots: dict[RootName, tuple[Epoch, ...]] = field(repr=False)

    def newest(self, name: RootName) -> Epoch:
        """Give the epoch in which new things of this root are made."""
        return self.roots[name][-1]

    def analytics(self) -> Keys:
        """Give the keys that treat the rows of the warehouse."""
        return Keys(self.newest("analytics"))

    def subjects(self) -> SubjectKeys:
        """Give the keys by which people are recognised without being named."""
        return SubjectKeys(self.roots["tombstones"])

    def receipts(self) -> Keys:
        """Give the keys that sign receipts."""
        return Keys(self.newest("receipts"))

    def public_keys(self) -> dict[int, bytes]:
        """Give the public key (Ed25519, 32 bytes) by which the receipts of each epoch are verified."""
        return {
            epoch.number: Keys(epoch).signing_key().public_key().public_bytes_raw() for epoch in self.roots["receipts"]
        }


@dataclass(frozen=True)
class Keys:
    """The keys of one epoch of one root, derived on demand."""

    epoch: Epoch = field(repr=False)

    def token_key(self, domain: str) -> bytes:
        """Give the key of a join domain's tokens (32 bytes)."""
        return self._derive(f"token/{domain}")

    def generation_key(self, domain: str, generation: bytes) -> bytes:
        """Give the key of a join domain's tokens for people who came back after one erasure (32 bytes)."""
        return self._derive(f"token/{domain}/{generation.hex()}")

    def noise_key(self, quantity: str, domain: str) -> bytes:
        """Give the key of the noise that a domain's values put on one quantity (32 bytes)."""
        return self._derive(f"noise/{quantity}/{domain}")

    def shift_key(self, domain: str) -> bytes:
        """Give the key of the shifts of a domain's subjects (32 bytes)."""
        return self._derive(f"shift/{domain}")

    def synthesis_key(self, part: str, domain: str) -> bytes:
        """Give the key by which a domain's subjects draw one part of an invented person (32 bytes)."""
        return self._derive(f"synthesis/{part}/{domain}")

    def content_key(self) -> bytes:
        """Give the key under which the rows of tables are added up to a checksum (32 bytes)."""
        return self._derive("content")

    def signing_key(self) -> Ed25519PrivateKey:
        """Give the key that signs receipts: Ed25519 (RFC 8032), the derived key being its seed."""
        return Ed25519PrivateKey.from_private_bytes(self._derive("receipts/sign"))

    def fingerprint(self) -> str:
        """Name these keys without showing anything of them: 16 hexadecimal digits."""
        return hmac.digest(self._derive("fingerprint"), b"sluis", hashlib.sha256).hex()[:16]

    def _derive(self, purpose: str) -> bytes:
        return derived(self.epoch, purpose)


@dataclass(frozen=True)
class SubjectKeys:
    """The keys by which people and records are recognised: of every epoch of the root tombstones."""

    epochs: tuple[Epoch, ...] = field(repr=False)

    @property
    def newest(self) -> int:
        """Give the number of the epoch in which new tombstones are made."""
        return self.epochs[-1].number

    @property
    def numbers(self) -> tuple[int, ...]:
        """Give the numbers of all epochs, oldest first."""
        return tuple(epoch.number for epoch in self.epochs)

    def key(self, identifies: str, epoch: int) -> bytes:
        """Give the key of one kind of identifier in one epoch (32 bytes); KeyringError if it is gone."""
        return self._derive(f"subject/{identifies}", epoch)

    def record_key(self, table: str, epoch: int) -> bytes:
        """Give the key of the records of one source table in one epoch (32 bytes); KeyringError if it is gone."""
        return self._derive(f"record/{table}", epoch)

    def _derive(self, purpose: str, epoch: int) -> bytes:
        found = next((one for one in self.epochs if one.number == epoch), None)
        if found is None:
            raise KeyringError(
                f"keyring: tombstones epoch {epoch} is missing, under which people are held back or records held.\n"
                "  Put the backup of the key file back; without it they cannot be recognised."
            )
        return derived(found, purpose)


def derived(epoch: Epoch, purpose: str) -> bytes:
    """Derive the key of one purpose from an epoch's root (32 bytes)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"sluis/v1/{purpose}".encode()).derive(epoch.root)


def check_root(name: str, number: int, root: bytes) -> bytes:
    """Refuse a root that nobody drew at random: short, or made of few different bytes (zeros, a text repeated)."""
    if len(root) < ROOT_BYTES:
        raise KeyringError(
            f"keyring: {name} epoch {number} has {len(root)} bytes; {ROOT_BYTES} are needed.\n"
            "  Make a key file with `sluis keys init`."
        )
    if len(set(root)) < ROOT_BYTES // 2:
        raise KeyringError(
            f"keyring: {name} epoch {number} is not random (a default or a pattern).\n"
            "  Make a key file with `sluis keys init`."
        )
    return root
