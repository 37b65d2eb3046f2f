"""Deletion in the source: the only way in which anything is ever written there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import pyarrow as pa
import sqlalchemy as sa

from privacy.errors import StoreError

BATCH_KEYS = 5_000

Deleted = dict[str, int]
"""By table, how many rows are gone for good."""


class Deletion(Protocol):
    """A source that is open for deletion, and knows whether anybody else has written to it since."""

    all_or_nothing: bool
    """Whether all batches are one transaction, which `finish` commits; else each is one of its own."""

    def transaction(self) -> AbstractContextManager[sa.Connection]:
        """Begin a transaction that keeps other writers out.

        StalePlanError if anybody else has written since the source was opened for deletion.
        """
        ...

    def finish(self) -> None:
        """End: make sure that no deleted bytes are left in the source's files, as far as that can be done from here."""
        ...


def delete_rows(
    source: Deletion,
    doomed: Mapping[str, tuple[str, pa.Array]],
    deleted: Deleted,
    on_progress: Callable[[str, int, int], None],
) -> None:
    """Delete rows by their keys, table by table in the order given, batch by batch.

    doomed: by table, its key column and keys. `deleted` counts what is gone for good, also when a batch fails.
    """
    try:
        _delete_all(source, doomed, deleted, on_progress)
        source.finish()
    except BaseException:
        if source.all_or_nothing:
            deleted.clear()
        raise


def _delete_all(
    source: Deletion,
    doomed: Mapping[str, tuple[str, pa.Array]],
    deleted: Deleted,
    on_progress: Callable[[str, int, int], None],
) -> None:
    for table, (column, keys) in doomed.items():
        on_progress(f"delete: {table}", 0, len(keys))
        for batch in _batches(keys):
            _delete(source, table, column, batch)
            deleted[table] = deleted.get(table, 0) + len(batch)
            on_progress(f"delete: {table}", deleted[table], len(keys))


def _delete(source: Deletion, table: str, column: str, keys: Sequence[Any]) -> None:
    key: sa.ColumnClause[Any] = sa.column(column)
    with source.transaction() as connection:
        gone = connection.execute(sa.delete(sa.table(table, key)).where(key.in_(keys))).rowcount
        if gone != len(keys):
            raise StoreError(
                f"source: of {len(keys):,} rows of {table} that were to be deleted at a time, {gone:,} were found.\n"
                f"  {'All' if source.all_or_nothing else 'That batch'} was undone; see what else deletes there, and "
                "make a new plan."
            )


def _batches(keys: pa.Array) -> Iterator[list[Any]]:
    for start in range(0, len(keys), BATCH_KEYS):
        yield keys.slice(start, BATCH_KEYS).to_pylist()
