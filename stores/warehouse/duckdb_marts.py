"""Marts in DuckDB: counted from the live file or the candidate's own tables, and written as tables of their own."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from privacy.marts import Cell, Months
from privacy.policy import Policy
from stores.quoting import identifier, literal
from stores.source import READERS
from stores.warehouse import ANALYTICS, MARTS, Comments
from stores.warehouse.duckdb_session import DuckDBSession, comment
from stores.warehouse.marts import freeze, rows_of

COUNTED_IN = "256MB"
"""What figures are grouped in: not more than loading took, which has ended, and enough to spill little."""

LIVE = "frozen_from"
"""The live file's name while it is counted."""


class DuckDBMarts:
    """The marts of a candidate in the making."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, live: Path, work: Path) -> None:
        self._connection, self._live, self._work = connection, live, work

    def count_published(self, policy: Policy, done: Months, open_from: datetime.date, run_id: str) -> list[Cell]:
        """Count figures from the live file, where it is what a run published."""
        with self._connection.cursor() as connection, self._attached(connection, run_id) as schema:
            return freeze(DuckDBSession(connection), schema, policy, done, open_from) if schema else []

    def count_staged(self, policy: Policy, done: Months, open_from: datetime.date) -> list[Cell]:
        """Count figures from the tables that are staged, in the memory and by the threads that loaded them till now."""
        with self._connection.cursor() as connection:
            connection.execute("checkpoint; checkpoint private")
            connection.execute(f"set threads = {READERS}; set memory_limit = '{COUNTED_IN}'")
            return freeze(DuckDBSession(connection), ANALYTICS, policy, done, open_from)

    def write(self, policy: Policy, name: str, cells: Iterable[Cell], comments: Comments) -> None:
        """Write a mart."""
        table = f"{MARTS}.{identifier(name)}"
        with self._connection.cursor() as connection:
            connection.register("cells", rows_of(policy, name, cells))
            connection.execute(f"create table {table} as from cells")
            connection.unregister("cells")
            comment(connection, table, comments)

    @contextmanager
    def _attached(self, connection: duckdb.DuckDBPyConnection, run_id: str) -> Iterator[str | None]:
        """Give the live file's schema of published tables; None where there is none, or it is not that run's.

        It is read under a name of its own, beside which no write-ahead file of anybody stands.
        """
        if not self._live.exists():
            yield None
            return
        (alias := self._work / f"{LIVE}.duckdb").hardlink_to(self._live)
        connection.execute(f"attach {literal(str(alias))} as {LIVE} (read_only)")
        try:
            found = connection.execute(f"select run_id from {LIVE}.sluis_meta.run").fetchone()
            yield f"{LIVE}.{ANALYTICS}" if found == (run_id,) else None
        finally:
            connection.execute(f"detach {LIVE}")
            alias.unlink()
