"""HMAC-SHA-256 of whole columns: the message and mac of docs/pseudonyms.md, once for each value."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl
import polars_hash as plh
import pyarrow as pa
import pyarrow.compute as pc

from privacy.canonical import Form

Digits = npt.NDArray[np.uint8]
"""A mac a row: 64 hexadecimal digits in ASCII."""

MAC = pa.binary(16)
"""A mac that is kept, to recognise something by: its first 16 bytes."""

_SAMPLE = 2048


def for_each(values: pa.Array, make: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Make something of each value that is there, NULL of NULL; of values that repeat much, once for each."""
    if _repeats(values):
        encoded = values.dictionary_encode()
        return make(encoded.dictionary).take(encoded.indices)
    if values.null_count:
        there = values.is_valid()
        positions = pc.if_else(there, pc.subtract(pc.cumulative_sum(there.cast(pa.int64())), 1), None)
        return make(values.drop_null()).take(positions)
    return make(values)


def _repeats(values: pa.Array) -> bool:
    """Guess from its first rows whether a column has so many equal values that each is better keyed once."""
    sample = values.slice(0, _SAMPLE)
    return len(sample) == _SAMPLE and pc.count_distinct(sample).as_py() < 0.9 * (_SAMPLE - sample.null_count)


def short_macs(values: pa.Array, form: Form, key: bytes) -> pa.FixedSizeBinaryArray:
    """Give the first 16 bytes of the mac of each canonical value under a key of 32 bytes; no value is missing."""
    digits = read_bytes(mac_digits(values, form, key)[:, :32])
    return pa.FixedSizeBinaryArray.from_buffers(MAC, len(values), [None, pa.py_buffer(digits)])


def mac_digits(values: pa.Array, form: Form, key: bytes) -> Digits:
    """Give the mac of each canonical value under a key of 32 bytes; no value is missing."""
    messages = pl.DataFrame([pl.Series("message", _messages(values, form))])
    macs = messages.select(_hmac(pl.col("message"), key)).to_series()
    text = macs.to_arrow(compat_level=pl.CompatLevel.oldest())
    start = np.frombuffer(text.buffers()[1], np.int64)[text.offset]
    return np.frombuffer(text.buffers()[2], np.uint8)[start : start + 64 * len(text)].reshape(-1, 64)


def _messages(values: pa.Array, form: Form) -> pa.Array:
    """Put tag and length before each value; the lengths of a column are few, and each is written once."""
    lengths = pc.binary_length(values).dictionary_encode()
    heads = pa.array([f"{form}:{length}:" for length in lengths.dictionary.to_pylist()], pa.string())
    head = heads[0] if len(heads) == 1 else heads.take(lengths.indices)
    return pc.binary_join_element_wise(head, values, "")


def _hmac(message: pl.Expr, key: bytes) -> pl.Expr:
    hashed: pl.Expr = plh.CryptographicHashingNameSpace(message).hmac_sha256(key=key.hex())
    return hashed


def read_bytes(digits: Digits) -> npt.NDArray[np.uint8]:
    """Read hexadecimal digits as bytes, two digits at a look-up."""
    read: npt.NDArray[np.uint8] = np.take(_BYTE_OF_DIGITS, np.ascontiguousarray(digits).view("<u2"))
    return read


def _byte_of_digits() -> npt.NDArray[np.uint8]:
    table = np.zeros(1 << 16, np.uint8)
    for byte in range(256):
        high, low = f"{byte:02x}".encode()
        table[high | low << 8] = byte
    return table


_BYTE_OF_DIGITS = _byte_of_digits()
