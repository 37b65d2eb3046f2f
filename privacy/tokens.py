"""Keyed tokens: HMAC-SHA-256 over a canonical, type-tagged, length-prefixed value, as a UUID of version 8.

    message = tag ":" length ":" value      length: of the value in UTF-8 bytes, decimal; all in UTF-8
    mac     = HMAC-SHA-256(key = the derived key in 64 lower-case hexadecimal digits, message)      (RFC 2104, RFC 4231)
    token   = the first 16 bytes of mac, with version 8 and variant 10 set                          (RFC 9562, 5.8)

docs/pseudonyms.md holds worked examples. The key is used in hexadecimal because the vectorised kernel takes text; 64
digits fill exactly one SHA-256 block, so nothing of its 256 bits is lost.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import polars_hash as plh
import pyarrow as pa
import pyarrow.compute as pc

from privacy.canonical import Form, canonical

_SAMPLE = 2048


def tokens(column: pa.Array, form: Form, key: bytes) -> pa.Array:
    """Give the token of each value (Arrow `uuid`), NULL for NULL and for blank text.

    key: 32 bytes, of one join domain. Equal values under `form` get equal tokens under one key, whatever else stands in
    the batch.
    """
    values = canonical(column, form)
    if _repeats(values):
        encoded = values.dictionary_encode()
        storage = _macs(encoded.dictionary, form, key).take(encoded.indices)
    elif values.null_count:
        there = values.is_valid()
        positions = pc.if_else(there, pc.subtract(pc.cumulative_sum(there.cast(pa.int64())), 1), None)
        storage = _macs(values.drop_null(), form, key).take(positions)
    else:
        storage = _macs(values, form, key)
    return pa.ExtensionArray.from_storage(pa.uuid(), storage)


def _repeats(values: pa.Array) -> bool:
    """Guess from its first rows whether a column has so many equal values that each is better keyed once."""
    sample = values.slice(0, _SAMPLE)
    return len(sample) == _SAMPLE and pc.count_distinct(sample).as_py() < 0.9 * (_SAMPLE - sample.null_count)


def _macs(values: pa.Array, form: Form, key: bytes) -> pa.FixedSizeBinaryArray:
    """Give the 16 bytes of each value's token; no value is missing."""
    macs = pl.DataFrame([pl.Series("value", values)]).select(_message(form).pipe(_hmac, key)).to_series()
    uuids = _uuids(macs.to_arrow(compat_level=pl.CompatLevel.oldest()))
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(values), [None, pa.py_buffer(uuids)])


def _message(form: Form) -> pl.Expr:
    value = pl.col("value")
    return pl.concat_str([pl.lit(f"{form}:"), value.str.len_bytes(), pl.lit(":"), value])


def _hmac(message: pl.Expr, key: bytes) -> pl.Expr:
    hashed: pl.Expr = plh.CryptographicHashingNameSpace(message).hmac_sha256(key=key.hex())
    return hashed


def _uuids(macs: pa.Array) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Read 64 hexadecimal digits a row as the first 16 bytes, two digits at a look-up, and set version and variant."""
    start = np.frombuffer(macs.buffers()[1], np.int64)[macs.offset]
    digits = np.frombuffer(macs.buffers()[2], np.uint8)[start : start + 64 * len(macs)].reshape(-1, 64)
    uuids: np.ndarray[tuple[int, int], np.dtype[np.uint8]] = _BYTE_OF_DIGITS[
        np.ascontiguousarray(digits[:, :32]).view("<u2")
    ]
    uuids[:, 6] = uuids[:, 6] & 0x0F | 0x80
    uuids[:, 8] = uuids[:, 8] & 0x3F | 0x80
    return uuids


def _byte_of_digits() -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    table = np.zeros(1 << 16, np.uint8)
    for byte in range(256):
        high, low = f"{byte:02x}".encode()
        table[high | low << 8] = byte
    return table


_BYTE_OF_DIGITS = _byte_of_digits()
