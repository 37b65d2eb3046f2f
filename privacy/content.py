"""A checksum over the rows of a table: it changes when a value does, and tells nothing of any."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import NamedTuple

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
        self._key, self._seed = key, _seed(key, b"rows")
        self._rows, self._sum = 0, 0

    def add(self, columns: Mapping[str, pa.Array]) -> None:
        """Add a batch of rows: their columns, always in the same order."""
        self._rows += len(next(iter(columns.values())))
        self._sum += _summed(columns, self._seed)

    def __str__(self) -> str:
        message = f"{self._rows}:{self._sum % 2**64}".encode()
        return f"{METHOD}:{hmac.digest(self._key, message, hashlib.sha256).hex()[:32]}"


class KeySet(NamedTuple):
    """How many rows a table has, and the sum of their keys' hashes: two alike are of the same keys.

    It adds up, so that what came and what is gone between two can be proved by those rows alone. As secret as a
    ledger: whoever has the sum and every key but one can try values for that one with the run's key only.
    """

    rows: int = 0
    sum: int = 0

    @classmethod
    def of(cls, keys: pa.Array, key: bytes) -> KeySet:
        """Take the keys of some rows; `key` is that of contents."""
        return cls(len(keys), _summed({"": keys}, _seed(key, b"keys")) % 2**64)

    def with_more(self, more: KeySet) -> KeySet:
        """Give the set with other rows' keys."""
        return KeySet(self.rows + more.rows, (self.sum + more.sum) % 2**64)


def _seed(key: bytes, purpose: bytes) -> int:
    return int.from_bytes(hmac.digest(key, purpose, hashlib.sha256)[:8])


def _summed(columns: Mapping[str, pa.Array], seed: int) -> int:
    """Add up the hashes of a batch's rows."""
    hashes = pl.DataFrame([pl.Series(name, column) for name, column in columns.items()]).hash_rows(seed)
    return int(hashes.to_numpy().sum(dtype=np.uint64))


def comparable(one: str, other: str) -> bool:
    """Whether two contents are by one method."""
    return one.split(":")[0] == other.split(":")[0]
