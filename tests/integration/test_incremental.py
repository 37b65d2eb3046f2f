"""Incremental runs: what changed is treated, with what follows from it, and all is as a full run would have made it."""

from __future__ import annotations

import contextlib
import datetime
import json
import re
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from privacy.errors import GateError
from privacy.evidence import RunRecord
from privacy.fates import Fate
from privacy.world import local_date
from tests.changing_shop import LONG_AGO, at, changing_shop
from tests.conftest import Place, run_in_process
from tests.histories.killing import without_gate
from tests.histories.shop import now
from tests.in_chamber import run_in_chamber
from tests.interrupted import PROCESSES, Point, befalls, die
from tests.place_in_postgresql import PlaceInPostgreSQL
from tests.postgres import PostgresServer

COMPARED = ("analytics", "marts", "sluis_private", "sluis_quarantine")


@pytest.fixture(scope="module")
def run_once(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> PlaceInPostgreSQL:
    """Run the shop once. Not to be changed: tests take a copy."""
    made = PlaceInPostgreSQL.made(changing_shop(tmp_path_factory.mktemp("changing")).folder, postgres)
    assert run_in_chamber(made).mode == "full"
    return made


@pytest.fixture
def shop(run_once: PlaceInPostgreSQL, tmp_path: Path) -> Iterator[PlaceInPostgreSQL]:
    """Give the shop after a full run."""
    copy = run_once.copied(tmp_path / "shop")
    yield copy
    copy.remove()


def incremental(shop: PlaceInPostgreSQL) -> RunRecord:
    """Run once more, which must not read all rows."""
    record = run_in_chamber(shop)
    assert (record.mode, record.why_full) == ("incremental", None)
    return record


def assert_as_full(shop: PlaceInPostgreSQL) -> None:
    """Compare what is published, indexed and set aside with what a full run makes of it."""
    found = shop.seen.hashes(*COMPARED)
    with_gate = without_gate()
    try:
        assert run_in_chamber(shop, full=True).mode == "full"
    finally:
        with_gate()
    assert shop.seen.hashes(*COMPARED) == found


def seen(record: RunRecord) -> dict[str, int]:
    """Give how many rows were read of each table of which any were."""
    return {name: counts.extracted for name, counts in record.tables.items() if counts.extracted}


UNCHANGED = {"sales": 2, "guests": 3}
"""Rows that hold a date that lay ahead, or none: time alone may let them in. And groups made anew with them."""

# ── what is read, and what becomes of it ──────────────────────────────────────────────────────────────────────────


def test_a_run_after_which_nothing_changed_reads_only_what_time_may_let_in(shop: PlaceInPostgreSQL) -> None:
    before = shop.seen.hashes(*COMPARED)

    record = incremental(shop)

    assert seen(record) == UNCHANGED
    assert shop.seen.hashes(*COMPARED) == before
    assert {name: counts.in_table for name, counts in record.tables.items()} == {
        name: shop.rows(f"select count(*) from analytics.{name}")[0][0] for name in record.tables
    }


def test_counters_speak_of_the_rows_seen_and_totals_stand_beside_them(shop: PlaceInPostgreSQL) -> None:
    shop.change_source(f"update line set quantity = 9, updated_at = '{now()}' where line_id = 1")

    told = incremental(shop).as_json()

    assert (told["mode"], told["why_full"]) == ("incremental", None)
    assert (told["tables"]["lines"]["extracted"], told["tables"]["lines"]["in_table"]) == (1, 41)
    assert shop.rows("select count(*) from analytics.lines where quantity = 9") == [(1,)]
    assert_as_full(shop)


def test_new_rows_come_with_those_that_they_belong_to(shop: PlaceInPostgreSQL) -> None:
    shop.change_source(
        f"insert into buyer values (20, 'new@example.com', '{at(0, 1)}', '{now()}')",
        f"insert into sale values (40, 20, null, '{at(0, 1)}', 7, '{now()}')",
        f"insert into line values (70, 40, 2, '{now()}')",
    )

    record = incremental(shop)

    assert record.tables["buyers"].fates[Fate.PUBLISHED] == record.tables["lines"].fates[Fate.PUBLISHED] == 1
    assert shop.rows("select count(*) from analytics.lines join analytics.sales using (sale_id)") == [(42,)]
    assert_as_full(shop)


def test_a_late_change_moves_the_expiry_of_all_that_follows(shop: PlaceInPostgreSQL) -> None:
    shop.change_source(f"update sale set sold_at = '{at(2)}', updated_at = '{now()}' where sale_id = 1")

    record = incremental(shop)

    assert record.tables["lines"].extracted == shop_rows(shop, "line where sale_id = 1") > 0
    assert_as_full(shop)


def test_what_expires_by_a_change_leaves_with_its_children(shop: PlaceInPostgreSQL) -> None:
    shop.change_source(f"update sale set sold_at = '{at(9)}', updated_at = '{now()}' where sale_id = 1")

    record = incremental(shop)

    assert record.tables["sales"].fates[Fate.EXPIRED] == 1
    assert record.tables["lines"].fates[Fate.EXPIRED] == shop_rows(shop, "line where sale_id = 1") > 0
    assert_as_full(shop)


def test_an_account_lives_longer_by_a_new_sale_and_its_row_comes_back(shop: PlaceInPostgreSQL) -> None:
    before = shop.rows("select count(*) from analytics.buyers")
    shop.change_source(f"insert into sale values (41, 1, null, '{at(0, 2)}', 7, '{now()}')")

    incremental(shop)

    assert shop.rows("select count(*) from analytics.buyers") == [(before[0][0] + 1,)]
    assert_as_full(shop)


def test_a_rectified_row_keeps_its_token(shop: PlaceInPostgreSQL) -> None:
    before = shop.rows("select sale_id, total from analytics.sales where total = 17")
    shop.change_source(f"update sale set total = 170, updated_at = '{now()}' where total = 17")

    incremental(shop)

    assert shop.rows("select sale_id from analytics.sales where total = 170") == [row[:1] for row in before]
    assert shop.rows("select 1 from analytics.sales where total = 17") == []
    assert_as_full(shop)


def test_a_row_that_is_set_aside_comes_in_once_its_parent_is_there(shop: PlaceInPostgreSQL) -> None:
    shop.change_source(f"insert into sale values (77, 2, null, '{at(1)}', 7, '{now()}')")

    incremental(shop)

    assert shop.rows("select count(*) from analytics.lines") == [(42,)]
    assert_as_full(shop)


def test_a_date_that_lay_ahead_comes_in_by_time_alone(shop: PlaceInPostgreSQL) -> None:
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=4)
    shop.change_source(f"update sale set sold_at = '{soon.isoformat()}', updated_at = '{LONG_AGO}' where sale_id = 4")
    run_in_chamber(shop, full=True)
    before = shop.rows("select count(*) from analytics.sales")[0][0]
    while datetime.datetime.now(datetime.UTC) < soon:
        pass

    incremental(shop)

    assert shop.rows("select count(*) from analytics.sales") == [(before + 1,)]
    assert_as_full(shop)


