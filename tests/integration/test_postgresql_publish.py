"""Publishing in PostgreSQL: readers see one whole state or the next, hardly wait, and killed runs leave no trace."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.connection import Connection

import psycopg
import pyarrow as pa
import pytest
import sqlalchemy as sa

from privacy.errors import StoreError
from stores.warehouse import postgresql_state
from stores.warehouse.postgresql_layout import READER, SCRATCH, STAGED
from stores.warehouse.postgresql_session import Session
from tests.postgres import PostgresServer
from tests.small_warehouse import SHOP, Rows, publish, row
from tests.warehouses import InPostgreSQL

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.warehouses", __name__])

PATIENCE = 4.0
"""How long a reader may wait in a test: what a publish lets it wait, and what a busy machine adds."""


@pytest.fixture
def published(postgres: PostgresServer) -> InPostgreSQL:
    """Give a database in which the small warehouse is published."""
    there = InPostgreSQL(postgres.new_database())
    publish(there.open(), SHOP)
    return there


def shop_of(buyers: int) -> Rows:
    """Give a shop with so many buyers, sales and lines."""
    each = range(1, buyers + 1)
    return {
        **SHOP,
        "buyer": [row(buyer_id=n, customer=n) for n in each],
        "sale": [row(sale_id=n, buyer_id=n, customer=n) for n in each],
        "line": [row(line_id=n, sale_id=n, article_id=9) for n in each],
    }


def connect(url: sa.URL) -> psycopg.Connection:
    """Connect as an analyst would."""
    made = psycopg.connect(url.set(drivername="postgresql").render_as_string(False))
    made.execute(f"set role {READER}".encode())
    made.commit()
    return made


def count(connection: psycopg.Connection) -> tuple[int, ...]:
    """Count rows of three tables, a statement for each."""
    asked = (connection.execute(f"select count(*) from analytics.{t}".encode()).fetchone() for t in TABLES)
    return tuple(found[0] for found in asked if found)


TABLES = ("buyers", "sales", "lines")


def read_on(url: sa.URL, pipe: Connection) -> None:
    """Read transaction after transaction until told to stop; give all that was seen and the longest wait."""
    seen, longest = set(), 0.0
    with connect(url) as connection:
        pipe.send("here")
        while not pipe.poll():
            began = time.monotonic()
            seen.add(count(connection))
            connection.commit()
            longest = max(longest, time.monotonic() - began)
    pipe.send((seen, longest))


def test_readers_in_other_processes_see_whole_states_and_hardly_wait(published: InPostgreSQL) -> None:
    publish(published.open(), shop_of(1))
    ends, readers = [], []
    for _ in range(2):
        ours, theirs = PROCESSES.Pipe()
        ends.append(ours)
        readers.append(PROCESSES.Process(target=read_on, args=(published.url, theirs)))
        readers[-1].start()
        assert ours.recv() == "here"

    for buyers in range(2, 6):
        time.sleep(0.3)
        publish(published.open(), shop_of(buyers))
    time.sleep(0.3)

    for end, reader in zip(ends, readers, strict=True):
        end.send("stop")
        seen, longest = end.recv()
        reader.join()
        assert seen == {(n, n, n) for n in range(1, 6)}
        assert longest < PATIENCE


def test_a_publish_waits_for_whoever_is_reading_and_lets_all_others_read(
    published: InPostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_state, "PAUSE", 0.5)
    with connect(published.url) as slow, connect(published.url) as quick:
        before = count(slow)
        publisher = threading.Thread(target=publish, args=(published.open(), shop_of(7)))
        publisher.start()
        longest, until = 0.0, time.monotonic() + 6
        while time.monotonic() < until:
            began = time.monotonic()
            assert count(quick) == before
            quick.commit()
            longest = max(longest, time.monotonic() - began)
        assert publisher.is_alive()
        assert count(slow) == before, "what it reads in one transaction is one state"
        slow.commit()
        publisher.join()
        assert count(quick) == (7, 7, 7)
    assert longest < PATIENCE


def test_a_reader_without_an_end_is_told_and_what_was_published_stays(
    published: InPostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_state, "PAUSE", 0.1)
    monkeypatch.setattr(postgresql_state, "TRIES", 2)
    before = published.open().published()
    with connect(published.url) as slow:
        seen = count(slow)
        with pytest.raises(StoreError, match=r"has been reading a published table .*\n  End that query"):
            publish(published.open(), shop_of(7))

        assert published.open().published() == before
        assert count(slow) == seen
    publish(published.open(), shop_of(7))


# ── runs that are killed ──────────────────────────────────────────────────────────────────────────────────────────

POINTS = (
    "create ",
    "append",
    "add constraint",
    "vacuum",
    "candidate (",
    "lock table",
    "drop table",
    "set schema",
    "rename",
)
"""What a run is about to say to the server when it is killed: the first statement that holds these words."""


def publish_and_be_killed(url: sa.URL, point: str) -> None:
    """Publish, and be killed at a point."""
    execute, append = Session.execute, Session.append

    def executed(self: Session, sql: str, *more: object) -> None:
        if point in sql and "sluis_" in sql:
            os.kill(os.getpid(), signal.SIGKILL)
        execute(self, sql, *more)

    def appended(self: Session, schema: str, table: str, rows: pa.Table) -> None:
        append(self, schema, table, rows)
        if point == "append":
            os.kill(os.getpid(), signal.SIGKILL)

    Session.execute, Session.append = executed, appended  # type: ignore[method-assign]
    publish(InPostgreSQL(url).open(), shop_of(7))


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_run_leaves_the_state_before_and_the_next_one_tidies_up(published: InPostgreSQL, point: str) -> None:
    before, hashes = published.open().published(), published.hashes("analytics", "sluis_private")

    process = PROCESSES.Process(target=publish_and_be_killed, args=(published.url, point))
    process.start()
    process.join()

    assert process.exitcode == -signal.SIGKILL
    assert published.hashes("analytics", "sluis_private") == hashes
    assert published.open().published() == before
    publish(published.open(), shop_of(8))
    with connect(published.url) as connection:
        assert count(connection) == (8, 8, 8)
    assert not {*published.schemas()} & {*STAGED.values(), SCRATCH}
    assert published.tables("sluis_meta") == ["run"]
