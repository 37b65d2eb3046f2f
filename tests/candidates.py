"""Hand-made candidates for the gate, with the same content in each kind of warehouse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa

from expectations.candidate import Owed
from expectations.gate import check_candidate
from privacy.evidence import GateReport
from privacy.promises import Promise
from stores.duckdb_dialect import read_only

KINDS = ("duckdb", "postgresql")


@dataclass(frozen=True)
class HandMade:
    """A candidate that anything may be written to; its tables stand in `analytics` and `marts`."""

    writing: sa.URL
    reading: sa.URL

    def execute(self, *statements: str) -> None:
        """Run statements of SQL that both kinds understand."""
        engine = sa.create_engine(self.writing, poolclass=sa.NullPool)
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def fill(self, table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
        """Make a table of some rows; columns: as in `create table`."""
        names = [column.strip().split(" ")[0] for column in columns.split(", ")]
        self.execute(f"create table {table} ({columns})")
        into = sa.text(f"insert into {table} values ({', '.join(f':{name}' for name in names)})")
        with sa.create_engine(self.writing, poolclass=sa.NullPool).begin() as connection:
            for row in rows:
                connection.execute(into, dict(zip(names, row, strict=True)))

    def check(self, table: str, *owed: tuple[Promise, str | None], schema: str = "analytics") -> GateReport:
        """Put promises of one table to the gate, each with its column; their lines count from 1."""
        suite = [Owed(promise, column, line) for line, (promise, column) in enumerate(owed, start=1)]  # type: ignore[arg-type]
        return check_candidate(self.reading, {schema: {table: suite}})


def hand_made(kind: str, folder: Path, new_database: Callable[[], sa.URL]) -> HandMade:
    """Make a candidate without tables."""
    if kind == "duckdb":
        file = folder / "candidate.duckdb"
        with duckdb.connect(str(file)):
            made = HandMade(sa.make_url(f"duckdb:///{file}"), read_only(file, {}))
    else:
        url = new_database()
        made = HandMade(url, url)
    made.execute("create schema analytics", "create schema marts")
    return made
