"""Backups: an older warehouse or an older ledger that is put back is refused by every command, and changes nothing."""

from __future__ import annotations

import datetime
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from privacy.errors import KeyringError
from stores.keyring_rotation import rotate_root
from tests.conftest import Place
from tests.rights_shop import (
    ANNA,
    BOB,
    CARLA,
    GUESTS,
    asked,
    counted,
    erase,
    in_ledger,
    plan,
    private_of,
    run,
    sluis,
    state_of,
    states,
    totals,
)

LEFT = {5, 6} | {1, 2, 3, 4, 14} | {7, 9}
"""Sales of those who are restricted, erased and objected in the shop of `later`."""


@pytest.fixture(scope="module")
def both(rights_once: Place, tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Place]:
    """Give a shop as it was published first, and as it is after somebody was erased, restricted, and objected."""
    folder = tmp_path_factory.mktemp("backups")
    first, later = Place(folder / "first"), Place(folder / "later")
    for place in (first, later):
        shutil.copytree(rights_once.folder, place.folder)
    asked(later, "AVG-1", f"buyer_id={ANNA}")
    asked(later, "ART18-1", f"buyer_id={BOB}", right="restrict")
    asked(later, "ART21-1", f"buyer_id={CARLA}", right="object")
    run(later)
    assert {*range(1, 15)} - totals(later) == LEFT
    return first, later


@pytest.fixture
def now(both: tuple[Place, Place], tmp_path: Path) -> Place:
    """Give a copy of the shop as it is now."""
    return Place(Path(shutil.copytree(both[1].folder, tmp_path / "now")))


def put_back_warehouse(now: Place, first: Place) -> None:
    """Put an older warehouse back, both of its files."""
    private_of(now).unlink()
    for file in (first.warehouse, private_of(first)):
        (now.folder / file.name).unlink(missing_ok=True)
        shutil.copy2(file, now.folder)


def put_back_ledger(now: Place, first: Place) -> None:
    """Put an older ledger back."""
    shutil.copy2(first.folder / "ledger.sqlite", now.folder)


def another_ledger(now: Place, first: Place) -> None:
    """Begin a new ledger, as somebody might who has lost theirs."""
    (now.folder / "ledger.sqlite").unlink()
    (now.folder / "shop.sqlite").rename(now.folder / "aside")
    (now.folder / "warehouse.duckdb").rename(warehouse := now.folder / "elsewhere")
    (now.folder / "aside").rename(now.folder / "shop.sqlite")
    run(now)
    now.warehouse.unlink()
    warehouse.rename(now.warehouse)


PutBack = Callable[[Place, Place], None]

COMMANDS = {
    "run": (),
    "plan": (),
    "erase request": ("--subject-file", "SUBJECTS", "--reference", "AVG-9"),
    "erase plan": (),
    "erase apply": ("--plan", "PLAN"),
    "erase verify": ("--reference", "AVG-1"),
    "erase list": (),
    "erase answer": ("--reference", "AVG-1"),
    "restrict add": ("--subject-file", "SUBJECTS", "--reference", "ART18-9"),
    "restrict lift": ("--reference", "ART18-1"),
    "object add": ("--subject-file", "SUBJECTS", "--reference", "ART21-9"),
    "object withdraw": ("--reference", "ART21-1"),
    "approve": ("--plan", "PLAN"),
    "retention plan": (),
    "retention apply": (),
    "keys destroy": ("--root", "analytics", "--epoch", "1"),
}
"""All that open ledger and warehouse to work with both; `replay` is the way out, `receipt verify` compares them."""


@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize(
    ("put_back", "told"),
    [
        (put_back_warehouse, "an older state was put back"),
        (put_back_ledger, "older than the warehouse"),
        (another_ledger, "not the one that the warehouse was published with"),
    ],
)
def test_every_command_refuses_what_was_put_back_and_changes_nothing(
    now: Place, both: tuple[Place, Place], put_back: PutBack, told: str, tmp_path: Path
) -> None:
    (subjects := tmp_path / "subjects").write_text(f"email={GUESTS}\n")
    asked(now, "AVG-2", f"email={GUESTS}")
    planned = plan(now)["plan_hash"]
    put_back(now, both[0])
    filled = {"SUBJECTS": str(subjects), "PLAN": planned}
    before = state_of(now)

    for command, flags in COMMANDS.items():
        outcome = sluis(now, *command.split(), *(filled.get(flag, flag) for flag in flags), SLUIS_ACTOR="otto")

        if command == "erase apply" and put_back is not put_back_warehouse:
            # a ledger that has no such plan can say no more of it
            assert outcome.exit_code == 2
        else:
            assert (command, outcome.exit_code, outcome.json["error"]["kind"]) == (command, 5, "standing"), outcome.said
            assert told in outcome.json["error"]["message"]
        assert state_of(now) == before, command