def test_the_command_says_which_rows_it_read_and_reads_all_when_told_to(
    shop: PlaceInPostgreSQL, prefect_server: Path
) -> None:
    shop.change_source(f"update line set quantity = 9, updated_at = '{now()}' where line_id = 1")

    told = [run_in_process("run", "--output", "json", *flags, **shop.environment).json for flags in ((), ("--full",))]

    assert [(one["mode"], one["why_full"]) for one in told] == [
        ("incremental", None),
        ("full", "somebody asked for it"),
    ]
    assert [one["tables"]["lines"].get("in_table") for one in told] == [41, None]


# ── what is gone from the source ──────────────────────────────────────────────────────────────────────────────────


def test_rows_that_the_source_deleted_are_found_by_their_keys(shop: PlaceInPostgreSQL) -> None:
    shop.change_source("delete from line where line_id in (1, 3, 60)")

    record = incremental(shop)

    assert record.tables["lines"].extracted == 0
    assert record.tables["lines"].in_table == 39
    assert_as_full(shop)


def test_a_deleted_row_takes_its_event_along_and_leaves_orphans(shop: PlaceInPostgreSQL) -> None:
    shop.change_source("delete from sale where sale_id = 1")

    record = incremental(shop)

    assert record.tables["lines"].fates[Fate.QUARANTINED] == shop_rows(shop, "line where sale_id = 1") > 0
    assert_as_full(shop)


