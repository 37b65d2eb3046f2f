"""Force what the source delivers into the types the policy declares: what does not fit is set aside, not guessed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privacy.column_types import ColumnType
from privacy.key_index import Mask
from privacy.local_dates import moments

MISFITS = "_misfits"
"""Name of the integer column in which a source marks, a bit per column, values of a wrong kind (sent as NULL)."""

DIGITS, DIGITS_OF_WIDE = 38, 76
"""How many a decimal has at most, and one of twice its width."""


def force_types(
    batch: pa.RecordBatch, declared: dict[str, ColumnType], time_zone: str
) -> tuple[dict[str, pa.Array], dict[str, Mask]]:
    """Give the columns in their declared types, and for columns with misfits, which rows they are in.

    batch: the declared columns in order, as text or as their own Arrow type, then MISFITS.
    """
    columns: dict[str, pa.Array] = {}
    misfits: dict[str, Mask] = {}
    marks = batch.column(MISFITS).to_numpy(zero_copy_only=False)
    any_marked = bool(marks.any())
    for bit, (name, kind) in enumerate(declared.items()):
        columns[name], unreadable = _forced(batch.column(name), kind, time_zone)
        marked = (marks >> bit & 1).astype(bool) if any_marked else None
        found = unreadable if marked is None else marked if unreadable is None else marked | unreadable
        if found is not None and found.any():
            misfits[name] = found
    return columns, misfits


def _forced(column: pa.Array, kind: ColumnType, time_zone: str) -> tuple[pa.Array, Mask | None]:
    if not kind.clock:
        return cast_or_set_aside(column, kind.arrow(time_zone))
    shown, unreadable = cast_or_set_aside(column, pa.timestamp("us"))
    if kind.clock == "utc":
        return shown.cast(kind.arrow(time_zone)), unreadable
    return moments(shown, time_zone), unreadable


def cast_or_set_aside(column: pa.Array, to: pa.DataType) -> tuple[pa.Array, Mask | None]:
    """Cast a column; where that fails, halve it until the values that cannot be cast stand alone, then NULL them."""
    try:
        return _cast(column, to), None
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        pass
    if len(column) <= 1:
        return pa.nulls(len(column), to), np.ones(len(column), np.bool_)
    middle = len(column) // 2
    halves = [cast_or_set_aside(part, to) for part in (column.slice(0, middle), column.slice(middle))]
    masks = [np.zeros(len(cast), np.bool_) if mask is None else mask for cast, mask in halves]
    return pa.concat_arrays([cast for cast, _ in halves]), np.concatenate(masks)


def _cast(column: pa.Array, to: pa.DataType) -> pa.Array:
    """Cast; text is checked to be UTF-8, because kernels further on take that for granted."""
    if pa.types.is_string(column.type) and pa.types.is_string(to):
        return column.cast(pa.binary()).cast(to)
    if pa.types.is_string(column.type) and pa.types.is_decimal(to):
        return _numbers(column, to.scale).cast(to)
    return column.cast(to)


def _numbers(column: pa.Array, scale: int) -> pa.Array:
    """Read long numbers at twice the width first: one of more than 38 digits would become another, without an error."""
    longest = pc.max(pc.binary_length(column)).as_py() or 0
    if longest > DIGITS_OF_WIDE:
        raise pa.ArrowInvalid
    return column.cast(pa.decimal256(DIGITS_OF_WIDE, scale)) if longest > DIGITS else column
