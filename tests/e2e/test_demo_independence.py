"""What is published depends on rows, policy and keys: not on batches, threads, or the order of rows in the source.

Where the order of rows could matter nothing is published: of rows with one primary key the first would decide for their
children, but the gate refuses two of a key; of more rows set aside than the policy allows only the first are written,
but then the gate stays shut.
"""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa

import stores.warehouse.duckdb_live
import tasks.extraction
from stores.settings import Settings
from stores.source import READERS
from tasks.chamber import open_chamber
from tasks.in_parallel import in_parallel
from tests.conftest import Place, run_in_process

pytestmark = pytest.mark.long

BATCH_ROWS = 64_000
TODAY = datetime.date.today()
SCRAMBLED = "rowid * 2654435761 % 4294967296"

Digests = dict[str, tuple[int, str]]
"""Rows and a digest, by table."""


@dataclass(frozen=True)
class Published:
    """What a run left, without a value in it."""

    content: Digests
    order: Digests
    set_aside: Digests
    counts: dict[str, Any]


Publish = Callable[..., Published]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Make a demo shop of a hundred thousand order lines: several batches of 64,000."""
    folder = tmp_path_factory.mktemp("shop")
    made = run_in_process("demo", "--dir", str(folder), "--orders", "41000", "--shop-only", "--output", "json")
    assert made.exit_code == 0, made.said
    return Place(folder)


@pytest.fixture(scope="module")
def publish(shop: Place, tmp_path_factory: pytest.TempPathFactory) -> Publish:
    """Run the chamber on the shop, or on another file of the same rows, with some batch size, some tables at a time."""

    def run(batch_rows: int = BATCH_ROWS, source: Path = shop.source, tables_at_a_time: int = READERS) -> Published:
        folder = tmp_path_factory.mktemp("run")
        settings = replace(
            Settings.from_environment(shop.environment),
            source=sa.make_url(f"sqlite:///{source}"),
            warehouse=sa.make_url(f"duckdb:///{folder}/warehouse.duckdb"),
            ledger=sa.make_url(f"sqlite:///{folder}/ledger.sqlite"),
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tasks.extraction, "BATCH_ROWS", batch_rows)
            return in_chamber(settings, folder, tables_at_a_time)

    return run


def in_chamber(settings: Settings, folder: Path, tables_at_a_time: int) -> Published:
    """Run the main job without Prefect; give the digests of what it published and set aside."""
    with open_chamber(settings, TODAY) as chamber, ExitStack() as stack:
        chamber.inspect(stack)
        with ThreadPoolExecutor(tables_at_a_time) as pool:
            in_parallel(chamber.policy.references(), lambda name: pool.submit(chamber.load, name), as_completed)
        chamber.gate()
        chamber.publish()
    (private,) = folder.glob("warehouse.duckdb.private-*")
    return Published(
        content=digests(folder / "warehouse.duckdb", "analytics", "md5(row::varchar)"),
        order=digests(folder / "warehouse.duckdb", "analytics", "rowid"),
        set_aside=digests(private, "sluis_quarantine", "md5(row::varchar)"),
        counts={name: counts.as_json() for name, counts in chamber.record.tables.items()},
    )


def digests(file: Path, schema: str, order: str) -> Digests:
    """Digest the rows of each table in some order: their own (`rowid`), or that of the rows' digests."""
    with duckdb.connect(str(file), read_only=True) as connection:
        tables = connection.execute("select table_name from duckdb_tables() where schema_name = ?", [schema]).fetchall()
        digest = f"md5(string_agg(md5(row::varchar), '' order by {order}))"
        return {
            name: connection.execute(f'select count(*), {digest} from {schema}."{name}" as row').fetchone() or (0, "")
            for (name,) in tables
        }


@pytest.fixture(scope="module")
def as_usual(publish: Publish) -> Published:
    """Give what the others are compared with."""
    return publish()


@pytest.fixture(scope="module")
def shuffled(shop: Place) -> Path:
    """Copy the shop's rows in another order into tables of the same columns.

    Their keys are declared INT, not INTEGER: of the latter SQLite makes the place at which it keeps a row.
    """
    file = shop.folder / "shuffled.sqlite"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("attach ? as shop", [str(shop.source)])
        tables = connection.execute("select name, sql from shop.sqlite_master where type = 'table'").fetchall()
        for name, sql in tables:
            connection.execute(sql.replace("INTEGER PRIMARY KEY", "INT PRIMARY KEY"))
            connection.execute(f"insert into main.{name} select * from shop.{name} order by {SCRAMBLED}")
    return file


@pytest.mark.parametrize("rows", [1_000, 1_000_000])
def test_the_size_of_batches_changes_nothing(publish: Publish, as_usual: Published, rows: int) -> None:
    assert publish(rows) == as_usual


def test_the_number_of_threads_that_write_changes_nothing(
    publish: Publish, as_usual: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores.warehouse.duckdb_live, "THREADS", 4)
    monkeypatch.setattr(stores.warehouse.duckdb_live, "MEMORY_LIMIT", "1GB")

    assert publish() == as_usual


def test_one_table_at_a_time_gives_what_several_do(publish: Publish, as_usual: Published) -> None:
    assert publish(tables_at_a_time=1) == as_usual


def test_the_order_of_rows_in_the_source_changes_nothing(publish: Publish, as_usual: Published, shuffled: Path) -> None:
    with closing(sqlite3.connect(shuffled)) as connection:
        keys = [row[0] for row in connection.execute("select * from orders limit 100")]
    assert keys != sorted(keys)

    assert publish(source=shuffled) == as_usual
