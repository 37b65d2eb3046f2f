"""Generations: tokens of people who came back after an erasure, which join nothing of before."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc


def renewed(
    tokens: pa.Array, values: pa.Array, generations: pa.Array, make: Callable[[pa.Array, bytes], pa.Array]
) -> pa.Array:
    """Make the tokens of those rows anew that belong to a generation; `make` gives those of one generation.

    tokens: Arrow `uuid`. generations: 16 bytes a row, NULL where a row is of nobody who came back.
    """
    storage = tokens.storage
    for generation in generations.drop_null().unique().to_pylist():
        rows = pc.fill_null(pc.equal(generations, pa.scalar(generation, generations.type)), False)
        anew = make(values.filter(rows), generation).storage
        storage = pc.replace_with_mask(storage, rows, anew)
    return pa.ExtensionArray.from_storage(pa.uuid(), storage)
