"""What a database calls a table is not always one: each kind is read as what it is, or refused by name."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from expectations.source import Drift
from privacy.column_types import ColumnType
from privacy.errors import StoreError
from stores.opening import open_source
from stores.server_deletion import server_deletion
from stores.source import Reading
from tests.mariadb import MariadbServer
from tests.postgres import PostgresServer

Server = PostgresServer | MariadbServer


def holding(server: Server, *statements: str) -> sa.URL:
    """Make a database by statements."""
    url = server.new_database()
    for statement in statements:
        server.execute(statement.replace("%", "%%"), url)
    return url


def read(url: sa.URL, table: str, **columns: str) -> list[dict[str, Any]]:
    """Read columns of a table by their declared types."""
    reading = Reading(table, {name: ColumnType.parse(declared) for name, declared in columns.items()})
    with open_source(url).snapshot() as snapshot:
        rows = [row for batch in snapshot.batches(reading, 10) for row in batch.select(list(columns)).to_pylist()]
        assert snapshot.totals(reading).rows == len(rows)
    return rows


def test_a_view_is_no_table_and_whoever_declares_one_is_told(server: Server) -> None:
    url = holding(server, "create table t (i integer)", "create view v as select i from t")

    assert list(open_source(url).schema()) == ["t"]
    told = Drift("missing_table", "v").told("policy.yaml")
    assert told == (
        "v: in policy.yaml, but not in the source.\n"
        "  Take it out of the policy, or give it back to the source. Of a view, name the tables behind it."
    )


def test_a_view_that_the_database_keeps_is_none_either(postgres: PostgresServer) -> None:
    url = holding(postgres, "create table t (i integer)", "create materialized view v as select i from t")
    assert list(open_source(url).schema()) == ["t"]


def test_a_partitioned_table_is_one_table(postgres: PostgresServer) -> None:
    url = holding(
        postgres,
        "create table t (i integer, v text) partition by range (i)",
        "create table t_1 partition of t for values from (0) to (10)",
        "create table t_2 partition of t for values from (10) to (20) partition by list (v)",
        "create table t_3 partition of t_2 default",
        "insert into t values (1, 'a'), (11, 'b')",
    )
    assert list(open_source(url).schema()) == ["t"]
    assert sorted(row["v"] for row in read(url, "t", v="text")) == ["a", "b"]


def test_a_table_of_another_server_is_refused_by_name(postgres: PostgresServer) -> None:
    url = holding(
        postgres,
        "create table t (i integer)",
        "create foreign data wrapper elsewhere",
        "create server elsewhere foreign data wrapper elsewhere",
        "create foreign table f (i integer) server elsewhere",
    )
    assert list(open_source(url).schema()) == ["f", "t"]
    assert read(url, "t", i="integer") == []
    reading = Reading("f", {"i": ColumnType("integer")})
    with open_source(url).snapshot() as snapshot:
        for asked in (snapshot.totals, lambda reading: list(snapshot.batches(reading, 10))):
            with pytest.raises(StoreError, match="f is stored by a foreign server, which has no snapshots"):
                asked(reading)


def test_tables_of_every_schema_on_the_search_path_are_read_and_others_are_not(postgres: PostgresServer) -> None:
    url = holding(
        postgres,
        "create schema first",
        "create schema second",
        "create schema third",
        "create table first.a (i integer)",
        "create table first.both (one integer)",
        "create table second.both (two integer)",
        "create table second.b (i integer)",
        "create table third.c (i integer)",
        "insert into first.both values (1)",
        "insert into second.b values (2)",
    )
    postgres.execute(f"alter database {url.database} set search_path = first, second")

    assert {name: [*columns] for name, columns in open_source(url).schema().items()} == {
        "a": ["i"],
        "b": ["i"],
        "both": ["one"],
    }
    assert read(url, "both", one="integer") == [{"one": 1}]
    assert read(url, "b", i="integer") == [{"i": 2}]


def test_columns_that_the_database_reckons_are_read_like_others(server: Server) -> None:
    url = holding(
        server,
        "create table t (i integer, kept integer generated always as (i * 2) stored, "
        "reckoned integer generated always as (i * 3) virtual)",
        "insert into t (i) values (7)",
    )
    assert [*open_source(url).schema()["t"]] == ["i", "kept", "reckoned"]
    assert read(url, "t", kept="integer", reckoned="integer") == [{"kept": 14, "reckoned": 21}]


def test_names_of_any_kind_are_read_as_they_are(server: Server) -> None:
    quoted = '"{}"' if isinstance(server, PostgresServer) else "`{}`"
    table, column = quoted.format("Order Détails 100%"), quoted.format("it's; 100%s")
    url = holding(server, f"create table {table} ({column} integer)", f"insert into {table} values (5)")
    assert [*open_source(url).schema()["Order Détails 100%"]] == ["it's; 100%s"]
    assert read(url, "Order Détails 100%", **{"it's; 100%s": "integer"}) == [{"it's; 100%s": 5}]


def test_a_column_that_mariadb_hides_from_a_star_is_known(mariadb: MariadbServer) -> None:
    url = holding(mariadb, "create table t (i integer, v integer invisible)", "insert into t (i, v) values (1, 2)")
    assert [*open_source(url).schema()["t"]] == ["i", "v"]
    assert read(url, "t", v="integer") == [{"v": 2}]


def test_a_table_with_a_history_is_read_as_it_is_now_and_nothing_is_deleted_there(mariadb: MariadbServer) -> None:
    url = holding(
        mariadb,
        "create table t (i integer primary key, v text) with system versioning",
        "insert into t values (1, 'before')",
        "update t set v = 'now'",
    )
    assert [*open_source(url).schema()["t"]] == ["i", "v"]
    assert read(url, "t", v="text") == [{"v": "now"}]
    with pytest.raises(StoreError, match="t keeps every row that was ever in it"), server_deletion(url, ["t"]):
        pass


def test_a_sequence_is_no_table(server: Server) -> None:
    url = holding(server, "create table t (i integer)", "create sequence s")
    assert list(open_source(url).schema()) == ["t"]
