"""Rights in a PostgreSQL warehouse with its ledger beside it: who leaves, who may read, and what was put back."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from stores.keyring_rotation import rotate_root
from stores.warehouse.postgresql_layout import READER
from tests.conftest import Place
from tests.corner_shop import token_in
from tests.integration.test_standing import COMMANDS, without_epoch
from tests.place_in_postgresql import PlaceInPostgreSQL
from tests.rights_shop import (
    ANNA,
    ANNAS,
    ANNAS_OLD,
    BOB,
    CARLA,
    GUESTS,
    PUBLISHED,
    asked,
    erase,
    index_of,
    plan,
    rows_of,
    run,
    sluis,
    states,
    theirs,
    totals,
)

pytestmark = pytest.mark.long

EVERYBODY = {*range(1, 15)}
LEFT = {5, 6} | {1, 2, 3, 4, 14} | {7, 9}
"""Sales of those who are restricted, erased and objected once `later` has happened."""


@pytest.fixture
def shop(rights_once_in_postgresql: PlaceInPostgreSQL, tmp_path: Path) -> Iterator[PlaceInPostgreSQL]:
    """Give the shop after a good run."""
    copy = rights_once_in_postgresql.copied(tmp_path / "shop")
    yield copy
    copy.remove()


@pytest.fixture
def later(shop: PlaceInPostgreSQL) -> PlaceInPostgreSQL:
    """Give the shop after somebody was erased, restricted, and objected; `first` is its backup of before."""
    shop.back_up("first")
    asked(shop, "AVG-1", f"buyer_id={ANNA}")
    asked(shop, "ART18-1", f"buyer_id={BOB}", right="restrict")
    asked(shop, "ART21-1", f"buyer_id={CARLA}", right="object")
    run(shop)
    assert EVERYBODY - totals(shop) == LEFT
    return shop


def may_read(place: PlaceInPostgreSQL) -> bool:
    """Tell whether readers can read all that is published."""
    try:
        for table in PUBLISHED:
            place.seen.rows(f"select * from analytics.{table}", READER)
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def everything(place: Place) -> dict[str, Any]:
    """Sum up warehouse and ledger, row by row."""
    tables = ("request", "identifier", "suppression", "run", "receipt", "approval")
    return {"warehouse": place.fingerprint()} | {
        name: sorted(map(repr, place.ledger(f"select * from {name}"))) for name in tables
    }


def test_rows_after_are_rows_before_less_those_of_the_person_and_every_other_row_is_the_same(
    shop: PlaceInPostgreSQL,
) -> None:
    leave, before = theirs(shop, {ANNA}, {ANNAS, ANNAS_OLD}), rows_of(shop)
    tokens = {token_in(shop.keyring, key, "sale") for key in (1, 2, 3, 4, 14)} | {token_in(shop.keyring, ANNA, "buyer")}

    outcome = erase(shop, "AVG-1", f"email={ANNAS_OLD}")

    after = rows_of(shop)
    for table in PUBLISHED:
        assert len(after[table]) == len(before[table]) - leave[table] < len(before[table])
        assert after[table] == [row for row in before[table] if not tokens & {*row}], table
    assert len(index_of(shop)) == len(EVERYBODY) - 5
    assert outcome.json["requests"] == {"applied": 1, "pending": 0}
    assert states(shop) == {"AVG-1": "applied"}
    assert may_read(shop)
    run(shop)
    assert totals(shop) == EVERYBODY - {1, 2, 3, 4, 14}, "by a run they stay out"


def test_the_proof_counts_rows_and_certifies_what_the_server_may_still_hold(shop: PlaceInPostgreSQL) -> None:
    erase(shop, "AVG-1", f"buyer_id={ANNA}")

    told = sluis(shop, "erase", "verify", "--reference", "AVG-1").json
    answered = sluis(shop, "erase", "answer", "--reference", "AVG-1").json

    assert set(told["checks"].values()) == {0}, "no byte is searched, and nobody stays"
    said = " ".join(told["beyond_reach"])
    for word in ("Tables: nothing", "pg_statistic", "wal_keep_size", "archive_mode", "Replicas: 0", "Backups"):
        assert word in said
    assert told["beyond_reach"] == answered["beyond_reach"]
    assert "after such a copy is put back, it is taken out again" in answered["text"]


def test_a_warehouse_that_was_put_back_is_read_by_nobody_from_the_first_command_until_the_replay(
    later: PlaceInPostgreSQL,
) -> None:
    later.put_back("first", warehouse=True, ledger=False)
    assert may_read(later), "a backup brings the rights back with it"
    before = everything(later)

    outcome = sluis(later, "erase", "list")

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (5, "standing")
    assert "Readers have lost access until then" in outcome.json["error"]["message"]
    assert not may_read(later)
    assert everything(later) == before
    assert sluis(later, "replay").exit_code == 0
    assert may_read(later)
    assert totals(later) == EVERYBODY - LEFT
    assert set(sluis(later, "erase", "verify", "--reference", "AVG-1").json["checks"].values()) == {0}


def test_an_older_ledger_is_refused_and_takes_no_rights_away(later: PlaceInPostgreSQL) -> None:
    later.put_back("first", warehouse=False, ledger=True)
    before = everything(later)

    for command in ("erase list", "replay", "plan", "retention apply"):
        outcome = sluis(later, *command.split())
        assert (command, outcome.exit_code, outcome.json["error"]["kind"]) == (command, 5, "standing"), outcome.said
    assert everything(later) == before
    assert may_read(later)


def test_without_a_key_under_which_people_are_held_back_nothing_is_done(later: PlaceInPostgreSQL) -> None:
    rotate_root(later.keyring, "tombstones", datetime.date.today())
    without_epoch(later.keyring, "tombstones", 1)
    before = everything(later)

    for command in ("erase list", "replay", "erase plan", "retention apply"):
        outcome = sluis(later, *command.split())
        assert (command, outcome.exit_code, outcome.json["error"]["kind"]) == (command, 2, "keyring"), outcome.said
    assert everything(later) == before


@pytest.mark.usefixtures("prefect_server")
def test_every_command_refuses_a_warehouse_that_was_put_back_and_changes_nothing(
    later: PlaceInPostgreSQL, tmp_path: Path
) -> None:
    (subjects := tmp_path / "subjects").write_text(f"email={GUESTS}\n")
    asked(later, "AVG-2", f"email={GUESTS}")
    filled = {"SUBJECTS": str(subjects), "PLAN": plan(later)["plan_hash"]}
    later.put_back("first", warehouse=True, ledger=False)
    before = everything(later)

    for command, flags in COMMANDS.items():
        outcome = sluis(later, *command.split(), *(filled.get(flag, flag) for flag in flags), SLUIS_ACTOR="otto")
        assert (command, outcome.exit_code, outcome.json["error"]["kind"]) == (command, 5, "standing"), outcome.said
        assert everything(later) == before, command
