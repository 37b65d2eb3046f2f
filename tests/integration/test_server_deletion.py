"""`sluis retention apply --apply-to-source` in a shop on a server: all of a plan or nothing, and nobody in between."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa

from privacy.errors import StoreError
from stores import server_deletion
from stores.ledger import open_ledger
from stores.opening import open_source, open_source_for_deletion
from stores.settings import database_url
from stores.source_deletion import Deleted, delete_rows
from tests.conftest import Place
from tests.elsewhere import Elsewhere, moved
from tests.kept_shop import applied, approve, deleted, keep, now, planned
from tests.mariadb import MariadbServer
from tests.postgres import PostgresServer

TABLES = ("buyer", "sale", "line")


@pytest.fixture
def shop(place: Place, server: PostgresServer | MariadbServer, tmp_path: Path) -> Elsewhere:
    keep(place)
    return moved(place, tmp_path, server.new_database())


def keys(shop: Elsewhere) -> dict[str, list[int]]:
    return {table: [key for (key,) in shop.ask(f"select {table}_id from {table} order by 1")] for table in TABLES}


def test_what_the_plan_says_goes_and_nothing_else(shop: Elsewhere) -> None:
    done = deleted(shop)

    assert done.exit_code == 0, done.said
    assert {name: rows["removed"] for name, rows in done.json["source"].items()} == {"line": 1, "sale": 1, "buyer": 1}
    assert keys(shop) == {"buyer": [1, 2], "sale": [1, 2, 3, 4, 6], "line": [1, 2, 3, 4]}
    assert now(shop) == {"line": 0, "sale": 0, "buyer": 0}


def test_a_plan_is_stale_once_other_rows_would_go(shop: Elsewhere) -> None:
    plan_hash = planned(shop).json["plan_hash"]
    approve(shop, plan_hash, "olga")
    before = keys(shop)
    shop.change_source("delete from line where line_id = 5")

    outcome = applied(shop, plan_hash)

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (5, "stale")
    assert keys(shop) == before | {"line": [1, 2, 3, 4]}


@pytest.mark.parametrize(
    "statement",
    [
        "update buyer set name = 'Anna' where buyer_id = 1",
        "insert into sale (sale_id) values (99)",
        "delete from line where line_id = 1",
    ],
)
def test_others_write_once_the_deletion_is_over_and_read_meanwhile(shop: Elsewhere, statement: str) -> None:
    deleted: Deleted = {}
    with ThreadPoolExecutor(1) as others:
        with open_source_for_deletion(shop.url, TABLES) as source:
            writing = others.submit(shop.change_source, statement)
            time.sleep(0.5)
            assert not writing.done()
            assert shop.ask("select count(*) from sale") == [(6,)]
            delete_rows(source, {"line": ("line_id", pa.array([5]))}, deleted, lambda *_: None)
        writing.result(timeout=20)
    assert deleted == {"line": 1}


def test_a_writer_who_does_not_end_is_not_waited_for_without_end(
    shop: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_deletion, "LOCK_SECONDS", 1)
    with sa.create_engine(shop.url, poolclass=sa.pool.NullPool).begin() as writer:
        writer.exec_driver_sql("update sale set channel = 'web' where sale_id = 1")
        with (
            pytest.raises(
                StoreError, match=r"sale, which others must be kept from writing to, cannot be read .*locked"
            ),
            open_source_for_deletion(shop.url, TABLES),
        ):
            pass


def trigger_of(shop: Elsewhere) -> Callable[[], None]:
    """Let the shop refuse to delete sale 5, with words that quote a person."""
    if shop.url.get_backend_name() == "postgresql":
        shop.change_source(
            "create function no() returns trigger language plpgsql as $$ begin raise 'Anna Canary'; end $$",
            "create trigger no before delete on sale for each row execute function no()",
        )
        return lambda: shop.change_source("drop trigger no on sale")
    shop.change_source(
        "create trigger no before delete on sale for each row signal sqlstate '45000' set message_text = 'Anna Canary'"
    )
    return lambda: shop.change_source("drop trigger no")


def test_a_deletion_that_fails_leaves_all_rows_and_no_receipt(shop: Elsewhere) -> None:
    lift, before = trigger_of(shop), keys(shop)

    failed = deleted(shop)

    assert (failed.exit_code, failed.json["error"]["kind"]) == (3, "store")
    assert "refuse the deletion of some rows" in failed.json["error"]["message"]
    assert "Nothing was deleted" in failed.json["error"]["message"]
    assert "Canary" not in failed.said
    assert keys(shop) == before
    assert open_ledger(database_url("ledger", shop.environment)).receipts.all() == []

    lift()
    assert deleted(shop).exit_code == 0
    (receipt,) = open_ledger(database_url("ledger", shop.environment)).receipts.all()
    assert {name: rows["removed"] for name, rows in json.loads(receipt.body)["tables"].items()} == {
        "line": 1,
        "sale": 1,
        "buyer": 1,
    }


def test_a_row_that_others_need_is_not_deleted_and_all_is_undone(shop: Elsewhere) -> None:
    gone: Deleted = {}
    before = keys(shop)
    rows = {"line": ("line_id", pa.array([1])), "sale": ("sale_id", pa.array([5]))}
    with (
        open_source_for_deletion(shop.url, TABLES) as source,
        pytest.raises(StoreError, match="its own rules"),
    ):
        delete_rows(source, rows, gone, lambda *_: None)
    assert gone == {}
    assert keys(shop) == before


def test_a_batch_that_finds_fewer_rows_undoes_all(shop: Elsewhere) -> None:
    before = keys(shop)
    rows = {"line": ("line_id", pa.array([5, 99]))}
    with (
        open_source_for_deletion(shop.url, TABLES) as source,
        pytest.raises(StoreError, match=r"of 2 rows of line .* 1 were found.\n  All was undone"),
    ):
        delete_rows(source, rows, {}, lambda *_: None)
    assert keys(shop) == before


def test_a_run_never_opens_a_source_for_writing(shop: Elsewhere) -> None:
    with open_source(shop.url).engine().connect() as connection:
        for statement in ("delete from line", "create table more (i integer)", "update sale set note = 'x'"):
            with pytest.raises(sa.exc.DBAPIError, match=r"read-only|READ ONLY"):
                connection.exec_driver_sql(statement)
            connection.rollback()
