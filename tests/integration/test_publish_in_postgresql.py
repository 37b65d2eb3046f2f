"""The commands with warehouse and ledger in PostgreSQL: run, look around, run beside another, be killed, and heal."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from tests.conftest import Command, Place
from tests.integration.test_publish import Trouble, killed_while_checking, killed_while_loading, run_in
from tests.place_in_postgresql import PlaceInPostgreSQL
from tests.postgres import PostgresServer
from tests.warehouses import InPostgreSQL

TABLES = ("buyers", "sales", "lines")


@pytest.fixture
def served(place: Place, postgres: PostgresServer) -> PlaceInPostgreSQL:
    """Give the corner shop with an empty database for a warehouse and another for a ledger."""
    return PlaceInPostgreSQL.made(place.folder, postgres)


@pytest.fixture
def filled(sluis: Command, served: PlaceInPostgreSQL) -> PlaceInPostgreSQL:
    """Give it after a good run."""
    outcome = sluis("run", **served.environment)
    assert outcome.exit_code == 0, outcome.said
    return served


def contents(served: PlaceInPostgreSQL) -> dict[str, list[tuple[object, ...]]]:
    return {table: sorted(served.rows(f"select * from analytics.{table}"), key=repr) for table in TABLES}


def test_a_run_says_how_to_look_around_and_doctor_finds_all_well(
    sluis: Command, served: PlaceInPostgreSQL, tmp_path: Path
) -> None:
    secret = {"PGPASSWORD": "canary-secret"}
    told = [sluis(command, **served.environment, **secret) for command in ("run", "plan", "doctor")]

    assert [outcome.exit_code for outcome in told] == [0, 0, 0], [outcome.said for outcome in told]
    assert f"psql {served.seen.url.database} -c " in told[0].stdout
    assert not [outcome for outcome in told if "canary-secret" in outcome.said]
    for words in ("sluis_reader reads what is published, and nothing else", "of Sluis", "a superuser"):
        assert words in " ".join(told[2].stdout.split())
    assert served.rows("select count(*) from analytics.sales") == [(5,)]
    assert not (tmp_path / "warehouse.duckdb").exists()


def test_a_run_beside_another_is_told_who_holds_the_warehouse(sluis: Command, filled: PlaceInPostgreSQL) -> None:
    before = contents(filled)
    with filled.seen.open().exclusive("20260310T020000Z-first"):
        outcome = sluis("run", "--output", "json", **filled.environment)

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (3, "lock"), outcome.said
    assert "is held by run 20260310T020000Z-first" in outcome.stderr
    assert contents(filled) == before


@pytest.mark.usefixtures("sluis")
@pytest.mark.parametrize("trouble", [killed_while_loading, killed_while_checking])
def test_a_killed_run_leaves_the_published_state_and_the_next_run_heals(
    trouble: Trouble, sluis: Command, filled: PlaceInPostgreSQL
) -> None:
    before = contents(filled)

    assert run_in(trouble, filled) is None

    assert contents(filled) == before
    assert "sluis_staging" in filled.seen.schemas(), "it was killed in the midst of it"
    outcome = sluis("run", "--output", "json", **filled.environment)
    assert outcome.exit_code == 0, outcome.said
    assert contents(filled) == before
    assert "sluis_staging" not in filled.seen.schemas()
    ledger = InPostgreSQL(filled.seen.url.set(database=f"{filled.name}_l"))
    states = ledger.rows("select state from sluis_ledger.run order by started_at")
    assert states == [("published",), ("abandoned",), ("published",)]


def test_a_refused_candidate_is_never_seen(sluis: Command, filled: PlaceInPostgreSQL) -> None:
    before = contents(filled)
    words = "because: Says nothing of anybody."
    filled.change_policy(words, words + ", promises: [{kind: not_null}]")

    outcome = sluis("run", "--output", "json", "--as-of", str(datetime.date.today()), **filled.environment)

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (1, "gate"), outcome.said
    assert contents(filled) == before
    assert "sluis_staging" not in filled.seen.schemas()
