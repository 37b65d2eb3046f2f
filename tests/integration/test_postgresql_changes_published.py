"""Publishing changes in PostgreSQL: readers are never kept waiting, runs that are killed change all or nothing."""

from __future__ import annotations

import os
import signal
import time

import psycopg
import pytest
import sqlalchemy as sa

from privacy.errors import StoreError
from stores.warehouse import postgresql_state
from stores.warehouse.postgresql_layout import SCRATCH, STAGED
from stores.warehouse.postgresql_session import Session
from tests.integration.test_postgresql_publish import PATIENCE, PROCESSES, connect, count, read_on, shop_of
from tests.postgres import PostgresServer
from tests.small_changes import change
from tests.small_warehouse import publish, row
from tests.warehouses import InPostgreSQL

pytestmark = pytest.mark.long

HERE = ("analytics", "sluis_private", "sluis_quarantine", "sluis_meta")


@pytest.fixture
def there(postgres: PostgresServer) -> InPostgreSQL:
    """Give a database in which a shop of five buyers, with a sale and a line each, is published."""
    made = InPostgreSQL(postgres.new_database())
    publish(made.open(), shop_of(5))
    return made


def one_more(url: sa.URL, number: int) -> list[str]:
    """Let a buyer come with a sale and a line, and the first one's be written anew."""
    come = {
        "buyer": [row(buyer_id=number, customer=number), row(buyer_id=1, customer=1)],
        "sale": [row(sale_id=number, buyer_id=number, customer=number)],
        "line": [row(line_id=number, sale_id=number, article_id=9)],
    }
    return change(InPostgreSQL(url).open(), {}, come)


def test_readers_in_other_processes_see_whole_states_and_never_wait_for_changes(there: InPostgreSQL) -> None:
    ours, theirs = PROCESSES.Pipe()
    reader = PROCESSES.Process(target=read_on, args=(there.url, theirs))
    reader.start()
    assert ours.recv() == "here"

    for number in range(6, 10):
        time.sleep(0.2)
        one_more(there.url, number)
    time.sleep(0.2)

    ours.send("stop")
    seen, longest = ours.recv()
    reader.join()
    assert {(n, n, n) for n in (5, 9)} <= seen
    # a transaction of `read committed` takes a state for each statement: never less than the one before
    assert all(list(state) == sorted(state) for state in seen)
    assert longest < PATIENCE


def test_what_a_reader_reads_under_one_snapshot_is_one_state_though_changes_are_published(there: InPostgreSQL) -> None:
    with connect(there.url) as reader:
        reader.execute("begin isolation level repeatable read")
        assert reader.execute("select count(*) from analytics.buyers").fetchone() == (5,)
        warnings = one_more(there.url, 6)
        assert count(reader) == (5, 5, 5)
        reader.commit()
        assert count(reader) == (6, 6, 6)
    assert len(warnings) == 2  # the first buyer was written anew, and so was the line of whose it is
    assert "analytics.buyers: 1 superseded rows are still in its pages" in warnings[0]
    assert there.rows("vacuum analytics.buyers") == []


def test_superseded_rows_are_swept_from_the_pages_at_once(there: InPostgreSQL) -> None:
    """Of a row that was swept the place is free, also in the index, so that another takes it."""
    first = there.rows(
        "select ctid::text from analytics.buyers where buyer_id = '00000000-0000-0000-0000-000000000001'"
    )
    assert first == [("(0,1)",)]
    assert one_more(there.url, 6) == []
    assert there.rows("select count(*) from analytics.buyers where ctid = '(0,1)'") == [(0,)]
    assert one_more(there.url, 7) == []
    assert there.rows("select count(*) from analytics.buyers where ctid = '(0,1)'") == [(1,)]


def test_a_table_that_somebody_holds_is_waited_for_and_then_told(
    there: InPostgreSQL, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_state, "PAUSE", 0.1)
    monkeypatch.setattr(postgresql_state, "TRIES", 2)
    before = there.hashes(*HERE)
    address = there.url.set(drivername="postgresql").render_as_string(False)
    with psycopg.connect(address) as holding:
        holding.execute("lock table analytics.lines in share mode")
        with pytest.raises(StoreError, match=r"has been reading a published table .*\n  End that query"):
            one_more(there.url, 6)
        assert there.hashes(*HERE) == before
    one_more(there.url, 6)


# ── runs that are killed ──────────────────────────────────────────────────────────────────────────────────────────

BEFORE_COMMIT = (
    "create unlogged table",
    "create table sluis_staging.",
    "append",
    "add constraint",
    "candidate (",
    "delete from analytics",
    "insert into analytics",
    "delete from sluis_private",
    "drop table sluis_meta",
    "rename",
    "grant",
)
AFTER_COMMIT = ("vacuum (index_cleanup",)
"""What a run is about to say to the server when it is killed: the first statement that holds these words."""


def change_and_be_killed(url: sa.URL, point: str) -> None:
    """Publish changes, and be killed at a point."""
    execute, rows, append, filling = Session.execute, Session.rows, Session.append, Session.filling

    def about_to_say(sql: str) -> None:
        if point in sql and "create schema" not in sql:
            os.kill(os.getpid(), signal.SIGKILL)

    def executed(self: Session, sql: str, *more: object) -> None:
        about_to_say(sql)
        execute(self, sql, *more)

    def asked(self: Session, sql: str, *more: object) -> object:
        about_to_say(sql)
        return rows(self, sql, *more)

    def appended(self: Session, *given: object) -> None:
        append(self, *given)  # type: ignore[arg-type]
        if point == "append":
            os.kill(os.getpid(), signal.SIGKILL)

    def filled(self: Session, *definitions: str) -> object:
        about_to_say("; ".join(definitions))
        return filling(self, *definitions)

    Session.execute, Session.rows, Session.append = executed, asked, appended  # type: ignore[method-assign, assignment]
    Session.filling = filled  # type: ignore[method-assign, assignment]
    one_more(url, 6)


@pytest.mark.parametrize("point", [*BEFORE_COMMIT, *AFTER_COMMIT])
def test_a_killed_run_has_changed_all_or_nothing_and_the_next_one_tidies_up(there: InPostgreSQL, point: str) -> None:
    before, run = there.hashes(*HERE[:-1]), there.open().published()

    process = PROCESSES.Process(target=change_and_be_killed, args=(there.url, point))
    process.start()
    process.join()

    assert process.exitcode == -signal.SIGKILL
    if point in BEFORE_COMMIT:
        assert (there.hashes(*HERE[:-1]), there.open().published()) == (before, run)
    one_more(there.url, 7)
    with connect(there.url) as reader:
        assert count(reader) == ((6, 6, 6) if point in BEFORE_COMMIT else (7, 7, 7))
    assert not {*there.schemas()} & {*STAGED.values(), SCRATCH}
    assert there.tables("sluis_meta") == ["run"]
