"""`sluis keys destroy`: an old epoch leaves the key file with a receipt; what is needed, or newest, stays."""

from __future__ import annotations

import base64
import datetime
import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from privacy.evidence import RunRecord
from privacy.keys import Keys, RootName
from stores.keyring_file import create_keyring, read_keyring
from stores.keyring_rewrite import half_made_beside
from stores.keyring_rotation import remove_epoch, rotate_root
from stores.ledger import open_ledger
from stores.ledger.schema import HOLD, IDENTIFIER, REQUEST, SUPPRESSION
from stores.warehouse import Seal
from stores.warehouse.duckdb import DuckDBWarehouse
from tests.conftest import Outcome, Place, run_in_process

TODAY = datetime.date(2026, 3, 10)
NOON = datetime.datetime(2026, 3, 10, 12, 0, tzinfo=datetime.UTC)
MAC = "0f" * 16


@pytest.fixture(scope="module")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a ledger that knows nothing yet. Not to be changed."""
    file = tmp_path_factory.mktemp("ledger") / "ledger.sqlite"
    open_ledger(sa.make_url(f"sqlite:///{file}"))
    return file


@pytest.fixture
def office(tmp_path: Path, empty_ledger: Path) -> Place:
    """Give a ledger, and a key file with three epochs of analytics and two of the other roots."""
    made = Place(tmp_path)
    create_keyring(made.keyring, TODAY)
    for root in ("analytics", "tombstones", "analytics", "receipts"):
        rotate_root(made.keyring, root, TODAY)  # type: ignore[arg-type]
    shutil.copy2(empty_ledger, tmp_path / "ledger.sqlite")
    return made


def ledger(office: Place) -> sa.Engine:
    return open_ledger(sa.make_url(office.environment["SLUIS_LEDGER"])).engine


def destroy(office: Place, epoch: int, root: str = "analytics", *flags: str) -> Outcome:
    arguments = ("--root", root, "--epoch", str(epoch), *(flags or ("--output", "json")))
    return run_in_process("keys", "destroy", *arguments, **office.environment)


def numbers(office: Place, root: RootName = "analytics") -> list[int]:
    return [epoch.number for epoch in read_keyring(office.keyring).roots[root]]


def bodies(office: Place) -> list[dict[str, Any]]:
    """Give what the receipts say, after they have been verified."""
    shown = run_in_process("receipt", "show", "--output", "json", **office.environment).json
    places = {**office.environment, "SLUIS_WAREHOUSE": ""}
    verified = run_in_process("receipt", "verify", "--output", "json", "--head", shown["head"], **places)
    assert verified.exit_code == 0, verified.said
    return [json.loads(receipt["body"]) for receipt in shown["receipts"]]


# ── destroyed ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("epoch", [1, 2])
def test_an_old_epoch_leaves_the_key_file_with_a_receipt_and_all_else_stays(office: Place, epoch: int) -> None:
    before = read_keyring(office.keyring).roots

    outcome = destroy(office, epoch)

    assert outcome.exit_code == 0, outcome.said
    assert outcome.json["destroyed"] == {"root": "analytics", "epoch": epoch}
    assert any(sentence.startswith("Not reached: backups and other copies") for sentence in outcome.json["follows"])
    kept = tuple(each for each in before["analytics"] if each.number != epoch)
    assert read_keyring(office.keyring).roots == {**before, "analytics": kept}
    (body,) = bodies(office)
    assert (body["kind"], body["run_id"], body["tables"]) == ("key_destroyed", None, {})
    assert body["counts"] == {"analytics_epoch": epoch, "epochs_left": 2}
    assert body["proof"] == {"in_key_file_before": 1, "in_key_file_after": 0}
    assert body["receipt_id"] == outcome.json["receipt"]["receipt_id"]


def test_one_after_another_can_go_until_the_newest_is_left_and_numbers_are_not_used_again(office: Place) -> None:
    assert [destroy(office, epoch).exit_code for epoch in (2, 1)] == [0, 0]
    assert numbers(office) == [3]
    rotate_root(office.keyring, "analytics", TODAY)
    assert numbers(office) == [3, 4]
    assert [body["counts"]["epochs_left"] for body in bodies(office)] == [2, 1]


@pytest.mark.parametrize("root", ["tombstones", "receipts"])
def test_an_epoch_of_another_root_can_go_where_nothing_needs_it(office: Place, root: RootName) -> None:
    outcome = destroy(office, 1, root, "--output", "text")

    assert outcome.exit_code == 0, outcome.said
    assert f"{root} epoch 1 is destroyed; receipt 1 is of it." in outcome.stdout
    assert numbers(office, root) == [2]
    assert bodies(office)[0]["counts"] == {f"{root}_epoch": 1, "epochs_left": 1}


def test_no_root_is_shown_or_recorded(office: Place) -> None:
    roots = [epoch.root for epoch in read_keyring(office.keyring).roots["analytics"]]

    said = destroy(office, 1).said + (office.folder / "ledger.sqlite").read_bytes().decode("latin-1")

    assert not any(root.hex() in said or base64.b64encode(root).decode() in said for root in roots)


def test_the_file_of_before_is_overwritten_where_it_lay_and_so_is_a_half_made_one(office: Place) -> None:
    half_made_beside(office.keyring).write_text(office.keyring.read_text())
    with office.keyring.open("rb") as old, half_made_beside(office.keyring).open("rb") as half_made:
        assert destroy(office, 1).exit_code == 0
        assert (set(old.read()), set(half_made.read())) == ({0}, {0})

    left = sorted(path.name for path in office.folder.iterdir())
    assert left == ["keyring.toml", "ledger.sqlite", "ledger.sqlite.lock", "warehouse.duckdb.lock"]


def test_a_copy_under_another_name_is_left_to_its_owner(office: Place) -> None:
    copy = office.folder / "copy.toml"
    os.link(office.keyring, copy)
    before = copy.read_bytes()

    assert destroy(office, 1).exit_code == 0

    assert copy.read_bytes() == before
    assert numbers(office) == [2, 3]


def test_what_else_the_file_says_stays_in_it(office: Place) -> None:
    office.keyring.write_text("# kept in the safe of the second floor\n" + office.keyring.read_text() + "# the end")

    assert destroy(office, 2).exit_code == 0

    text = office.keyring.read_text()
    assert text.startswith("# kept in the safe of the second floor\n# Sluis keys.")
    assert text.endswith("# the end\n")


def test_a_published_warehouse_with_tokens_of_the_epoch_is_told(office: Place) -> None:
    publish(office, key_fingerprint=Keys(read_keyring(office.keyring).roots["analytics"][1]).fingerprint())

    follows = [destroy(office, epoch).json["follows"][0] for epoch in (1, 2)]

    assert follows[0].startswith("Not reached")
    assert follows[1] == "The published warehouse still has tokens of this epoch; `sluis run` gives them anew."


# ── a receipt for what was killed half-way ────────────────────────────────────────────────────────────────────────


def test_an_epoch_that_left_without_its_receipt_gets_one_that_says_so(office: Place) -> None:
    remove_epoch(office.keyring, "analytics", 1)

    assert destroy(office, 1).exit_code == 0

    assert [body["proof"] for body in bodies(office)] == [{"in_key_file_before": 0, "in_key_file_after": 0}]


def test_no_epoch_is_destroyed_twice(office: Place) -> None:
    destroy(office, 1)

    again = destroy(office, 1)

    assert (again.exit_code, again.json["error"]["kind"]) == (2, "usage")
    assert "analytics epoch 1 was destroyed before: receipt 1 is of it." in again.said
    assert destroy(office, 1, "tombstones").exit_code == 0


# ── refused ───────────────────────────────────────────────────────────────────────────────────────────────────────


def refused(office: Place, epoch: int, root: RootName = "analytics") -> str:
    """Give the words of a refusal that has changed nothing."""
    before = office.keyring.read_bytes()
    outcome = destroy(office, epoch, root)
    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (2, "usage"), outcome.said
    assert office.keyring.read_bytes() == before
    assert bodies(office) == []
    return str(outcome.json["error"]["message"])


@pytest.mark.parametrize(("root", "newest"), [("analytics", 3), ("tombstones", 2), ("receipts", 2)])
def test_the_newest_epoch_is_never_destroyed(office: Place, root: RootName, newest: int) -> None:
    assert f"{root} epoch {newest} is the newest" in refused(office, newest, root)


@pytest.mark.parametrize("epoch", [-1, 0, 4])
def test_an_epoch_that_never_was_is_refused(office: Place, epoch: int) -> None:
    assert f"analytics has no epoch {epoch}, and never had" in refused(office, epoch)


def publish(office: Place, index_epoch: int = 2, key_fingerprint: str = "other") -> None:
    """Publish a warehouse without rows, of which the ledger knows."""
    known, run_id = open_ledger(sa.make_url(office.environment["SLUIS_LEDGER"])), f"run-{index_epoch}"
    record = RunRecord(run_id, "test", "digest", key_fingerprint, TODAY)
    known.runs.start(run_id, "refresh", "somebody", NOON + datetime.timedelta(minutes=index_epoch))
    with DuckDBWarehouse(sa.make_url(office.environment["SLUIS_WAREHOUSE"])).candidate(run_id) as candidate:
        candidate.seal(record, Seal("refresh", known.identity(), 0, "", index_epoch, NOON))
        candidate.publish()
    known.runs.end(record, "published", NOON + datetime.timedelta(minutes=index_epoch), NOON)


def test_the_epoch_of_the_private_index_is_refused_until_the_next_publish(office: Place) -> None:
    publish(office, index_epoch=1)
    assert "tombstones epoch 1 is still needed: by it the warehouse knows whose" in refused(office, 1, "tombstones")

    publish(office, index_epoch=2)
    assert destroy(office, 1, "tombstones").exit_code == 0


def suppress(office: Place, kind: str, epoch: int = 1, lifted: bool = False, identifies: str = "customer") -> None:
    row = {
        "reference": f"{kind}-{epoch}-{lifted}",
        "identifies": identifies,
        "epoch": epoch,
        "mac": MAC,
        "kind": kind,
        "since": NOON,
        "lifted_at": NOON if lifted else None,
    }
    with ledger(office).begin() as connection:
        connection.execute(sa.insert(SUPPRESSION).values(row))


def test_an_epoch_that_suppressions_stand_under_is_refused_with_their_number(office: Place) -> None:
    for identifies in ("customer", "email"):
        suppress(office, "erased", identifies=identifies)
    for kind in ("restricted", "objected"):
        suppress(office, kind)
    suppress(office, "objected", lifted=True)
    suppress(office, "erased", epoch=2)

    said = refused(office, 1, "tombstones")

    assert "tombstones epoch 1 is still needed (tombstones: 1, restrictions and objections: 2)." in said
    assert destroy(office, 1, "analytics").exit_code == 0


@pytest.mark.parametrize("kind", ["restricted", "objected"])
def test_what_is_lifted_and_what_stands_under_another_epoch_need_it_no_more(office: Place, kind: str) -> None:
    suppress(office, kind, lifted=True)
    suppress(office, kind, epoch=2)

    assert destroy(office, 1, "tombstones").exit_code == 0


def test_an_epoch_that_a_hold_or_an_open_request_stands_under_is_refused(office: Place) -> None:
    request = {
        "request_id": "1",
        "reference": "R-1",
        "right": "erasure",
        "origin": "command",
        "actor": "officer",
        "received_at": NOON,
        "due_on": TODAY,
        "registered_at": NOON,
        "state": "registered",
        "subjects": 1,
        "closed": False,
    }
    identifier = {"request_id": "1", "subject": 1, "identifies": "email", "epoch": 1, "mac": MAC, "found_in": "request"}
    hold = {
        "hold_id": "1",
        "matter": "claim",
        "table_name": "orders",
        "epoch": 1,
        "mac": MAC,
        "origin": "command",
        "actor": "officer",
        "placed_at": NOON,
        "held_from": TODAY,
    }
    with ledger(office).begin() as connection:
        for table, row in ((REQUEST, request), (IDENTIFIER, identifier), (HOLD, hold)):
            connection.execute(sa.insert(table).values(row))

    assert "(requests: 1, legal holds: 1)" in refused(office, 1, "tombstones")

    with ledger(office).begin() as connection:
        connection.execute(sa.update(REQUEST).values(state="refused"))
        connection.execute(sa.update(HOLD).values(released_at=NOON))
    assert destroy(office, 1, "tombstones").exit_code == 0


def test_an_epoch_that_signed_receipts_is_refused(office: Place) -> None:
    destroy(office, 1)
    rotate_root(office.keyring, "receipts", TODAY)

    outcome = destroy(office, 2, "receipts")

    assert outcome.exit_code == 2
    assert "receipts epoch 2 is still needed (receipts: 1)." in outcome.said
    assert numbers(office, "receipts") == [1, 2, 3]


def test_without_a_ledger_nothing_is_destroyed_and_none_is_made(office: Place) -> None:
    (office.folder / "ledger.sqlite").unlink()

    outcome = destroy(office, 1)

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (3, "store")
    assert numbers(office) == [1, 2, 3]
    assert not (office.folder / "ledger.sqlite").exists()


def test_a_ledger_that_cannot_take_the_receipt_is_found_before_the_next_try(office: Place) -> None:
    with closing(sqlite3.connect(office.folder / "ledger.sqlite")) as connection, connection:
        connection.execute("create trigger full before insert on receipt begin select raise(abort, 'full'); end")

    assert destroy(office, 1).exit_code == 3
    assert numbers(office) == [2, 3]

    with closing(sqlite3.connect(office.folder / "ledger.sqlite")) as connection, connection:
        connection.execute("drop trigger full")
    assert destroy(office, 1).exit_code == 0
    assert len(bodies(office)) == 1


def test_a_key_file_in_another_form_is_left_to_its_owner(office: Place) -> None:
    office.keyring.write_text(office.keyring.read_text().replace("epoch = 1\n", "epoch = 1 # the first\n", 1))
    before = office.keyring.read_bytes()

    outcome = destroy(office, 1)

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (2, "keyring")
    assert "is not written as `sluis keys init` writes it. Change it by hand." in outcome.said
    assert office.keyring.read_bytes() == before
    assert bodies(office) == []
