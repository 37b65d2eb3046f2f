"""Rows with long texts: a batch holds some megabytes of them at most, from every source, and memory stays bounded."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

import stores.batch_size
from privacy.column_types import ColumnType
from privacy.errors import SluisError
from privacy.leak_proof import leak_proof
from privacy.ways_out import LONG_TEXTS
from stores.batch_size import BATCH_BYTES, joined, rows_of
from stores.opening import open_source
from stores.source import Reading
from stores.sqlalchemy_source import SqlalchemySource
from stores.sqlite_source import SqliteSource
from tests.conftest import Place
from tests.in_chamber import run_in_chamber
from tests.mariadb import MariadbServer
from tests.postgres import PostgresServer

ROWS, WIDTH = 600, 500_000
"""Of 300 MB in all; in one batch they are several times that, as it is made."""
READING = Reading("letter", {"letter_id": ColumnType("integer"), "body": ColumnType("text")})
MOST_MB = 160
"""How much memory reading them may take, beside what a process has that has read nothing."""

TEXTS = {"postgresql": "text", "mariadb": "longtext"}
NUMBERS = {
    "postgresql": f"generate_series(1, {ROWS}) n",
    "mariadb": f"(select seq as n from seq_1_to_{ROWS}) as numbers",
}

READ = """
import sys
from pathlib import Path
import sqlalchemy as sa
from tests.integration.test_wide_rows import READING, source_of
def peak():
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024
with source_of(*sys.argv[1:]).snapshot() as snapshot:
    before = peak()
    rows = 0
    for batch in snapshot.batches(READING, 65_536):
        rows += len(batch)
    print(rows, peak() - before)
"""


def source_of(kind: str, url: str) -> SqliteSource | SqlalchemySource:
    """Open a source; a SQLite file also as any other database is read."""
    if kind == "any other":
        return SqlalchemySource(sa.make_url(url))
    return open_source(sa.make_url(url))  # type: ignore[return-value]


def in_sqlite(file: Path) -> sa.URL:
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("create table letter (letter_id integer primary key, body text)")
        connection.executemany("insert into letter values (?, ?)", ((n, "x" * WIDTH) for n in range(ROWS)))
    return sa.make_url(f"sqlite:///{file}")


def url_of(kind: str, folder: Path, request: pytest.FixtureRequest) -> sa.URL:
    if kind in ("sqlite", "any other"):
        return in_sqlite(folder / "shop.sqlite")
    server: PostgresServer | MariadbServer = request.getfixturevalue(kind.replace("postgresql", "postgres"))
    url = server.new_database()
    server.execute(f"create table letter (letter_id integer primary key, body {TEXTS[kind]})", url)
    server.execute(f"insert into letter select n, repeat('x', {WIDTH}) from {NUMBERS[kind]}", url)
    return url


@pytest.mark.alone
@pytest.mark.parametrize("kind", ["sqlite", "any other", "postgresql", "mariadb"])
def test_memory_is_bounded_however_wide_the_rows_are(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = url_of(kind, tmp_path, request).render_as_string(hide_password=False)

    read = subprocess.run([sys.executable, "-c", READ, kind, url], capture_output=True, text=True, check=False)

    assert read.returncode == 0, read.stderr
    rows, megabytes = map(int, read.stdout.split())
    assert rows == ROWS
    assert megabytes < MOST_MB


def read_in(source: SqliteSource, rows: int) -> list[pa.RecordBatch]:
    with source.snapshot() as snapshot:
        return list(snapshot.batches(READING, rows))


@pytest.mark.parametrize("wide", [(), (0,), (7_777,), (9_999,), tuple(range(4_000, 6_000))])
def test_what_is_read_does_not_depend_on_how_much_a_batch_holds(
    wide: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "shop.sqlite")) as connection, connection:
        connection.execute("create table letter (letter_id integer primary key, body text)")
        rows = [(n, "é" * (5_000 if n in wide else n % 7)) for n in range(10_000)]
        connection.executemany("insert into letter values (?, ?)", rows)
    source = SqliteSource(sa.make_url(f"sqlite:///{tmp_path / 'shop.sqlite'}"))
    at_once = pa.Table.from_batches(read_in(source, 65_536))

    monkeypatch.setattr(stores.batch_size, "BATCH_BYTES", 100_000)
    in_parts = read_in(source, 3_000)

    assert pa.Table.from_batches(in_parts).equals(at_once)
    assert max(map(len, in_parts)) <= 3_000
    assert all(batch.nbytes <= 200_000 for batch in in_parts)


@pytest.mark.parametrize("made", ["create view letter as select * from kept", "without rowid"])
def test_rows_without_a_number_are_sampled_as_well(made: str, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "shop.sqlite")) as connection, connection:
        table, way = ("kept", "") if "view" in made else ("letter", made)
        connection.execute(f"create table {table} (letter_id integer primary key, body text) {way}")
        connection.executemany(f"insert into {table} values (?, ?)", ((n, "x" * BATCH_BYTES) for n in range(3)))
        connection.execute(made if "view" in made else "select 1")

    batches = read_in(SqliteSource(sa.make_url(f"sqlite:///{tmp_path / 'shop.sqlite'}")), 65_536)

    assert list(map(len, batches)) == [1, 1, 1]


@pytest.mark.parametrize(("width", "code"), [(20_000, 1), (40_000, 3)], ids=["to check", "to store"])
def test_texts_too_long_for_duckdb_are_told_with_a_way_out_and_the_state_of_before_stays(
    width: int, code: int, place: Place
) -> None:
    run = leak_proof(run_in_chamber)
    assert run(place).published
    before = place.fingerprint()
    place.change_policy("role: sensitive, treatment: suppress", "role: non_personal, treatment: keep, because: Stars")
    place.change_source(
        f"""insert into sale (sale_id, sold_at, total, note)
        with recursive n (i) as (select 100 union all select i + 1 from n where i < 2100)
        select i, (select max(sold_at) from sale), 1, replace(hex(zeroblob({width // 2})), '0', '*') || i from n"""
    )

    with pytest.raises(SluisError) as told:
        run(place)

    assert told.value.code == code
    assert "OutOfMemoryException" in str(told.value) or "out of memory" in str(told.value)
    assert f"\n  {LONG_TEXTS}" in str(told.value)
    assert place.fingerprint() == before


@given(sizes=st.lists(st.integers(0, 9), max_size=20), rows=st.integers(1, 12), widest=st.integers(0, 2 * BATCH_BYTES))
def test_joined_batches_are_the_same_rows_in_the_same_order(sizes: list[int], rows: int, widest: int) -> None:
    batches = [pa.record_batch({"n": [float(number)] * size}) for number, size in enumerate(sizes)]

    made = list(joined(batches, rows))

    assert [value for batch in made for value in batch["n"].to_pylist()] == [
        float(number) for number, size in enumerate(sizes) for _ in range(size)
    ]
    assert all(len(batch) <= max(rows, *sizes, 0) for batch in made)
    assert 1 <= rows_of(widest, rows) <= rows
    assert rows_of(widest, rows) * widest <= max(BATCH_BYTES, widest)
