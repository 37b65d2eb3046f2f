"""Hand our batches to a database: as a stream, or a table at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pyarrow as pa

from stores.batch_size import BATCH_BYTES


@contextmanager
def readable(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatchReader]:
    """Hand batches to a database; an error on our side comes out as itself, not as the database's words for it."""
    ours: list[Exception] = []

    def guarded() -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        except Exception as error:
            ours.append(error)
            raise

    try:
        with pa.RecordBatchReader.from_batches(schema, guarded()) as reader:
            yield reader
    except Exception as error:
        failure = ours[0] if ours else error
    else:
        return
    raise failure


def in_tables(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """Give tables of exactly `rows` rows, of fewer where these come to BATCH_BYTES, and one of what is left."""
    held: list[pa.RecordBatch] = []
    missing, size = rows, 0
    for batch in batches:
        while len(batch) >= missing:
            yield pa.Table.from_batches([*held, batch.slice(0, missing)])
            batch, held, missing, size = batch.slice(missing), [], rows, 0
        if len(batch):
            held.append(batch)
            missing, size = missing - len(batch), size + batch.nbytes
        if size >= BATCH_BYTES:
            yield pa.Table.from_batches(held)
            held, missing, size = [], rows, 0
    if held:
        yield pa.Table.from_batches(held)