@pytest.mark.parametrize("put_back", [put_back_warehouse, put_back_ledger, another_ledger])
def test_doctor_finds_what_was_put_back(now: Place, both: tuple[Place, Place], put_back: PutBack) -> None:
    good = {check["name"]: check for check in sluis(now, "doctor").json["checks"]}["standing"]
    put_back(now, both[0])

    outcome = sluis(now, "doctor")

    found = {check["name"]: check for check in outcome.json["checks"]}["standing"]
    assert (good["status"], found["status"]) == ("ok", "fail")
    assert "put back" in found["found"] or "ledger: it is" in found["found"]
    assert "sluis replay" in found["hint"] or "Put the newest backup of the ledger back" in found["hint"]
    assert outcome.exit_code != 0


def test_a_plan_beside_no_ledger_at_all_is_refused_as_nobody_would_be_held_back_in_it(now: Place) -> None:
    (now.folder / "ledger.sqlite").unlink()

    outcome = sluis(now, "plan")

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (5, "standing")
    assert not (now.folder / "ledger.sqlite").exists()
    assert {c["name"]: c["status"] for c in sluis(now, "doctor").json["checks"]}["standing"] == "fail"


def test_replay_takes_out_of_an_older_warehouse_whoever_left_since_without_the_shop(
    now: Place, both: tuple[Place, Place]
) -> None:
    put_back_warehouse(now, both[0])
    assert totals(now) >= LEFT
    before, requests = counted(now), states(now)
    away = now.source.rename(now.folder / "moved.away")

    outcome = sluis(now, "replay")

    assert outcome.exit_code == 0, outcome.said
    assert totals(now) == {*range(1, 15)} - LEFT
    fates = {
        name: {f: t[f] for f in ("erased", "restricted", "objected")} for name, t in outcome.json["tables"].items()
    }
    assert fates["sales"] == {"erased": 5, "restricted": 2, "objected": 2}
    assert {name: before[name] - rows for name, rows in counted(now).items()} == {
        name: sum(by_fate.values()) for name, by_fate in fates.items()
    }
    assert states(now) == requests
    away.rename(now.source)
    assert sluis(now, "erase", "verify", "--reference", "AVG-1").exit_code == 0
    run(now)
    assert totals(now) == {*range(1, 15)} - LEFT


def test_a_warehouse_that_nobody_put_back_can_be_replayed_as_well_and_stays_what_it_is(now: Place) -> None:
    before = totals(now)

    assert sluis(now, "replay").exit_code == 0

    assert totals(now) == before


@pytest.mark.parametrize("put_back", [put_back_ledger, another_ledger])
def test_replay_does_not_help_where_the_ledger_has_forgotten(
    now: Place, both: tuple[Place, Place], put_back: PutBack
) -> None:
    put_back(now, both[0])
    before = state_of(now)

    outcome = sluis(now, "replay")

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (5, "standing")
    assert "People who were taken out since could come back" in outcome.json["error"]["message"]
    assert state_of(now) == before


def without_epoch(keyring: Path, root: str, number: int) -> None:
    """Take an epoch out of a key file by hand."""
    text = keyring.read_text(encoding="utf-8")
    left, taken = re.subn(rf"\[\[{root}\]\]\nepoch = {number}\n(?:(?!\[\[).*\n)*", "", text)
    assert taken == 1, "it was there"
    keyring.write_text(left, encoding="utf-8")


def test_without_a_key_under_which_people_are_held_back_nothing_is_done(now: Place) -> None:
    rotate_root(now.keyring, "tombstones", datetime.date.today())
    without_epoch(now.keyring, "tombstones", 1)
    before = state_of(now)

    for command in ("plan", "erase list", "replay", "erase plan"):
        outcome = sluis(now, *command.split())
        assert (command, outcome.exit_code, outcome.json["error"]["kind"]) == (command, 2, "keyring"), outcome.said
        assert state_of(now) == before
    with pytest.raises(KeyringError, match="tombstones epoch 1"):
        run(now)
    assert state_of(now) == before


def dated(warehouse: Path, days_ago: int) -> None:
    """Date a published file back, as a backup of then is."""
    warehouse.chmod(0o644)
    then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days_ago)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("update sluis_meta.run set sealed_at = ?", [then])
    warehouse.chmod(0o444)


def test_a_backup_from_before_an_erasure_whose_tombstone_is_gone_cannot_be_replayed(
    shop: Place, rights_once: Place
) -> None:
    shop.change_policy("approvals: {erasure: 1}", "approvals: {erasure: 1}\ntombstones: {keep_at_least: 1 day}")
    erase(shop, "AVG-1", f"email={GUESTS}")
    shop.change_source("delete from line where sale_id in (11, 12)", "delete from sale where sale_id in (11, 12)")
    ten_days_ago = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=10)
    in_ledger(shop, "update suppression set seen_on = null, since = ?", f"{ten_days_ago:%Y-%m-%d %H:%M:%S.%f}")
    run(shop)
    assert in_ledger(shop, "select count(*) from suppression") == [(0,)]
    put_back_warehouse(shop, rights_once)

    dated(shop.warehouse, 20)
    outcome = sluis(shop, "replay")

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (5, "standing"), outcome.said
    assert "from before an erasure whose tombstone has expired" in outcome.json["error"]["message"]
    assert {11, 12} <= totals(shop), "nothing was changed"
    dated(shop.warehouse, 5)
    assert sluis(shop, "replay").exit_code == 0, "one from after it can be"
