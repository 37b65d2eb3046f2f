"""Keyed tokens: HMAC-SHA-256 over a canonical, type-tagged, length-prefixed value, as a UUID of version 8.

    message = tag ":" length ":" value      length: of the value in UTF-8 bytes, decimal; all in UTF-8
    mac     = HMAC-SHA-256(key = the derived key in 64 lower-case hexadecimal digits, message)      (RFC 2104, RFC 4231)
    token   = the first 16 bytes of mac, with version 8 and variant 10 set                          (RFC 9562, 5.8)

docs/pseudonyms.md holds worked examples. The key is used in hexadecimal (ADR 7); 64 digits fill exactly one SHA-256
block, so nothing of its 256 bits is lost.
"""

from __future__ import annotations

import pyarrow as pa

from privacy.canonical import Form, canonical
from privacy.macs import macs, stored


def tokens(column: pa.Array, form: Form, key: bytes) -> pa.Array:
    """Give the token of each value (Arrow `uuid`), NULL for NULL and for blank text.

    key: 32 bytes, of one join domain. Equal values under `form` get equal tokens under one key, whatever else stands in
    the batch.
    """
    values = canonical(column, form)
    uuids = macs(values, form, key, 16)
    uuids[:, 6] = uuids[:, 6] & 0x0F | 0x80
    uuids[:, 8] = uuids[:, 8] & 0x3F | 0x80
    return pa.ExtensionArray.from_storage(pa.uuid(), stored(uuids, values))
