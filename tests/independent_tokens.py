"""Pseudonyms computed a second time, with the standard library and `idna` only: what another language would do."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
import uuid

import idna


def hkdf_sha256(root: bytes, info: bytes, length: int = 32, salt: bytes = b"") -> bytes:
    """Derive a key (RFC 5869); no salt is a salt of 32 zero bytes."""
    prk = hmac.digest(salt or bytes(32), root, hashlib.sha256)
    okm, block = b"", b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.digest(prk, block + info + bytes([counter]), hashlib.sha256)
        okm += block
    return okm[:length]


def token(value: object, form: str, key: bytes) -> uuid.UUID | None:
    """Make the pseudonym of a value under a domain's key; None for what is no value."""
    text = canonical(value, form)
    if text is None:
        return None
    utf8 = text.encode()
    message = f"{form}:{len(utf8)}:".encode() + utf8
    mac = bytearray(hmac.digest(key.hex().encode(), message, hashlib.sha256)[:16])
    mac[6] = mac[6] & 0x0F | 0x80
    mac[8] = mac[8] & 0x3F | 0x80
    return uuid.UUID(bytes=bytes(mac))


def canonical(value: object, form: str) -> str | None:
    """Give the canonical text of a value; None for None and for blank text."""
    if value is None:
        return None
    if form == "integer":
        return str(value)
    text = unicodedata.normalize("NFC", str(value)).strip()
    if form == "email":
        text = unicodedata.normalize("NFC", "".join(map(_simple_lower, text)))
        local, at, domain = text.rpartition("@")
        if at and not domain.isascii():
            text = f"{local}@{_ascii(domain)}"
    return text or None


def _simple_lower(letter: str) -> str:
    return "i" if letter == "İ" else letter.lower()


def _ascii(domain: str) -> str:
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return domain
