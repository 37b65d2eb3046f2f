"""All that a run reads is one state of the source, though the shop goes on writing while tables are read."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

import stores.sqlite_source
from privacy.column_types import ColumnType
from privacy.errors import StoreError
from stores.source import READERS, Reading
from stores.sqlite_source import SqliteSource

READING = Reading("sale", {"sale_id": ColumnType("integer")})
ROWS = 50


@pytest.fixture(params=["wal", "delete"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    made = tmp_path / "shop.sqlite"
    with contextlib.closing(sqlite3.connect(made)) as connection, connection:
        connection.execute(f"pragma journal_mode = {request.param}")
        connection.execute("create table sale (sale_id integer primary key)")
        connection.executemany("insert into sale values (?)", [(number,) for number in range(ROWS)])
    return made


def read(batches: Iterator[object]) -> int:
    return sum(len(batch) for batch in batches)  # type: ignore[arg-type]


def test_what_is_written_meanwhile_is_in_no_table_of_the_run(file: Path) -> None:
    with SqliteSource(sa.make_url(f"sqlite:///{file}")).snapshot() as snapshot:
        begun = [snapshot.batches(READING, 7) for _ in range(READERS)]
        rows = [len(next(batches)) for batches in begun]
        assert write_one(file) is (file.with_name("shop.sqlite-wal").exists()), "without a log the shop has to wait"
        rows = [first + read(rest) for first, rest in zip(rows, begun, strict=True)]

        assert rows == [ROWS] * READERS
        assert snapshot.totals(READING).rows == ROWS


def test_a_shop_that_writes_between_the_connections_makes_them_begin_again(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, written = stores.sqlite_source._ask, []

    def writes_first(cursor: object, pragma: str) -> int:
        answer = ask(cursor, pragma)  # type: ignore[arg-type]
        if pragma == "data_version" and len(written) < 3 and not len(written) % 2:
            written.append(write_one(file))
        elif pragma == "data_version":
            written.append(False)
        return answer

    monkeypatch.setattr(stores.sqlite_source, "_ask", writes_first)
    with SqliteSource(sa.make_url(f"sqlite:///{file}")).snapshot() as snapshot:
        assert [read(snapshot.batches(READING, 7)) for _ in range(READERS)] == [ROWS + sum(written)] * READERS
    assert sum(written) == 2


def test_a_shop_that_never_pauses_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = stores.sqlite_source._ask

    def writes_first(cursor: object, pragma: str) -> int:
        answer = ask(cursor, pragma)  # type: ignore[arg-type]
        if pragma == "data_version":
            write_one(file)
        return answer

    monkeypatch.setattr(stores.sqlite_source, "_ask", writes_first)
    monkeypatch.setattr(stores.sqlite_source, "ATTEMPTS", 3)
    source = SqliteSource(sa.make_url(f"sqlite:///{file}"))
    with pytest.raises(StoreError, match="written to without a pause"), source.snapshot():
        pass


def write_one(file: Path) -> bool:
    """Write as another process does: SQLite's locks are a process's, and two of its libraries share none."""
    script = (
        "import sqlite3, sys; shop = sqlite3.connect(sys.argv[1], timeout=0); "
        "shop.execute('insert into sale select max(sale_id) + 1 from sale'); shop.commit(); shop.close()"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(file)], capture_output=True, check=False)
    return ended.returncode == 0
