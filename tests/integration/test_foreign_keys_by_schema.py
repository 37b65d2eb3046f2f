"""Foreign keys are told by the tables that they mean, also where another schema has one of the same name."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from stores.opening import open_source
from tests.mariadb import MariadbServer
from tests.postgres import PostgresServer

TABLE = "buyer_id integer primary key, number integer unique"


def links(url: sa.URL) -> dict[str, tuple[tuple[str, str], ...]]:
    """Give what the columns of `sale` must stand in."""
    return {name: kind.refers_to for name, kind in open_source(url).schema()["sale"].items() if kind.refers_to}


@pytest.fixture
def shop(postgres: PostgresServer) -> sa.URL:
    url = postgres.new_database()
    for statement in (
        "create schema other",
        f"create table buyer ({TABLE})",
        f"create table other.buyer ({TABLE})",
        "create table other.place (place_id integer primary key)",
        "create table sale (ours integer references public.buyer, theirs integer references other.buyer, "
        "also_theirs integer references other.buyer (number), place integer references other.place)",
    ):
        postgres.execute(statement, url)
    return url


def test_a_key_to_a_table_elsewhere_is_not_taken_for_one_to_ours_of_that_name(shop: sa.URL) -> None:
    assert links(shop) == {"ours": (("buyer", "buyer_id"),)}


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("public,other", {"ours": "buyer", "place": "place"}),
        ("other,public", {"theirs": "buyer", "also_theirs": "buyer", "place": "place"}),
    ],
)
def test_what_a_name_means_is_what_the_account_sees_by_it(
    path: str, told: dict[str, str], shop: sa.URL, postgres: PostgresServer
) -> None:
    postgres.execute(f"alter database {shop.database} set search_path = {path}", shop)

    assert {column: table for column, ((table, _),) in links(shop).items()} == told


def test_so_it_is_in_mariadb_where_schemas_are_databases(mariadb: MariadbServer) -> None:
    url, other = mariadb.new_database(), mariadb.new_database()
    for place in (url, other):
        mariadb.execute(f"create table buyer ({TABLE})", place)
    mariadb.execute(
        "create table sale (ours integer references buyer (buyer_id), "
        f"theirs integer references {other.database}.buyer (buyer_id))",
        url,
    )

    assert links(url) == {"ours": (("buyer", "buyer_id"),)}
