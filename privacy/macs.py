"""HMAC-SHA-256 of whole columns: the message and mac of docs/pseudonyms.md, once for each value."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from privacy.canonical import Form
from privacy.key_index import is_null

Macs = npt.NDArray[np.uint8]
"""A mac a row, in bytes."""

MAC = pa.binary(16)
"""A mac that is kept, to recognise something by: its first 16 bytes."""


def macs(values: pa.Array, form: Form, key: bytes, most: int = 32) -> Macs:
    """Give the first bytes of the mac of each canonical value, zeros for NULL. key: 32 bytes. most: a multiple of 4."""
    from privacy.sha256 import hmac_sha256  # numba takes half a second to load, which not every command needs

    text = values.cast(pa.string())
    _, offsets, data = text.buffers()
    return hmac_sha256(
        key.hex().encode(),
        f"{form}:".encode(),
        np.frombuffer(offsets, np.int32, len(text) + 1, 4 * text.offset) if len(text) else np.zeros(1, np.int32),
        np.frombuffer(data or b"", np.uint8),
        (~is_null(text)).view(np.uint8),
        most,
    )


def short_macs(values: pa.Array, form: Form, key: bytes) -> pa.FixedSizeBinaryArray:
    """Give the first 16 bytes of the mac of each canonical value under a key of 32 bytes, NULL for NULL."""
    return stored(macs(values, form, key, MAC.byte_width), values)


def stored(rows: Macs, like: pa.Array) -> pa.FixedSizeBinaryArray:
    """Lay bytes out as a column, NULL where `like` is."""
    there = pa.py_buffer(np.packbits(~is_null(like), bitorder="little")) if like.null_count else None
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(rows.shape[1]), len(rows), [there, pa.py_buffer(rows)])
