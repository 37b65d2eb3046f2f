"""Values as servers send them: what is none of its declared type is NULL and marked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privacy.column_types import ColumnType
from privacy.declared import MISFITS
from privacy.key_index import Integers


def delivered(
    names: Iterable[str], read: Sequence[pa.Array], kinds: Iterable[ColumnType], marks: Integers | None = None
) -> pa.RecordBatch:
    """Make a batch of columns as they were read. `marks`: a bit per column, values already known not to fit."""
    found = np.zeros(len(read[0]), np.int64) if marks is None else marks
    columns = []
    for bit, (column, kind) in enumerate(zip(read, kinds, strict=True)):
        fitting = _fitting(column, kind)
        if fitting.null_count > column.null_count:
            lost = pc.and_(column.is_valid(), fitting.is_null()).to_numpy(zero_copy_only=False)
            found = found | lost.astype(np.int64) << bit
        columns.append(fitting)
    return pa.RecordBatch.from_arrays([*columns, pa.array(found)], names=[*names, MISFITS])


def _fitting(column: pa.Array, kind: ColumnType) -> pa.Array:
    """Let go of numbers that are neither yes nor no, and of those that are not finite."""
    if kind.name == "boolean" and pa.types.is_integer(column.type):
        return pc.if_else(pc.is_in(column, pa.array([0, 1], column.type)), column, pa.scalar(None, column.type))
    if kind.name == "double" and pa.types.is_floating(column.type):
        return pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))
    return column
