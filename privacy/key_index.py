"""Find rows by raw key, for whole columns at once. Lives in the chamber's memory only, so it is kept small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

Integers = npt.NDArray[np.int64]
KeyArray = Integers | npt.NDArray[np.object_]
Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Rows = Positions | slice
"""Some rows of a batch, in an order of their own."""


@dataclass(frozen=True)
class KeyIndex:
    """The keys of a table's rows; of rows with equal keys the first is found."""

    find: Callable[[KeyArray], Positions] = field(repr=False)

    @classmethod
    def of(cls, keys: KeyArray) -> KeyIndex:
        """Build from keys in the order of their rows; none is missing."""
        if not len(keys):
            return cls(_nowhere)
        if keys.dtype == object:
            return cls(_by_hash(keys))
        least, span = int(keys.min()), int(keys.max()) - int(keys.min()) + 1
        return cls(_by_distance(keys, least, span) if span <= 2 * len(keys) else _by_bisection(keys))

    def positions(self, column: pa.Array) -> Positions:
        """Give the row of each value, -1 where it is no key or NULL."""
        found = self.find(as_keys(column))
        found[is_null(column)] = -1
        return found


def _nowhere(values: KeyArray) -> Positions:
    return np.full(len(values), -1, np.int64)


def _by_distance(keys: KeyArray, least: int, span: int) -> Callable[[KeyArray], Positions]:
    """Find integers that lie close together by their distance from the least: at most four bytes a key, no search."""
    rows: npt.NDArray[np.int32] | None = None
    if span > len(keys) or (keys[1:] <= keys[:-1]).any():
        rows = np.full(span, -1, np.int32)
        rows[keys[::-1] - least] = np.arange(len(keys), dtype=np.int32)[::-1]

    def find(values: KeyArray) -> Positions:
        distance = values - np.int64(least)
        near = distance.view(np.uint64) < span
        at = np.where(near, distance, 0)
        return np.where(near, at if rows is None else rows[at], -1).astype(np.int64)

    return find


def _by_bisection(keys: KeyArray) -> Callable[[KeyArray], Positions]:
    order = np.argsort(keys, kind="stable")
    ascending = keys[order]

    def find(values: KeyArray) -> Positions:
        at = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
        return np.where(ascending[at] == values, order[at], -1)

    return find


def _by_hash(keys: KeyArray) -> Callable[[KeyArray], Positions]:
    unique, first = np.unique(keys, return_index=True)
    index = pd.Index(unique)

    def find(values: KeyArray) -> Positions:
        at = index.get_indexer(pd.Index(values))
        return np.where(at < 0, -1, first[at]).astype(np.int64)

    return find


def as_keys(column: pa.Array) -> KeyArray:
    """Give key values as a numpy array: int64 (0 for NULL), else objects."""
    if pa.types.is_integer(column.type):
        integers: Integers = column.fill_null(0).to_numpy(zero_copy_only=False)
        return integers
    objects: npt.NDArray[np.object_] = column.to_numpy(zero_copy_only=False)
    return objects


def is_null(column: pa.Array) -> Mask:
    """Tell which values are missing."""
    if not column.null_count:
        return np.zeros(len(column), np.bool_)
    mask: Mask = column.is_null().to_numpy(zero_copy_only=False)
    return mask
