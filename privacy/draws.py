"""Keyed draws: a whole number for each value, the same whenever and beside whatever it is drawn.

    words = the mac of the value (docs/pseudonyms.md) as four big-endian whole numbers of 64 bits
    draw  = the first word below the greatest multiple of `below` up to 2^64 (the last word if there is none),
            modulo `below`
So every number below `below` is equally likely, but for a part in 2^192 or less.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from privacy.canonical import Form, canonical
from privacy.key_index import is_null
from privacy.macs import macs


def draws(column: pa.Array, form: Form, key: bytes, below: int) -> pa.Array:
    """Draw a number (int64) from 0 to below - 1 for each value, NULL for NULL and for blank text.

    key: 32 bytes, of one purpose. below: 1 to 2^63. Equal values under `form` draw equal numbers under one key.
    """
    values = canonical(column, form)
    words = macs(values, form, key).view(">u8")
    return pa.array(_even(words, below).astype(np.int64), mask=is_null(values))


def _even(words: npt.NDArray[np.uint64], below: int) -> npt.NDArray[np.uint64]:
    greatest = np.uint64(2**64 - 2**64 % below - 1)
    word = words[:, 0].astype(np.uint64)
    for following in words.T[1:]:
        word = np.where(word > greatest, following, word)
    return word % np.uint64(below)
