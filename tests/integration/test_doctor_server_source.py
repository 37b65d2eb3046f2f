"""`sluis doctor` looks at a source on a server: what it is, what its account may do, whether it gives snapshots."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Outcome, Place, run_in_process
from tests.elsewhere import Elsewhere, moved
from tests.mariadb import MariadbServer
from tests.postgres import PostgresServer


@pytest.fixture
def shop(place: Place, server: PostgresServer | MariadbServer, tmp_path: Path) -> Elsewhere:
    return moved(place, tmp_path, server.new_database())


def doctor(shop: Elsewhere, **more: str) -> dict[str, tuple[str, str, str]]:
    outcome: Outcome = run_in_process("doctor", "--output", "json", **{**shop.environment, **more})
    assert "secret" not in outcome.said
    checks = outcome.json.get("checks") or outcome.json["error"]["checks"]
    return {check["name"]: (check["status"], check["found"], check["hint"]) for check in checks}


def reader_of(shop: Elsewhere, *, locks: bool = True) -> Elsewhere:
    """Give the shop as an account sees it that can only read."""
    if shop.url.get_backend_name() == "postgresql":
        shop.change_source(
            f"create role {reader(shop)} login password 'secret'",
            f"grant select on all tables in schema public to {reader(shop)}",
        )
    else:
        may = "select, lock tables" if locks else "select"
        shop.change_source(
            f"create user {reader(shop)}@localhost identified by 'secret'",
            f"grant {may} on {shop.url.database}.* to {reader(shop)}@localhost",
        )
    return Elsewhere(shop.folder, shop.url.set(username=reader(shop), password="secret"))


def reader(shop: Elsewhere) -> str:
    """Name an account of this test's own: they are the whole server's."""
    return f"reader_of_{shop.url.database}"


def test_an_account_that_can_only_read_is_as_it_should_be(shop: Elsewhere) -> None:
    found = doctor(reader_of(shop))

    assert found["source"][0] == "ok"
    assert found["source server"][0] == "ok"
    assert found["source server"][1].startswith(("PostgreSQL 1", "MariaDB 1"))
    assert found["source server"][1].lower().find("utf8") > 0
    assert found["source server"][1].endswith(", not encrypted")
    assert found["source clock"] == ("ok", "as this machine's", "")
    assert found["source account"][1] in (f"{reader(shop)} can only read", f"{reader(shop)}@localhost can only read")
    assert found["source snapshot"] == ("ok", "2 connections read one state", "")
    assert "journal mode" not in found
    assert found["clock"][0] == "ok"


def test_an_account_that_may_write_is_told(shop: Elsewhere) -> None:
    status, found, hint = doctor(shop)["source account"]

    assert status == "warn"
    assert "may write: everything, as a superuser" in found or "may write: insert, update, delete and" in found
    assert hint.startswith("Give --source an account that has no more than the right to read")


def test_rights_to_write_to_a_single_table_are_found(shop: Elsewhere) -> None:
    limited = reader_of(shop)
    who = reader(shop) if shop.url.get_backend_name() == "postgresql" else f"{reader(shop)}@localhost"
    shop.change_source(f"grant delete on sale to {who}")

    status, found, _ = doctor(limited)["source account"]

    assert status == "warn"
    assert found.endswith(("may write: sale", "may write: delete"))


def test_tables_of_the_policy_that_the_account_may_not_read_are_told(
    place: Place, postgres: PostgresServer, tmp_path: Path
) -> None:
    shop = moved(place, tmp_path, postgres.new_database())
    limited = reader_of(shop)
    assert doctor(limited)["source rights"] == ("ok", "the account may read all 3 tables of the policy", "")
    shop.change_source(
        f"revoke select on sale, audit from {reader(shop)}", f"grant select (sale_id) on sale to {reader(shop)}"
    )

    status, found, hint = doctor(limited)["source rights"]

    assert (status, found) == ("fail", "the account may not read: sale")
    assert hint.startswith("Grant it select")


def test_tables_of_which_rows_are_hidden_from_the_account_are_told(
    place: Place, postgres: PostgresServer, tmp_path: Path
) -> None:
    shop = moved(place, tmp_path, postgres.new_database())
    limited = reader_of(shop)
    shop.change_source("alter table sale enable row level security")
    status, found, hint = doctor(limited)["source account"]

    assert (status, found) == ("warn", f"{reader(shop)} may not see all rows of: sale")
    assert "bypassrls" in hint
    shop.change_source(f"alter role {reader(shop)} bypassrls")
    assert doctor(limited)["source account"][0] == "ok"


def test_tables_that_cannot_be_locked_and_tables_without_snapshots_are_told(
    place: Place, mariadb: MariadbServer, tmp_path: Path
) -> None:
    shop = moved(place, tmp_path, mariadb.new_database())
    limited = reader_of(shop, locks=False)

    status, found, hint = doctor(limited)["source snapshot"]
    assert (status, found) == ("warn", "one connection reads all tables, one after the other")
    assert "lock tables" in hint

    shop.change_source("alter table audit engine = Aria")
    status, found, hint = doctor(limited)["source snapshot"]
    assert (status, found) == ("warn", "tables that have no snapshots: audit (Aria)")
    assert "InnoDB" in hint


def test_a_server_that_is_away_and_a_password_that_is_wrong_are_told(shop: Elsewhere) -> None:
    wrong = shop.url.set(username="nobody", password="secret2", database="nosuch")
    status, found, hint = doctor(Elsewhere(shop.folder, wrong))["source"]
    assert status == "fail"
    assert "cannot be read" in found
    assert "Check --source" in hint
    refused = "mysql+pymysql://me:secret@db.shop.example/shop"
    assert doctor(shop, SLUIS_SOURCE=refused)["source"][2].startswith("Add ?ssl_ca=")
