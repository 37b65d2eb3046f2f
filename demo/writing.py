"""Writes columns of rows into the shop's SQLite file, quickly, and lets nobody see half a shop."""

import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from demo.dirt import DirtCount
from demo.schema import TABLES, create_indexes, create_tables

Progress = Callable[[str, int], None]


@dataclass
class ShopWriter:
    """Takes whole columns, in chunks; counts rows and dirt; tells `on_progress` the table and its rows so far."""

    connection: sqlite3.Connection
    dirt: DirtCount
    on_progress: Progress | None = None
    rows: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(TABLES, 0)))

    def write(self, table: str, columns: Mapping[str, Sequence[Any] | np.ndarray[Any, Any]]) -> None:
        """Append rows, given as one sequence of equal length for each column of the table."""
        if columns.keys() != TABLES[table].keys():
            raise ValueError(f"{table}: columns differ in {sorted(columns.keys() ^ TABLES[table].keys())}")
        cells = {name: _as_list(columns[name]) for name in TABLES[table]}
        marks = ", ".join("?" * len(cells))
        before = self.connection.total_changes
        self.connection.executemany(f"INSERT INTO {table} VALUES ({marks})", zip(*cells.values(), strict=True))
        self.rows[table] += self.connection.total_changes - before
        self.dirt.look(table, cells)
        if self.on_progress:
            self.on_progress(table, self.rows[table])


def _as_list(values: Sequence[Any] | np.ndarray[Any, Any]) -> Sequence[Any]:
    listed: Sequence[Any] = values.tolist() if isinstance(values, np.ndarray) else values
    return listed


@contextmanager
def new_shop(path: Path) -> Iterator[sqlite3.Connection]:
    """An empty shop under another name, moved to `path` once it is whole; removed when anything fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    draft.unlink(missing_ok=True)
    connection = sqlite3.connect(draft)
    try:
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536", "temp_store = MEMORY"):
            connection.execute(f"PRAGMA {setting}")
        create_tables(connection)
        yield connection
        create_indexes(connection)
        connection.commit()
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.close()
        for leftover in ("-wal", "-shm", "-journal"):
            path.with_name(path.name + leftover).unlink(missing_ok=True)
        draft.replace(path)
    finally:
        connection.close()
        draft.unlink(missing_ok=True)
