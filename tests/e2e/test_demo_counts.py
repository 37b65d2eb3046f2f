"""Every row of the demo shop is accounted for, and the warehouse adds up to the source, to the cent."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import sqlite3
from collections import defaultdict
from decimal import Decimal
from itertools import pairwise
from typing import Any

import duckdb
import pytest
import yaml

from tests.conftest import run_in_process
from tests.e2e.conftest import Run, RunAgain
from tests.shop_oracle import PARENT, SOURCE_OF, Shop, key_of, local_day

FATES = ("published", "expired", "erased", "restricted", "objected", "quarantined")
ORDER = ("published", "erased", "restricted", "objected", "expired", "quarantined")
"""A guest is published if one of the orders is; else the first of their fates counts."""

ALL = [*SOURCE_OF, "guests"]
Row = dict[str, Any]
Months = dict[tuple[int, int], Decimal]


def key(table: str) -> str:
    return "guest_id" if table == "guests" else key_of(SOURCE_OF[table])


def rows_of(run: Run, table: str) -> list[Row]:
    with duckdb.connect(str(run.warehouse), read_only=True) as connection:
        found = connection.execute(f"from analytics.{table}")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def pairs(demo: Run, shop: Shop, table: str) -> list[tuple[Row, Row]]:
    """Join published rows with the source rows whose key has their token."""
    source = SOURCE_OF[table]
    domain = "order" if source == "orders" else source
    behind = demo.tokens.of_values(list(shop.tables[source]), domain)
    return [(row, shop.tables[source][behind[row[key(table)]]]) for row in rows_of(demo, table)]


def cents(value: float) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.01"))


def test_published_tables_are_exactly_those_of_the_contract(demo: Run) -> None:
    published = demo.rows("select table_name from duckdb_tables() where schema_name = 'analytics'")

    assert {name for (name,) in published} == set(ALL) == set(demo.tables)
    assert demo.rows(
        "select count(*) from duckdb_tables() where schema_name not in ('analytics', 'marts', 'sluis_meta')"
    ) == [(0,)]


@pytest.mark.parametrize("table", ALL)
def test_what_is_extracted_is_the_sum_of_its_parts(demo: Run, table: str) -> None:
    counts = demo.tables[table]

    assert counts["extracted"] == sum(counts[fate] for fate in FATES)
    assert counts["extracted"] > 0
    assert demo.rows(f"select count(*) from analytics.{table}") == [(counts["published"],)]


def test_what_is_extracted_is_what_the_source_counts(demo: Run) -> None:
    with contextlib.closing(sqlite3.connect(demo.source)) as source:
        counted = {
            table: source.execute(f"select count(*) from {name}").fetchone()[0] for table, name in SOURCE_OF.items()
        }

    assert {table: demo.tables[table]["extracted"] for table in SOURCE_OF} == counted


def test_guests_are_the_canonical_addresses_of_orders_without_account(demo: Run, shop: Shop) -> None:
    expected = {address for address, fates in shop.guests.items() if "published" in fates}
    behind = demo.tokens.of_values(list(shop.guests), "guest", "email")

    assert demo.tables["guests"]["extracted"] == len(shop.guests)
    assert {behind[guest] for (guest,) in demo.rows("select guest_id from analytics.guests")} == expected
    fates = [next(fate for fate in ORDER if fate in found) for found in shop.guests.values()]
    assert {fate: demo.tables["guests"][fate] for fate in FATES} == {fate: fates.count(fate) for fate in FATES}


@pytest.mark.parametrize("table", SOURCE_OF)
def test_every_row_has_the_fate_that_the_shop_promises(demo: Run, shop: Shop, table: str) -> None:
    source = SOURCE_OF[table]
    fates = [fate for fate, _ in shop.fates[source].values()]
    published = {source_row[key(table)] for _, source_row in pairs(demo, shop, table)}

    assert {fate: demo.tables[table][fate] for fate in FATES} == {fate: fates.count(fate) for fate in FATES}
    assert published == set(shop.published(source))


@pytest.mark.parametrize("table", SOURCE_OF)
def test_the_month_in_which_a_row_leaves_is_the_one_promised(demo: Run, shop: Shop, table: str) -> None:
    source = SOURCE_OF[table]

    for row, source_row in pairs(demo, shop, table):
        assert row["_expires_on"] == shop.fates[source][source_row[key(table)]][1]


@pytest.mark.parametrize("table", ALL)
def test_held_rows_are_counted_beside_the_sum(demo: Run, shop: Shop, table: str) -> None:
    held = shop.held.get(SOURCE_OF.get(table, ""), set())

    assert demo.tables[table]["held"] == len(held)
    assert bool(held) == (table in ("orders", "invoices", "complaints"))


@pytest.mark.parametrize("table", ALL)
def test_rows_leave_on_the_first_of_a_later_month(demo: Run, shop: Shop, table: str) -> None:
    days = [day for (day,) in demo.rows(f"select _expires_on from analytics.{table}")]

    assert all(day.day == 1 and day > shop.as_of for day in days if day)
    fates = shop.fates[SOURCE_OF[table]].values() if table in SOURCE_OF else ()
    assert sum(day is None for day in days) == sum(fate == "published" and absent is None for fate, absent in fates)


@pytest.mark.parametrize(
    ("table", "amounts", "day"),
    [
        ("orders", ["total", "delivery_cost"], "placed_at"),
        ("invoices", ["total", "vat"], "issued_at"),
        ("payments", ["amount"], "paid_at"),
        ("purchases", ["amount"], "purchased_at"),
        ("collection_letters", ["amount"], "sent_at"),
    ],
)
def test_amounts_add_up_to_the_sources_in_every_month(
    demo: Run, shop: Shop, table: str, amounts: list[str], day: str
) -> None:
    for amount in amounts:
        expected: Months = defaultdict(Decimal)
        for row in shop.published(SOURCE_OF[table]).values():
            if row[day]:
                month = local_day(row[day])
                expected[month.year, month.month] += cents(row[amount])
        published = demo.rows(
            f"select year({day}), month({day}), sum({amount}) from analytics.{table} "
            f"where {day} is not null group by all"
        )

        assert {(year, month): total for year, month, total in published} == expected
        assert len(expected) > 10
        assert all(row[amount] == cents(source_row[amount]) for row, source_row in pairs(demo, shop, table))


def test_what_lines_sell_adds_up_to_the_source_in_every_month(demo: Run, shop: Shop) -> None:
    expected: Months = defaultdict(Decimal)
    for line in shop.published("order_line").values():
        month = local_day(shop.tables["orders"][line["order_id"]]["placed_at"])
        expected[month.year, month.month] += line["quantity"] * cents(line["price"])

    sold = demo.rows(
        "select year(placed_at), month(placed_at), sum(quantity * price) "
        "from analytics.order_lines join analytics.orders using (order_id) group by all"
    )

    assert {(year, month): total for year, month, total in sold} == expected


def test_published_days_are_amsterdams(demo: Run, shop: Shop) -> None:
    for row, source_row in pairs(demo, shop, "orders"):
        assert row["placed_at"] == local_day(source_row["placed_at"])


def test_a_second_run_publishes_equal_tables(demo: Run, run_again: RunAgain) -> None:
    again = run_again(over_the_last=True)

    assert again.told["run_id"] != demo.told["run_id"]
    assert again.tables == demo.tables
    assert {t: content(again, t) for t in ALL} == {t: content(demo, t) for t in ALL}


def content(run: Run, table: str) -> tuple[list[str], str]:
    rows = rows_of(run, table)
    text = "\n".join(sorted(repr(row) for row in rows))
    return sorted(rows[0]), hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("table", ALL)
def test_rows_stand_in_the_order_of_their_tokens(demo: Run, table: str) -> None:
    tokens = [token for (token,) in demo.rows(f"select {key(table)} from analytics.{table}")]

    assert all(before.bytes < after.bytes for before, after in pairwise(tokens))


def test_every_token_is_a_uuid_of_version_8(demo: Run) -> None:
    columns = demo.rows(
        "select table_name, column_name, data_type from duckdb_columns() where schema_name = 'analytics' "
        "and column_name similar to '.*_id|order_number'"
    )
    full = 0
    for table, column, kind in columns:
        values = [value for (value,) in demo.rows(f"select {column} from analytics.{table} where {column} is not null")]
        assert kind == "UUID" or not values, (table, column)
        assert all(value.version == 8 and value.variant == "specified in RFC 4122" for value in values)
        full += bool(values)

    assert full >= len(ALL) + len(PARENT)


def test_comments_tell_meaning_role_and_treatment_of_every_column(demo: Run) -> None:
    policy = yaml.safe_load(demo.policy.read_text(encoding="utf-8"))["tables"]
    keys = {name: table["columns"][table["primary_key"]] for name, table in policy.items()}
    told = {
        (table, column): comment
        for table, column, comment in demo.rows(
            "select table_name, column_name, comment from duckdb_columns() where schema_name = 'analytics'"
        )
    }
    checked = 0
    for table in policy.values():
        for name, stated in table["columns"].items():
            column = {**keys.get(stated.get("references"), {}), **stated}
            meaning, role, treatment = told.pop((table["publish_as"], name)).split(" · ", 2)
            declared = column["treatment"]
            assert meaning == column["meaning"]
            assert role == column["role"].replace("_", " ")
            assert treatment.startswith(declared if isinstance(declared, str) else declared["kind"])
            checked += 1

    assert checked > 100
    assert set(told) == {(table, "_expires_on") for table in ALL}
    assert all("drops the row" in comment for comment in told.values())


def test_comments_tell_what_every_table_is_for(demo: Run) -> None:
    comments = dict(demo.rows("select table_name, comment from duckdb_tables() where schema_name = 'analytics'"))

    assert set(comments) == set(ALL)
    impersonal = {name for name, comment in comments.items() if "nothing personal, by the policy, for " in comment}
    assert impersonal == {"products", "purchases"}
    assert all("pseudonymised personal data, for " in comments[name] for name in set(comments) - impersonal)


def test_the_run_is_of_today(demo: Run, shop: Shop) -> None:
    assert abs(shop.as_of - datetime.date.today()) <= datetime.timedelta(days=1)
    assert demo.rows("select run_id, as_of from sluis_meta.run") == [(demo.told["run_id"], shop.as_of)]


def test_a_plan_foretells_every_count_and_finds_nothing_changed_after_the_run(demo: Run) -> None:
    asked = ("--as-of", demo.told["as_of"], "--output", "json")

    outcome = run_in_process("plan", *asked, **demo.environment)

    assert outcome.exit_code == 0, outcome.said
    foretold = outcome.json["tables"]
    assert {
        name: {word: foretold[name][word] for word in counts} for name, counts in demo.tables.items()
    } == demo.tables
    assert outcome.json["changes"] == []
    assert outcome.json["warnings"] == demo.told["warnings"]