def test_a_deletion_is_seen_although_as_many_rows_came(shop: PlaceInPostgreSQL) -> None:
    shop.change_source(
        "delete from line where line_id in (1, 2)",
        *(f"insert into line values ({n}, 3, 1, '{now()}')" for n in (71, 72)),
    )

    incremental(shop)

    assert_as_full(shop)


def test_a_change_of_a_row_that_is_not_published_looks_like_no_deletion(shop: PlaceInPostgreSQL) -> None:
    shop.change_source(
        f"update sale set total = 1, updated_at = '{now()}' where sale_id = 17",
        f"update line set quantity = 1, updated_at = '{now()}' where sale_id = 17",
    )

    record = incremental(shop)

    assert record.tables["sales"].fates[Fate.EXPIRED] == record.tables["lines"].fates[Fate.EXPIRED] / 2 == 1
    assert_as_full(shop)


# ── when all rows are read ────────────────────────────────────────────────────────────────────────────────────────


def why_full(shop: Place, as_of: datetime.date | None = None) -> str | None:
    record = run_in_chamber(shop, as_of)
    assert record.published
    assert record.mode == "full"
    return record.why_full


def test_the_first_run_is_full(run_once: PlaceInPostgreSQL) -> None:
    (record,) = run_once.ledger("select record from run")

    assert re.search(r"""["']why_full["']: ["']it is the first run["']""", str(record))


def test_a_policy_that_asks_for_no_incremental_runs_gets_none_and_no_reason(shop: PlaceInPostgreSQL) -> None:
    shop.change_policy("incremental: {changed: updated_at, at_most: 1}\n", "")

    assert why_full(shop) is None


def test_a_changed_policy_reads_all_rows(shop: PlaceInPostgreSQL) -> None:
    shop.change_policy("meaning: What was sold.", "meaning: What was sold, and to whom.")

    assert why_full(shop) == "the policy was changed"


def test_the_first_run_of_a_month_reads_all_rows(shop: PlaceInPostgreSQL) -> None:
    next_month = (datetime.date.today().replace(day=1) + datetime.timedelta(days=32)).replace(day=1)

    assert why_full(shop, next_month) == "it is the first run of a month, in which rows expire"


@pytest.mark.parametrize("right", ["erasure", "restriction", "objection"])
def test_whoever_is_to_be_held_back_lets_all_rows_be_read(shop: PlaceInPostgreSQL, right: str) -> None:
    shop.change_source(f"insert into ask values (2, 'R-2', '{right}', 4, null, '{now()}', 'open')")

    assert why_full(shop) == "who is held back has changed"
    assert shop.ledger("select count(*) as n from suppression")[0]["n"] > 1


def test_a_new_hold_lets_all_rows_be_read(shop: PlaceInPostgreSQL) -> None:
    shop.change_source(f"insert into held values (2, 'M-2', 'sale', 2, '{at(0)[:10]}', null)")

    assert why_full(shop) == "legal holds have changed"


def test_an_old_full_run_is_followed_by_another(shop: PlaceInPostgreSQL) -> None:
    today = local_date(datetime.datetime.now(datetime.UTC), "Europe/Amsterdam")
    week_ago = (today - datetime.timedelta(days=7)).isoformat()
    (last,) = shop.ledger("select run_id, record from run")
    text = json.dumps(last["record"])
    full_on = f'"full_on": "{today.isoformat()}"'
    assert full_on in text
    shop.ledger("update run set record = ?", text.replace(full_on, f'"full_on": "{week_ago}"'))

    assert why_full(shop) == "the last full run is 7 days old"


def test_more_changes_than_the_policy_allows_read_all_rows(shop: PlaceInPostgreSQL) -> None:
    shop.change_policy("at_most: 1}", "at_most: 0.2}")
    run_in_chamber(shop)
    shop.change_source(f"update line set quantity = 2, updated_at = '{now()}' where line_id > 20")

    assert why_full(shop) == "more rows changed than incremental.at_most allows"


def test_rows_that_came_without_a_stamp_are_noticed(shop: PlaceInPostgreSQL) -> None:
    shop.change_source(f"insert into line values (90, 2, 1, '{LONG_AGO}')")

    assert why_full(shop) == "line: rows came of which nothing tells when"


