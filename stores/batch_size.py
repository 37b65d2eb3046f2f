"""How much a batch holds: as many rows as were asked for, but no more of them than some bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

BATCH_BYTES = 32 << 20
"""About how much a batch holds at most, however wide its rows are: some times what usual rows come to."""


def rows_of(width: int, rows: int) -> int:
    """Tell how many rows of some bytes, of no more than `rows`, are at most BATCH_BYTES; one at least."""
    return max(1, min(rows, BATCH_BYTES // max(1, width)))


def joined(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Join batches that follow each other, as long as that makes no more than `rows` and BATCH_BYTES of them."""
    held: list[pa.RecordBatch] = []
    held_rows = held_bytes = 0
    for batch in batches:
        count, size = len(batch), batch.nbytes
        too_much = held_rows + count > rows or held_bytes + size > BATCH_BYTES
        if held_rows and (too_much or batch.schema != held[0].schema):
            yield _one(held)
            held_rows = 0
        if not held_rows:
            held, held_bytes = [], 0
        held.append(batch)
        held_rows, held_bytes = held_rows + count, held_bytes + size
        if held_rows >= rows or held_bytes >= BATCH_BYTES:  # what comes next is not waited for
            yield _one(held)
            held, held_rows = [], 0
    if held:
        yield _one(held)


def _one(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    return pa.concat_batches(batches) if len(batches) > 1 else batches[0]
