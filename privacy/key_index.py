"""Find rows by raw key, for whole columns at once. Lives in the chamber's memory only, so it is kept small."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

KeyArray = npt.NDArray[np.int64] | npt.NDArray[np.object_]
Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class KeyIndex:
    """Unique keys in ascending order. Integers are found by bisection, without a hash table beside them."""

    keys: KeyArray = field(repr=False)

    def positions(self, column: pa.Array) -> Positions:
        """Give the position of each value among the keys, -1 where it is none of them or NULL."""
        values = as_keys(column)
        if not len(self.keys):
            return np.full(len(values), -1, np.int64)
        if values.dtype == object:
            found: Positions = pd.Index(self.keys).get_indexer(pd.Index(values)).astype(np.int64)
        else:
            at = np.minimum(np.searchsorted(self.keys, values), len(self.keys) - 1)
            found = np.where(self.keys[at] == values, at, -1)
        found[is_null(column)] = -1
        return found


def as_keys(column: pa.Array) -> KeyArray:
    """Give key values as a numpy array: int64 (0 for NULL), else objects."""
    if pa.types.is_integer(column.type):
        integers: npt.NDArray[np.int64] = column.fill_null(0).to_numpy(zero_copy_only=False)
        return integers
    objects: npt.NDArray[np.object_] = column.to_numpy(zero_copy_only=False)
    return objects


def is_null(column: pa.Array) -> Mask:
    """Tell which values are missing."""
    mask: Mask = column.is_null().to_numpy(zero_copy_only=False)
    return mask
