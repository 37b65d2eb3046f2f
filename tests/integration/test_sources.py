"""A shop in PostgreSQL or MariaDB gives what the same shop in SQLite gives: row for row, token for token."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

import stores.mariadb_connection
import stores.postgresql_source
import tasks.chamber
from privacy.column_types import ColumnType
from privacy.errors import ConnectionLostError, StoreError
from stores.opening import open_source
from stores.postgresql_connection import connection_string
from stores.source import READERS, Reading
from stores.sqlalchemy_source import SqlalchemySource
from tests.conftest import Place
from tests.demo_place import demo_place
from tests.elsewhere import Elsewhere, moved
from tests.in_chamber import run_in_chamber
from tests.mariadb import MariadbServer
from tests.postgres import PostgresServer


@pytest.fixture(scope="module")
def in_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Make a demo shop of 300 orders. Not to be changed."""
    return demo_place(tmp_path_factory.mktemp("shop"), 300, datetime.date.today())


@pytest.fixture(scope="module")
def content(in_sqlite: Place) -> dict[str, str]:
    """Give the checksums of what is read of the shop in SQLite, by published table."""
    return run_in_chamber(in_sqlite).content


@pytest.fixture
def shop(in_sqlite: Place, server: PostgresServer | MariadbServer, tmp_path: Path) -> Elsewhere:
    """Give the shop on a server of each kind."""
    return moved(in_sqlite, tmp_path, server.new_database())


def test_what_is_read_is_the_same_from_every_database(shop: Elsewhere, content: dict[str, str]) -> None:
    assert len(content) > 15
    assert run_in_chamber(shop).content == content


