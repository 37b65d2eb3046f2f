"""Bring rows into the order of their tokens, in bounded memory and without a comparison more than needed.

Tokens are spread evenly, so equal ranges of them hold about equally many rows: rows are dealt into ranges, each range
rests in a spool file until all rows are there, and is then sorted by itself. Only treated rows are ever in the file,
and of each batch only the columns in which it has a value: what a policy suppresses is NULL in every row.
Where rows are so wide that a range is too much, it is dealt anew, into ranges of its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stores.batch_size import BATCH_BYTES

RANGE_ROWS = 65_536
"""How many rows a range has about."""
MOST_RANGES = 1 << 16

FIRST_BITS = 32
"""How many bits of a token tell its range."""

Words = npt.NDArray[np.uint64]
Places = npt.NDArray[np.intp]


def in_token_order(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, key: str, rows: int, folder: Path
) -> Iterator[pa.RecordBatch]:
    """Give all rows in the order of the column `key` (Arrow `uuid`, no NULL), a range at a time.

    rows: about how many there are. folder: where the spool file may lie; it has no name there and outlives no process.
    """
    ranges = max(1, min(rows // RANGE_ROWS, MOST_RANGES))
    yield from _in_order(batches, schema, key, folder, _Ranges(0, 1 << FIRST_BITS, ranges))


def _in_order(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, key: str, folder: Path, ranges: _Ranges
) -> Iterator[pa.RecordBatch]:
    with tempfile.TemporaryFile(dir=folder) as spool:
        places: list[list[_Place]] = [[] for _ in range(ranges.number)]
        rows, sizes = [0] * ranges.number, [0] * ranges.number
        for batch in batches:
            for number, part in _dealt(_filled(batch, key), key, ranges):
                places[number].append(_Place(spool.tell(), part.schema))
                sizes[number] += spool.write(part.serialize())
                rows[number] += len(part)
        for number, own in enumerate(places):
            parts = (_read(spool, place) for place in own)
            if sizes[number] > BATCH_BYTES and rows[number] > 1 and (finer := ranges.within(number, sizes[number])):
                yield from _in_order(parts, schema, key, folder, finer)
            elif own:
                yield _sorted(pa.concat_tables(map(_table, parts), promote_options="default"), schema, key)


class _Place(NamedTuple):
    """Where a part of a range begins, and which columns it has."""

    start: int
    schema: pa.Schema


class _Ranges(NamedTuple):
    """Equal ranges of what tokens begin with."""

    start: int
    width: int
    number: int

    def of(self, beginnings: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint16]:
        """Tell the range of each token."""
        return ((beginnings - np.uint64(self.start)) * np.uint64(self.number) // np.uint64(self.width)).astype(
            np.uint16
        )

    def within(self, number: int, size: int) -> _Ranges | None:
        """Divide a range of some bytes; None where all its tokens begin alike."""
        start, end = (-(-(number + more) * self.width // self.number) for more in (0, 1))
        finer = min(2 + size // BATCH_BYTES, MOST_RANGES, end - start)
        return _Ranges(self.start + start, end - start, finer) if finer > 1 else None


def _filled(batch: pa.RecordBatch, key: str) -> pa.RecordBatch:
    """Leave out the columns of a batch that have no value."""
    some = zip(batch.schema.names, batch.columns, strict=True)
    return batch.select([name for name, column in some if name == key or column.null_count < len(column)])


def _dealt(batch: pa.RecordBatch, key: str, ranges: _Ranges) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Deal the rows of a batch into ranges."""
    number = ranges.of(_words(batch.column(key))[:, 0] >> np.uint64(64 - FIRST_BITS))
    order = np.argsort(number, kind="stable")
    dealt = batch.take(pa.array(order))
    edges = np.searchsorted(number[order], np.arange(ranges.number + 1))
    for each in np.flatnonzero(np.diff(edges)):
        yield int(each), dealt.slice(edges[each], edges[each + 1] - edges[each])


def _read(spool: BinaryIO, place: _Place) -> pa.RecordBatch:
    spool.seek(place.start)
    return pa.ipc.read_record_batch(pa.ipc.read_message(spool), place.schema)


def _table(batch: pa.RecordBatch) -> pa.Table:
    return pa.Table.from_batches([batch])


def _sorted(rows: pa.Table, schema: pa.Schema, key: str) -> pa.RecordBatch:
    """Sort the rows of a range, and give them all columns again."""
    (batch,) = rows.combine_chunks().to_batches()
    ordered = batch.take(pa.array(_order(_words(batch.column(key)))))
    there = dict(zip(ordered.schema.names, ordered.columns, strict=True))
    columns = [there[field.name] if field.name in there else pa.nulls(len(ordered), field.type) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _order(words: Words) -> Places:
    """Give the places of tokens in their order: digits of 16 bits numpy sorts without comparing them (radix sort)."""
    told = words[:, 0] >> np.uint64(16)  # what three digits tell, which is enough unless somebody made them up
    order: Places = np.lexsort([(told >> np.uint64(shift)).astype(np.uint16) for shift in (0, 16, 32)])
    found = told[order]
    return np.lexsort((words[:, 1], words[:, 0])) if (found[1:] == found[:-1]).any() else order


def _words(tokens: pa.Array) -> Words:
    """Read each token as two numbers, in whose order tokens stand."""
    stored = np.frombuffer(tokens.storage.buffers()[1], ">u8", 2 * len(tokens), 16 * tokens.offset)
    return stored.reshape(-1, 2).astype(np.uint64)
