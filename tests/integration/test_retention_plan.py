"""`sluis retention plan`: what leaves by month, the warehouse and the source, and why the rest stays."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import sqlite3

import duckdb
import pyarrow as pa
import pytest

from privacy.holds import Period
from privacy.records import records_of
from stores.keyring_file import read_keyring
from stores.ledger import open_ledger
from stores.settings import database_url
from tests.conftest import Place, run_in_process
from tests.kept_shop import THIS_YEAR, TODAY, hold, keep, now, planned

NONE = {"buyer": 0, "sale": 0, "line": 0}
OLD = {"buyer": 1, "sale": 1, "line": 1}
"""Buyer 3, sale 5 and its line."""


def sale(place: Place, number: int, day: str | None, buyer: str = "null") -> None:
    sold_at = f"'{day}T12:00:00+01:00'" if day else "null"
    place.change_source(f"insert into sale values ({number}, {buyer}, null, {sold_at}, 1, 'web', null)")


def test_it_tells_each_row_once_and_by_month(place: Place) -> None:
    keep(place)
    sale(place, 7, f"{THIS_YEAR - 7}-06-30")

    found = planned(place, "--as-of", f"{THIS_YEAR}-03-15").json

    assert found["as_of"] == f"{THIS_YEAR}-03-15"
    tables = found["source"]
    assert list(tables) == ["line", "sale", "buyer"]
    assert tables["sale"]["by_month"] | {f"{THIS_YEAR + 1}-01": 0} == dict.fromkeys(tables["sale"]["by_month"], 0)
    assert tables["sale"] == {
        "rows": 7,
        "deletable_now": 1,
        "by_month": dict.fromkeys(tables["sale"]["by_month"], 0) | {f"{THIS_YEAR + 1}-01": 1},
        "later": 5,
        "open_ended": 0,
        "no_clock": 0,
        "held": 0,
        "restricted": 0,
        "needed_by_children": 0,
        "kept_until": f"{THIS_YEAR + 6}-12-31",
    }
    assert list(tables["sale"]["by_month"])[:1] == [f"{THIS_YEAR}-03"]
    assert len(tables["sale"]["by_month"]) == 13
    assert len(found["plan_hash"]) == 64


def test_the_last_day_that_must_be_kept_is_kept(place: Place) -> None:
    keep(place)
    sale(place, 7, f"{THIS_YEAR - 7}-06-30")

    assert now(place, "--as-of", f"{THIS_YEAR}-12-31")["sale"] == 1
    assert now(place, "--as-of", f"{THIS_YEAR + 1}-01-01")["sale"] == 2


def test_a_broken_book_year_ends_when_it_ends(place: Place) -> None:
    keep(place)
    place.change_policy("fiscal_year: {first_month: 1}", "fiscal_year: {first_month: 7}")
    sale(place, 7, f"{THIS_YEAR - 7}-06-30")
    sale(place, 8, f"{THIS_YEAR - 7}-07-01")

    assert now(place, "--as-of", f"{THIS_YEAR}-06-30")["sale"] == 1
    assert now(place, "--as-of", f"{THIS_YEAR}-07-01")["sale"] == 2


def test_the_year_of_a_row_is_told_by_the_clocks_of_the_policys_time_zone(place: Place) -> None:
    keep(place)
    place.change_source(
        f"insert into sale values (7, null, null, '{THIS_YEAR - 8}-12-31T22:30:00Z', 1, 'web', null)",
        f"insert into sale values (8, null, null, '{THIS_YEAR - 8}-12-31T23:30:00Z', 1, 'web', null)",
    )

    assert now(place, "--as-of", f"{THIS_YEAR}-01-01")["sale"] == 2


def test_the_one_stop_shop_keeps_for_calendar_years_and_an_unanswered_question_keeps_as_long(place: Place) -> None:
    keep(place)
    sale(place, 7, f"{THIS_YEAR - 9}-06-30")
    assert now(place)["sale"] == 2

    place.change_policy("one_stop_shop: no", "one_stop_shop: 9 years")
    assert now(place)["sale"] == 1
    assert now(place, "--as-of", f"{THIS_YEAR + 1}-01-01")["sale"] == 2

    line = place.change_policy("one_stop_shop: 9 years", "one_stop_shop: unanswered")
    found = planned(place)
    assert found.json["source"]["sale"]["deletable_now"] == 0
    assert found.json["warnings"][-1] == (
        f"{place.policy}:{line}: source.one_stop_shop: is unanswered, and the rules for sale depend on it; let counsel "
        "say no, or for how many calendar years (10 years). Until then nothing is deleted in the source."
    )


def test_an_event_of_a_referring_row_moves_the_clock_and_one_that_is_missing_stops_it(place: Place) -> None:
    keep(place)
    place.change_policy(
        "buyer: {no_minimum: As long as the sales.}",
        "buyer: {period: books, after: {latest: [joined_at, sale.sold_at]}}",
    )
    assert now(place)["buyer"] == 1

    sale(place, 7, f"{THIS_YEAR - 8}-06-30", buyer="3")
    assert now(place) == {"buyer": 1, "sale": 2, "line": 1}

    place.change_source(f"update sale set sold_at = '{THIS_YEAR - 7}-06-30T12:00:00+02:00' where sale_id = 7")
    assert now(place) == {"buyer": 0, "sale": 1, "line": 1}

    place.change_source("update sale set sold_at = null where sale_id = 7")
    found = planned(place).json["source"]
    assert (found["buyer"]["deletable_now"], found["buyer"]["no_clock"], found["sale"]["no_clock"]) == (0, 1, 1)


@pytest.mark.parametrize("anchor", ["null", "'soon'", "20260310"])
def test_a_row_whose_anchor_is_not_set_or_cannot_be_read_never_goes(place: Place, anchor: str) -> None:
    keep(place)
    place.change_source(f"update sale set sold_at = {anchor} where sale_id = 5")

    found = planned(place, "--as-of", "2999-01-01").json["source"]

    assert found["sale"]["no_clock"] == found["sale"]["open_ended"] == 1
    assert found["line"]["open_ended"] == 1


def test_a_row_that_no_key_tells_from_another_never_goes(place: Place) -> None:
    keep(place)
    place.change_source(
        "create table again (sale_id integer, buyer_id integer, email text, sold_at text, total decimal(12,2), "
        "channel text, note text)",
        "insert into again select * from sale",
        "insert into again select * from sale where sale_id = 5",
        "drop table sale",
        "alter table again rename to sale",
    )

    found = planned(place).json["source"]

    assert (found["sale"]["rows"], found["sale"]["deletable_now"], found["sale"]["no_clock"]) == (7, 0, 2)
    assert found["line"]["deletable_now"] == 0


def test_a_parent_stays_for_a_child_that_must_be_kept_longer(place: Place) -> None:
    keep(place)
    place.change_policy(
        "buyer: {no_minimum: As long as the sales.}",
        "buyer: {no_minimum: Soon., keep_at_most: 1 day, after: joined_at}",
    )
    sale(place, 7, f"{THIS_YEAR - 7}-06-30", buyer="3")

    found = planned(place, "--as-of", f"{THIS_YEAR}-12-31").json["source"]["buyer"]

    assert (found["deletable_now"], found["needed_by_children"], found["kept_until"]) == (
        0,
        3,
        f"{THIS_YEAR + 6}-12-31",
    )
    assert found["by_month"][f"{THIS_YEAR + 1}-01"] == 1


def test_a_row_that_a_table_outside_the_policy_refers_to_stays(place: Place) -> None:
    keep(place)
    place.change_source(
        "drop table audit",
        "create table audit (audit_id integer primary key, buyer_id integer references buyer)",
        "insert into audit values (1, 3)",
    )

    found = planned(place).json["source"]["buyer"]

    assert (found["deletable_now"], found["open_ended"], found["needed_by_children"]) == (0, 1, 1)


def test_a_held_record_stays_and_what_it_refers_to_with_it(place: Place) -> None:
    keep(place)
    hold(place, "'M-1', 'line', 5, '2020-01-01T00:00:00+01:00', null")

    found = planned(place).json["source"]

    assert {
        name: (table["deletable_now"], table["held"], table["needed_by_children"]) for name, table in found.items()
    } == {
        "line": (0, 1, 0),
        "sale": (0, 0, 1),
        "buyer": (1, 0, 0),
    }


def test_a_hold_counts_from_its_first_to_its_last_day_and_on_the_real_day_as_well(place: Place) -> None:
    keep(place)
    today = TODAY
    yesterday, tomorrow = (today + datetime.timedelta(days=days) for days in (-1, 1))
    hold(
        place,
        f"'over', 'buyer', 3, '2020-01-01', '{yesterday}'",
        f"'to come', 'line', 5, '{tomorrow + datetime.timedelta(days=1)}', null",
    )
    assert now(place) == OLD
    assert now(place, "--as-of", f"{today - datetime.timedelta(days=2)}")["buyer"] == 0
    assert now(place, "--as-of", f"{today + datetime.timedelta(days=9)}")["line"] == 0

    place.change_source(f"update dispute set until = '{today}' where matter = 'over'")
    assert now(place, "--as-of", f"{today + datetime.timedelta(days=9)}") == NONE


@pytest.mark.parametrize(
    ("dispute", "why"),
    [
        ("'M', null, 5, '2020-01-01', null", "a table that the policy does not have"),
        ("'M', 'sales', 5, '2020-01-01', null", "a table that the policy does not have"),
        ("'M', 'sale', null, '2020-01-01', null", "no key of its table"),
        ("'M', 'sale', 'five', '2020-01-01', null", "no key of its table"),
        ("'M', 'sale', 5, 'soon', null", "a date that is none"),
    ],
)
def test_while_a_hold_cannot_be_read_every_row_counts_as_held(place: Place, dispute: str, why: str) -> None:
    keep(place)
    hold(place, dispute)

    found = planned(place)

    assert {name: table["held"] for name, table in found.json["source"].items()} == {"line": 5, "sale": 6, "buyer": 3}
    assert found.json["warnings"][-1] == f"holds that cannot be read, {why}: 1; until they can, no row may be deleted"


def test_a_hold_that_was_placed_by_command_counts_as_well(place: Place) -> None:
    keep(place)
    keys = read_keyring(place.keyring).subjects()
    records = [record for record in records_of("line", pa.array([5]), keys) if record]
    at = datetime.datetime.now(datetime.UTC)
    open_ledger(database_url("ledger", place.environment)).holds.add("M-2", records, Period(TODAY, None), "olga", at)

    assert now(place) == {"line": 0, "sale": 0, "buyer": 1}


def test_it_works_with_the_source_away_and_says_so(published: Place) -> None:
    keep(published)
    published.source.rename(published.folder / "elsewhere")

    found = planned(published)

    assert found.exit_code == 0, found.said
    assert (found.json["source"], found.json["plan_hash"]) == (None, None)
    assert found.json["warnings"] == [
        "the source cannot be read, so that nothing is planned there: source: there is no file shop.sqlite in "
        f"{published.folder}."
    ]
    unset = run_in_process("retention", "plan", "--output", "json", **{**published.environment, "SLUIS_SOURCE": ""})
    assert unset.json["warnings"] == [
        "the source cannot be read, so that nothing is planned there: --source is not set."
    ]
    assert sum(found.json["warehouse"]["sales"].values()) == 0


def test_it_counts_what_leaves_the_warehouse_by_month(published: Place) -> None:
    published.warehouse.chmod(0o644)
    with duckdb.connect(str(published.warehouse)) as connection:
        for number, day in enumerate(["2020-01-01", "2026-03-01", "2026-04-01", "2027-03-01", "2027-04-01"]):
            connection.execute(
                "update analytics.sales set _expires_on = ?::date where sale_id in "
                "(select sale_id from analytics.sales order by sale_id limit 1 offset ?)",
                [day, number],
            )

    found = planned(published, "--as-of", "2026-03-15").json

    assert {month: rows for month, rows in found["warehouse"]["sales"].items() if rows} == {
        "2026-03": 2,
        "2026-04": 1,
        "2027-03": 1,
    }
    assert found["warnings"] == ["the policy has no section source, so that nothing may be deleted there"]


def test_it_works_before_anything_is_published_and_writes_nothing_but_the_ledger(place: Place) -> None:
    keep(place)
    before = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in place.folder.iterdir()}

    found = planned(place)

    assert found.json["warehouse"] is None
    assert found.json["warnings"] == ["nothing is published yet, so that nothing leaves the warehouse"]
    after = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in place.folder.iterdir()}
    ledger = after.pop("ledger.sqlite")
    assert (after, len(ledger)) == (before, 64)
    kept = open_ledger(database_url("ledger", place.environment)).plans.get(found.json["plan_hash"])
    assert (kept.kind, kept.actor) == ("source_deletion", "petra")
    assert kept.scope["tables"] == OLD


def test_no_value_gets_into_the_answer_or_the_ledger(place: Place) -> None:
    keep(place)
    said = planned(place).said.encode() + (place.folder / "ledger.sqlite").read_bytes()

    assert b"Canary" not in said and b"canary" not in said.replace(str(place.folder).encode(), b"")


def test_the_same_rows_give_the_same_hash_and_other_rows_another(place: Place) -> None:
    keep(place)
    first = planned(place).json["plan_hash"]

    sale(place, 7, f"{THIS_YEAR}-01-02")
    assert planned(place).json["plan_hash"] == first, "an order more spoils no plan"

    sale(place, 8, f"{THIS_YEAR - 12}-01-02")
    second = planned(place).json["plan_hash"]
    place.change_source("update sale set sale_id = 9 where sale_id = 8")
    third = planned(place).json["plan_hash"]
    assert len({first, second, third, planned(place, "--as-of", f"{THIS_YEAR + 1}-01-01").json["plan_hash"]}) == 4


def test_as_text_it_says_what_goes_what_stays_and_what_to_do(place: Place) -> None:
    keep(place)
    with contextlib.closing(sqlite3.connect(place.source)) as connection, connection:
        connection.execute("update buyer set joined_at = replace(joined_at, ?, '2025')", [str(THIS_YEAR - 1)])
        connection.execute("update buyer set joined_at = replace(joined_at, ?, '2016')", [str(THIS_YEAR - 10)])
        connection.execute("update sale set sold_at = replace(sold_at, ?, '2025')", [str(THIS_YEAR - 1)])
        connection.execute("update sale set sold_at = replace(sold_at, ?, '2016')", [str(THIS_YEAR - 10)])
        connection.execute("insert into sale values (7, 3, null, '2018-12-31T23:30:00+01:00', 1, 'web', null)")
        connection.execute("insert into sale values (8, 3, null, '2019-12-31T23:30:00+01:00', 1, 'web', null)")

    said = run_in_process("retention", "plan", "--as-of", "2026-11-26", **place.environment).stdout

    head, plan_hash = said.rstrip().rsplit("--plan ", 1)
    assert [line.rstrip() for line in head.replace(plan_hash, "HASH").splitlines()] == TEXT.splitlines()


TEXT = """\
Retention as of 2026-11-26

Rows that may be deleted in the source, by month

             2027
 table  now    01
 ────────────────
 line     1     0
 sale     2     1
 buyer    0     1


Rows of the source, and why they stay

 table   rows   now   in a year   later   open   no clock   held   restricted   needed   stay until
 ──────────────────────────────────────────────────────────────────────────────────────────────────
 line       5     1           0       4      0          0      0            0        0   2032-12-31
 sale       8     2           1       5      0          0      0            0        0   2032-12-31
 buyer      3     0           1       2      0          0      0            0        0   2032-12-31

! nothing is published yet, so that nothing leaves the warehouse

Plan HASH
It would delete 3 rows in the source. Once somebody else has approved it:
  sluis retention apply --apply-to-source
"""
