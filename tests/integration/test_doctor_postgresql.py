"""`sluis doctor` on a warehouse in PostgreSQL: rights, readers, views and leftovers, each with its way out."""

from __future__ import annotations

import contextlib

import psycopg
import pytest

from cli.doctor.findings import Finding, findings
from cli.doctor.postgresql_warehouse import CHECKS
from stores.warehouse.postgresql_layout import READER, WRITER
from tests.postgres import PostgresServer
from tests.small_warehouse import SHOP, publish
from tests.warehouses import InPostgreSQL

WRITES = "of_the_runs"
"""A user who is a member of the writers and no more."""


@pytest.fixture
def published(postgres: PostgresServer) -> InPostgreSQL:
    """Give a database in which a state is published, as the user sees it who runs Sluis."""
    there = InPostgreSQL(postgres.new_database())
    publish(there.open(), SHOP)
    with contextlib.suppress(psycopg.errors.DuplicateObject):
        there.rows(f"create role {WRITES} login")
    there.rows(f"grant {WRITER} to {WRITES}")
    return there


def found(there: InPostgreSQL, user: str = WRITES) -> dict[str, Finding]:
    """Give what each check finds."""
    return dict(findings(CHECKS, {"SLUIS_WAREHOUSE": there.url.set(username=user).render_as_string(False)}))


def test_where_all_is_well_each_check_says_so(published: InPostgreSQL) -> None:
    told = found(published)

    assert {name: finding.status for name, finding in told.items()} == dict.fromkeys([c.name for c in CHECKS], "ok")
    assert told["warehouse server"].found.startswith("PostgreSQL 1")
    assert told["warehouse roles"].found == f"{WRITES} writes as {WRITER}"
    assert told["published state"].found == "of Sluis"


def test_an_empty_database_is_well_too(postgres: PostgresServer, published: InPostgreSQL) -> None:
    told = found(InPostgreSQL(postgres.new_database()), "postgres")

    assert told["published state"].found == "nothing published yet"
    assert (told["warehouse roles"].status, told["warehouse roles"].found) == ("warn", "postgres is a superuser")


def test_a_check_of_another_kind_of_warehouse_is_left_out(tmp_path: object) -> None:
    assert dict(findings(CHECKS, {"SLUIS_WAREHOUSE": f"duckdb:///{tmp_path}/w.duckdb"})) == {}


SPOILT: dict[str, tuple[str, str, str, str]] = {
    "of public": (
        "create table public.ledger (mac uuid); grant select on public.ledger to public",
        "readers",
        f"{READER} can do more than read what is published: public.ledger",
        "Revoke it",
    ),
    "of the private index": (
        f"grant usage on schema sluis_private to {READER}; grant select on sluis_private.buyers to {READER}",
        "readers",
        "sluis_private.buyers",
        "Revoke it",
    ),
    "changes": (f"grant delete on analytics.buyers to {READER}", "readers", "changes in analytics.buyers", "Revoke it"),
    "makes": (f"grant create on schema public to {READER}", "readers", "tables in schema public", "Revoke it"),
    "unread": (f"revoke select on analytics.buyers from {READER}", "readers", "buyers, which it cannot read", ""),
    "a view": (
        "create view public.report as select count(*) from analytics.buyers",
        "published state",
        "public.report: views on published tables",
        "Drop them",
    ),
    "a killed run": (
        f"create schema sluis_staging authorization {WRITER}",
        "leftovers",
        "sluis_staging: a run was killed",
        "The next run removes them",
    ),
    "a foreign table": (
        "create table analytics.precious as select 1",
        "published state",
        "analytics.precious stand where a warehouse of Sluis would",
        "Name another database",
    ),
}


@pytest.mark.parametrize("what", SPOILT)
def test_each_thing_that_is_wrong_is_found_with_its_way_out(published: InPostgreSQL, what: str) -> None:
    spoil, name, says, way_out = SPOILT[what]
    published.rows(spoil)

    finding = found(published)[name]

    assert finding.status in ("warn", "fail")
    assert says in finding.found
    assert way_out in finding.hint


def test_who_may_not_write_is_told_what_an_administrator_says(published: InPostgreSQL) -> None:
    with contextlib.suppress(psycopg.errors.DuplicateObject):
        published.rows("create role passer_by login")

    told = found(published, "passer_by")

    assert [*told] == ["warehouse server"]
    assert "the user of --warehouse may not act as them" in told["warehouse server"].found
    assert f"grant {WRITER} to USER;" in told["warehouse server"].hint


def test_a_database_of_another_encoding_is_refused(postgres: PostgresServer) -> None:
    url = postgres.url.set(database=f"{postgres.new_database().database}_latin")
    postgres.execute(f"create database {url.database} encoding 'LATIN1' locale 'C' template template0")

    finding = found(InPostgreSQL(url), "postgres")["warehouse server"]

    assert (finding.status, "LATIN1" in finding.found) == ("fail", True)
    assert "encoding 'UTF8'" in finding.hint