def test_a_row_without_a_key_reads_all_rows(shop: PlaceInPostgreSQL) -> None:
    shop.change_source(
        "create table other (line_id integer, sale_id integer, quantity integer, updated_at text)",
        "insert into other select * from line",
        f"insert into other values (null, 2, 1, '{now()}')",
        "drop table line",
        "alter table other rename to line",
    )

    assert why_full(shop) == "line: rows whose key is missing, or reads otherwise, cannot be found again"


@pytest.mark.parametrize("sale", [17, 28], ids=["expired", "set aside"])
def test_unpublished_rows_that_are_gone_read_all_rows(shop: PlaceInPostgreSQL, sale: int) -> None:
    shop.change_source(f"delete from sale where sale_id = {sale}")

    assert why_full(shop) == "sale: rows are gone, or changed, of which the warehouse knows nothing"


def test_a_retention_run_in_between_that_took_nothing_out_is_no_matter(shop: PlaceInPostgreSQL) -> None:
    outcome = run_in_process("retention", "apply", "--output", "json", **shop.environment)
    assert outcome.exit_code == 0, outcome.said

    incremental(shop)
    assert_as_full(shop)


def test_a_duckdb_warehouse_is_always_made_anew(tmp_path: Path) -> None:
    shop = changing_shop(tmp_path / "shop")

    for _ in ("first", "second"):
        assert why_full(shop) == "this warehouse is a new file each time, in which nothing superseded is left"


# ── when the run does not end well ────────────────────────────────────────────────────────────────────────────────


def test_a_run_that_the_gate_refuses_moves_no_watermark(shop: PlaceInPostgreSQL) -> None:
    promised = "quantity: {promises: [{kind: between, least: 1, most: 9}], type: integer,"
    shop.change_policy("quantity: {type: integer,", promised)
    run_in_chamber(shop)
    before = shop.seen.hashes(*COMPARED)
    shop.change_source(f"update line set quantity = 99, updated_at = '{now()}' where line_id = 1")

    with pytest.raises(GateError):
        run_in_chamber(shop)

    assert shop.seen.hashes(*COMPARED) == before
    shop.change_source("update line set quantity = 7 where line_id = 1")
    assert incremental(shop).tables["lines"].extracted == 1
    assert_as_full(shop)


KILLED_AT = (
    Point("tasks.closure", "Closure.find"),
    Point("stores.warehouse.postgresql_changes", "PostgreSQLChanges.replace", entry=3),
    Point("stores.warehouse.postgresql_changes", "PostgreSQLChanges.seal"),
    Point("stores.ledger.runs", "Runs.seal", after=True),
    Point("stores.warehouse.postgresql_changes", "PostgreSQLChanges.publish"),
    Point("stores.warehouse.postgresql_changes", "PostgreSQLChanges.publish", after=True),
    Point("stores.ledger.receipts", "Receipts.append", after=True),
)
"""On the way of an incremental run, from its beginning to what follows its publish."""


@pytest.mark.long
@pytest.mark.parametrize("point", KILLED_AT, ids=lambda point: f"{point.function}{' left' * point.after}")
def test_a_run_that_is_killed_leaves_the_next_one_to_do_what_it_did_not(shop: PlaceInPostgreSQL, point: Point) -> None:
    before = shop.seen.hashes(*COMPARED)
    shop.change_source(
        f"update sale set sold_at = '{at(9)}', updated_at = '{now()}' where sale_id = 1",
        "delete from line where line_id = 3",
    )
    process = PROCESSES.Process(target=_run_and_die, args=(shop, point))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    published = shop.seen.hashes(*COMPARED) != before
    assert published == (point in KILLED_AT[-2:])

    incremental(shop)

    assert_as_full(shop)


def _run_and_die(shop: PlaceInPostgreSQL, point: Point) -> None:
    befalls(point, die)
    run_in_chamber(shop)


def shop_rows(shop: Place, where: str) -> int:
    """Count rows of the source."""
    with contextlib.closing(sqlite3.connect(shop.source)) as connection:
        found: int = connection.execute(f"select count(*) from {where}").fetchone()[0]
    return found
