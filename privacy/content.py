"""A checksum over the rows of a table: it changes when a value does, and tells nothing of any."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

import numpy as np
import polars as pl
import pyarrow as pa

METHOD = f"polars-{pl.__version__}"
"""By what the rows are hashed; contents by two methods cannot be compared."""


class Content:
    """Adds up the hashes of rows, so that neither their order nor the size of batches matters.

    The sum (modulo 2**64) tells equal tables from others, not an attacker's from ours: it is no signature. A key goes
    into each row's hash and over the sum, so that nobody without it can try values.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._seed = int.from_bytes(hmac.digest(key, b"rows", hashlib.sha256)[:8])
        self._rows, self._sum = 0, 0

    def add(self, columns: Mapping[str, pa.Array]) -> None:
        """Add a batch of rows: their columns, always in the same order."""
        hashes = pl.DataFrame([pl.Series(name, column) for name, column in columns.items()]).hash_rows(self._seed)
        self._rows += len(hashes)
        self._sum += int(hashes.to_numpy().sum(dtype=np.uint64))

    def __str__(self) -> str:
        message = f"{self._rows}:{self._sum % 2**64}".encode()
        return f"{METHOD}:{hmac.digest(self._key, message, hashlib.sha256).hex()[:32]}"


def comparable(one: str, other: str) -> bool:
    """Whether two contents are by one method."""
    return one.split(":")[0] == other.split(":")[0]
