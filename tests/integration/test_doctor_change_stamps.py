"""`sluis doctor` looks at the columns by which incremental runs know what changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.changing_shop import changing_shop
from tests.conftest import Place, run_in_process
from tests.elsewhere import Elsewhere, moved, seen_in_part
from tests.mariadb import MariadbServer
from tests.postgres import PostgresServer

READ_OF_SALE = "sale_id, buyer_id, email, sold_at, total"


@pytest.fixture
def shop(server: PostgresServer | MariadbServer, tmp_path: Path) -> Elsewhere:
    return moved_to(server, tmp_path)


def moved_to(server: PostgresServer | MariadbServer, tmp_path: Path) -> Elsewhere:
    made = changing_shop(tmp_path)
    made.change_source("delete from sale where sold_at = 'once'")  # no moment, which these servers do not take
    return moved(made, tmp_path, server.new_database())


def found_by_doctor(place: Place) -> tuple[str, str, str]:
    outcome = run_in_process("doctor", "--output", "json", **place.environment)
    told = json.loads(outcome.stdout)
    checks = told.get("checks") or told["error"]["checks"]
    (found,) = [check for check in checks if check["name"] == "change stamps"]
    return found["status"], found["found"], found["hint"]


def test_a_policy_of_full_runs_needs_none(place: Place) -> None:
    assert found_by_doctor(place) == ("ok", "none: every run reads all rows", "")


def test_stamps_of_sqlite_need_no_index(tmp_path: Path) -> None:
    assert found_by_doctor(changing_shop(tmp_path / "shop")) == ("ok", "4 can be read and compared", "")


def test_one_that_the_account_may_not_read_fails(shop: Elsewhere) -> None:
    status, found, hint = found_by_doctor(seen_in_part(shop, {"sale": READ_OF_SALE}))

    assert status == "fail"
    known = shop.url.get_backend_name() == "postgresql"  # MariaDB tells nobody of a column that they may not read
    assert found == ("the account may not read: sale.updated_at" if known else "not there: sale.updated_at")
    assert "select on them" in hint
    assert hint.endswith("a run stops.")


def test_one_of_a_table_of_which_some_columns_may_be_read_is_looked_at(shop: Elsewhere) -> None:
    status, found, _ = found_by_doctor(seen_in_part(shop, {"sale": f"{READ_OF_SALE}, updated_at"}))

    assert status == "ok"
    assert found.startswith("4 can be read and compared")


def test_one_that_is_not_there_fails(tmp_path: Path) -> None:
    shop = changing_shop(tmp_path / "shop")
    shop.change_source("alter table sale drop column updated_at")

    assert found_by_doctor(shop)[:2] == ("fail", "not there: sale.updated_at")
    assert run_in_process("check", **shop.environment).exit_code == 4


def test_one_that_holds_no_moments_is_told(shop: Elsewhere) -> None:
    shop.change_source("alter table line drop column updated_at", "alter table line add column updated_at integer")

    status, found, hint = found_by_doctor(shop)

    assert (status, found) == ("warn", "no moments, by their type: line.updated_at")
    assert hint.startswith("Every run reads all rows. Name columns of moments")


def test_moments_without_an_index_are_advised_one(shop: Elsewhere) -> None:
    status, found, hint = found_by_doctor(shop)

    bare = "letter.updated_at, line.updated_at, sale.updated_at and 1 more"
    assert (status, found) == ("ok", f"4 can be read and compared; without an index: {bare}")
    assert hint.startswith("Advice: an index on each")

    for table in ("letter", "line", "buyer"):
        shop.change_source(f"create index on_{table} on {table} (updated_at, {table}_id)")
    shop.change_source("create index on_sale on sale (sale_id, updated_at)")
    assert found_by_doctor(shop)[1] == "4 can be read and compared; without an index: sale.updated_at"


def test_texts_on_a_server_are_looked_at_one_by_one_in_any_case(shop: Elsewhere) -> None:
    text = "type text" if shop.url.get_backend_name() == "postgresql" else "updated_at text"
    verb = "alter column updated_at" if "type" in text else "modify"
    for table in ("letter", "line", "sale", "buyer"):
        shop.change_source(f"alter table {table} {verb} {text}")

    assert found_by_doctor(shop) == ("ok", "4 can be read and compared", "")