def test_what_any_other_database_gives_is_the_same(
    postgres: PostgresServer, in_sqlite: Place, content: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By PostgreSQL once more: no other database with moments that know their offset is at hand."""
    shop = moved(in_sqlite, tmp_path, postgres.new_database())
    monkeypatch.setattr(tasks.chamber, "open_source", SqlalchemySource)

    assert run_in_chamber(shop).content == content


def test_all_that_a_run_reads_is_one_state_though_the_shop_goes_on_writing(
    shop: Elsewhere, content: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shop changes between the first table and the others, and in the one that is being read."""
    load, changed = tasks.chamber.Chamber.load, []

    def changing(chamber: tasks.chamber.Chamber, name: str) -> object:
        counts = load(chamber, name)
        if not changed:
            changed.append(name)
            shop.change_source(
                "update orders set total = total + 1, email = 'somebody.else@example.org'",
                "delete from order_line where order_line_id % 2 = 0",
                "insert into product (product_id, name) values (99999, 'new')",
                "update customer set first_name = 'Somebody'",
            )
        return counts

    monkeypatch.setattr(tasks.chamber.Chamber, "load", changing)

    assert run_in_chamber(shop).content == content
    assert changed
    monkeypatch.undo()
    assert run_in_chamber(shop).content != content


def test_every_reader_sees_the_state_at_which_the_snapshot_was_opened(shop: Elsewhere) -> None:
    reading = Reading("product", {"product_id": ColumnType("integer")})
    with open_source(shop.url).snapshot() as snapshot:
        before = snapshot.totals(reading).rows
        shop.change_source("insert into product (product_id, name) values (99999, 'new')")
        begun = [snapshot.batches(reading, 7) for _ in range(READERS)]
        firsts = [len(next(batches)) for batches in begun]
        counts = [first + sum(map(len, rest)) for first, rest in zip(firsts, begun, strict=True)]
    assert counts == [before] * READERS
    with open_source(shop.url).snapshot() as snapshot:
        assert snapshot.totals(reading).rows == before + 1


def test_a_reading_that_is_given_up_leaves_its_connection_fit_for_the_next(shop: Elsewhere) -> None:
    reading = Reading("order_line", {"order_line_id": ColumnType("integer"), "colour": ColumnType("text")})
    with open_source(shop.url).snapshot() as snapshot:
        rows = snapshot.totals(reading).rows
        for _ in range(READERS + 1):
            batches = snapshot.batches(reading, 5)
            next(batches)
            batches.close()
        assert sum(map(len, snapshot.batches(reading, 5))) == rows


def test_tables_that_cannot_be_locked_are_read_by_one_connection(
    mariadb: MariadbServer, in_sqlite: Place, content: dict[str, str], tmp_path: Path
) -> None:
    shop = moved(in_sqlite, tmp_path, mariadb.new_database())
    shop.change_source(
        "create or replace user reader@localhost identified by 'secret'",
        f"grant select on {shop.url.database}.* to reader@localhost",
    )
    limited = Elsewhere(tmp_path, shop.url.set(username="reader", password="secret"))
    with open_source(limited.url).snapshot() as snapshot:
        assert snapshot.connections == 1
    assert run_in_chamber(limited).content == content


def test_a_table_without_snapshots_is_refused_by_name(mariadb: MariadbServer, in_sqlite: Place, tmp_path: Path) -> None:
    shop = moved(in_sqlite, tmp_path, mariadb.new_database())
    shop.change_source("set foreign_key_checks = 0", "alter table web_session drop foreign key web_session_ibfk_1")
    shop.change_source("alter table web_session engine = MyISAM")

    with pytest.raises(StoreError, match="web_session is stored by MyISAM, which has no snapshots"):
        run_in_chamber(shop)


def test_a_table_that_the_account_may_not_read_is_told(
    postgres: PostgresServer, in_sqlite: Place, tmp_path: Path
) -> None:
    shop = moved(in_sqlite, tmp_path, postgres.new_database())
    shop.change_source(
        "drop role if exists shop_reader",
        "create role shop_reader login",
        "grant select on all tables in schema public to shop_reader",
        "revoke select on vehicle from shop_reader",
    )
    with pytest.raises(StoreError, match=r"vehicle cannot be read .*42501.*may not read it"):
        run_in_chamber(Elsewhere(tmp_path, shop.url.set(username="shop_reader")))


@pytest.mark.parametrize("pooled", [False, True])
def test_a_table_of_which_rows_are_hidden_from_the_account_is_not_taken_for_whole(
    postgres: PostgresServer, pooled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.new_database()
    for statement in (
        "create table t (i integer)",
        "insert into t values (1), (2)",
        "alter table t enable row level security",
        "create policy odd on t using (i % 2 = 1)",
        f"create role half_{url.database} login",
        f"grant select on t to half_{url.database}",
    ):
        postgres.execute(statement.replace("%", "%%"), url)
    if pooled:  # as by PgBouncer that lets go of what it does not know (ignore_startup_parameters = options)
        monkeypatch.setattr(stores.postgresql_source, "connection_string", _without_settings)
    reading, half = Reading("t", {"i": ColumnType("integer")}), open_source(url.set(username=f"half_{url.database}"))
    with half.snapshot() as snapshot, pytest.raises(StoreError, match="or only some of its columns or rows"):
        snapshot.totals(reading)
    with half.snapshot() as snapshot, pytest.raises(StoreError, match="or only some of its columns or rows"):
        list(snapshot.batches(reading, 10))


def _without_settings(url: sa.URL, name: str, _: object) -> str:
    return connection_string(url, name, {})


PARTITIONED = "create table visit (i integer) partition by list (i); create table visit_1 partition of visit default"


@pytest.mark.parametrize(
    "statement", ["truncate web_session", "alter table web_session drop column cookie_id", "truncate visit_1"]
)
def test_no_table_changes_its_shape_while_a_snapshot_is_open(
    postgres: PostgresServer, in_sqlite: Place, tmp_path: Path, statement: str
) -> None:
    shop = moved(in_sqlite, tmp_path, postgres.new_database())
    shop.change_source(*PARTITIONED.split("; "))
    with (
        open_source(shop.url).snapshot(),
        pytest.raises(sa.exc.OperationalError, match="lock timeout"),
        sa.create_engine(shop.url, poolclass=sa.pool.NullPool).begin() as connection,
    ):
        connection.exec_driver_sql("set lock_timeout = '500ms'")
        connection.exec_driver_sql(statement)


def test_a_statement_that_takes_too_long_is_ended_and_told(
    server: PostgresServer | MariadbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.new_database()
    numbers = {"postgresql": "generate_series(1, 2000000) as seq", "mysql": "seq_1_to_2000000"}[url.get_backend_name()]
    server.execute(f"create table lengthy as select seq as i from {numbers}", url)
    source = open_source(url)
    source.schema()
    monkeypatch.setattr(stores.postgresql_source, "STATEMENT_TIMEOUT", "20ms")
    monkeypatch.setattr(stores.mariadb_connection, "STATEMENT_SECONDS", 0.02)
    with (
        pytest.raises(StoreError, match="it took longer than the server lets a statement take"),
        source.snapshot() as snapshot,
    ):
        snapshot.totals(Reading("lengthy", {"i": ColumnType("integer")}))


def test_a_connection_that_is_lost_is_told_as_such(shop: Elsewhere) -> None:
    reading = Reading("order_line", {"order_line_id": ColumnType("integer")})
    with (
        pytest.raises(ConnectionLostError, match="the connection was lost"),
        open_source(shop.url).snapshot() as snapshot,
    ):
        if shop.url.get_backend_name() == "postgresql":
            shop.ask("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sluis'")
        else:
            here = f"db = '{shop.url.database}' and id <> connection_id()"
            for (number,) in shop.ask(f"select id from information_schema.processlist where {here}"):
                shop.ask(f"kill {number}")
        snapshot.totals(reading)
