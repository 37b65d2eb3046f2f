"""Tokens join where they must, and nowhere else."""

from __future__ import annotations

import uuid

import duckdb
import pytest

from tests.e2e.conftest import Run
from tests.shop_oracle import REFERENCES, SOURCE_OF, Shop, key_of

DOMAIN_OF = {
    "customer_id": "customer",
    "guest_id": "guest",
    "order_id": "order",
    "order_number": "order_number",
    "cookie_id": "cookie",
    **{f"{source}_id": source for source in SOURCE_OF.values() if source != "orders"},
}
"""The join domain of every published token, by column."""


def tokens(run: Run) -> dict[tuple[str, str], set[uuid.UUID]]:
    """Give the tokens of every column that holds any."""
    with duckdb.connect(str(run.warehouse), read_only=True) as connection:
        columns = connection.execute(
            "select table_name, column_name from duckdb_columns() "
            "where schema_name = 'analytics' and data_type = 'UUID'"
        ).fetchall()
        found = {
            (table, column): {
                value for (value,) in connection.execute(f"select distinct {column} from analytics.{table}").fetchall()
            }
            - {None}
            for table, column in columns
        }
    return {place: values for place, values in found.items() if values}


def by_domain(run: Run) -> dict[str, set[uuid.UUID]]:
    found: dict[str, set[uuid.UUID]] = {}
    for (_, column), values in tokens(run).items():
        found.setdefault(DOMAIN_OF[column], set()).update(values)
    return found


@pytest.mark.parametrize(("table", "column"), REFERENCES)
def test_every_token_joins_to_the_row_it_stands_for(demo: Run, table: str, column: str) -> None:
    target = REFERENCES[table, column]
    key = "guest_id" if target == "guests" else column

    linked, dangling = demo.rows(
        f"select count({column}), count(*) filter ({column} is not null and {column} not in "
        f"(select {key} from analytics.{target})) from analytics.{table}"
    )[0]

    assert linked > 0
    assert dangling == 0


def test_no_column_of_tokens_is_left_out_of_these_tests(demo: Run) -> None:
    keys = {(table, key_of(source)) for table, source in SOURCE_OF.items()} | {("guests", "guest_id")}
    alone = {("orders", "order_number"), ("web_sessions", "cookie_id")}

    assert tokens(demo).keys() == keys | REFERENCES.keys() | alone


@pytest.mark.parametrize("table", SOURCE_OF)
def test_references_to_what_is_not_published_are_empty_and_counted_by_reason(demo: Run, shop: Shop, table: str) -> None:
    expected = shop.unlinked(table)

    assert {c: n for c, n in demo.tables[table]["unlinked"].items() if c != "guest_id"} == expected
    for place, target in REFERENCES.items():
        if place[0] == table and target != "guests":
            given = sum(row[place[1]] is not None for row in shop.published(SOURCE_OF[table]).values())
            linked = demo.rows(f"select count({place[1]}) from analytics.{table}")[0][0]
            assert linked == given - sum(expected.get(place[1], {}).values())


def test_some_references_are_emptied_in_this_shop(demo: Run) -> None:
    assert any(counts["unlinked"] for counts in demo.tables.values())


def test_under_another_key_every_token_is_another(demo: Run, careless: Run) -> None:
    before, after = by_domain(demo), by_domain(careless)

    assert before.keys() == after.keys() == set(DOMAIN_OF.values())
    assert {domain: len(values) for domain, values in before.items()} == {d: len(v) for d, v in after.items()}
    assert not set().union(*before.values()) & set().union(*after.values())


def test_no_two_domains_share_a_token(demo: Run) -> None:
    domains = by_domain(demo)

    assert sum(map(len, domains.values())) == len(set().union(*domains.values())) > 20_000


def test_a_guest_is_never_an_account_even_under_the_same_address(demo: Run, shop: Shop) -> None:
    accounts = {row["email"].strip().lower() for row in shop.tables["customer"].values() if row["email"]}
    both = accounts & shop.guests.keys()
    guests, customers = by_domain(demo)["guest"], by_domain(demo)["customer"]

    assert both
    assert not guests & customers
    assert demo.rows(
        "select count(*) from analytics.orders where guest_id is not null and customer_id is not null"
    ) == [(0,)]
