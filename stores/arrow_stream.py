"""Hand a stream of our batches to a database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa


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
        yield pa.RecordBatchReader.from_batches(schema, guarded())
    except Exception as error:
        failure = ours[0] if ours else error
    else:
        return
    raise failure
