"""`sluis doctor`: each thing that can be wrong is found, with its way out, and nothing is shown that is secret."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import metadata
from threading import Thread

import pytest

from cli.doctor import machine, postgresql_warehouse, server_source
from cli.doctor.command import CHECKS
from stores.keyring_file import read_keyring
from stores.lock import exclusive
from tests.conftest import Command, Outcome, Place, run_in_process

Doctor = Callable[..., Outcome]

OF_FILES = [check for check in CHECKS if check not in (*postgresql_warehouse.CHECKS, *server_source.CHECKS)]
"""The checks of a shop and a warehouse that are files."""


@pytest.fixture
def healthy(place: Place) -> Place:
    """Make a corner shop in which nothing is to be said against anything."""
    (place.folder / "keys").mkdir(mode=0o700)
    place.change_source("pragma journal_mode = wal")
    return place


@pytest.fixture
def doctor(healthy: Place, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """Give `sluis doctor --output json` on that shop, with the key file apart, and Prefect as a first user has it."""
    keyring = healthy.keyring.rename(healthy.folder / "keys/keyring.toml")
    for name in ("PREFECT_API_URL", "PREFECT_SERVER_ANALYTICS_ENABLED", "DO_NOT_TRACK"):
        monkeypatch.delenv(name, raising=False)
    places = {**healthy.environment, "SLUIS_KEYRING": str(keyring), "PREFECT_HOME": str(healthy.folder / "prefect")}

    def ask(*flags: str, **more: str) -> Outcome:
        return run_in_process("doctor", "--output", "json", *flags, **{**places, **more})

    return ask


def finding(outcome: Outcome, name: str) -> tuple[str, str, str]:
    """Give status, what was found, and the way out of one check."""
    (check,) = [check for check in outcome.json["checks"] if check["name"] == name]
    return check["status"], check["found"], check["hint"]


def others(outcome: Outcome, name: str) -> set[str]:
    """Give the statuses of all other checks."""
    return {check["status"] for check in outcome.json["checks"] if check["name"] != name}


def test_where_all_is_well_each_check_says_so_and_nothing_is_left_behind(doctor: Doctor, healthy: Place) -> None:
    # what SQLite and Prefect make of their own when they are opened
    theirs = {"shop.sqlite-shm", "shop.sqlite-wal", "prefect"}
    before = {path.name for path in healthy.folder.rglob("*")}

    outcome = doctor("--strict")

    assert outcome.exit_code == 0, outcome.said
    assert [check["name"] for check in outcome.json["checks"]] == [check.name for check in OF_FILES]
    assert others(outcome, "") == {"ok"}, outcome.said
    assert {check["hint"] for check in outcome.json["checks"]} == {""}
    assert {path.name for path in healthy.folder.rglob("*")} - theirs == before - theirs


def test_after_a_run_all_is_well_too(published: Place, sluis: Command) -> None:
    outcome = sluis("doctor", "--output", "json", **published.environment)

    assert outcome.exit_code == 0, outcome.said
    assert finding(outcome, "published state") == ("ok", "of Sluis, mode 0444", "")
    assert finding(outcome, "ledger")[1].startswith("last published by run 2")
    assert finding(outcome, "prefect server") == ("ok", "answers", "")


# ── what warns ────────────────────────────────────────────────────────────────────────────────────────────────────


def _rollback_journal(place: Place) -> None:
    place.change_source("pragma journal_mode = delete")


def _in_a_work_tree(place: Place) -> None:
    (place.folder / "keys/.git").mkdir()


def _open_folder(place: Place) -> None:
    (place.folder / "keys").chmod(0o777)


def _half_made_key(place: Place) -> None:
    (place.folder / "keys/keyring.toml.new").write_text("[[analytics]]")


def _killed_run(place: Place) -> None:
    (place.folder / "warehouse.duckdb.work").mkdir()


def _stale_log(place: Place) -> None:
    (place.folder / "warehouse.duckdb.wal").write_bytes(b"x")


DOUBTFUL: dict[str, tuple[Callable[[Place], None], str, str]] = {
    "journal mode": (_rollback_journal, "delete: the shop cannot write while", "`pragma journal_mode = wal`, or name"),
    "keyring place": (_in_a_work_tree, "inside a git work tree", "Move it out, so that it is never committed."),
    "keyring place ": (_open_folder, "others may write to (mode 0777)", "Run: chmod go-w "),
    "keyring place  ": (_half_made_key, "keyring.toml.new, of a rotation that was killed", "Run: rm "),
    "leftovers": (_killed_run, "warehouse.duckdb.work: a run was killed", "The next run removes it"),
    "write-ahead file": (_stale_log, "warehouse.duckdb.wal: somebody opened", "The next run removes it."),
}


@pytest.mark.parametrize("what", DOUBTFUL)
def test_what_a_run_can_live_with_is_a_warning(what: str, doctor: Doctor, healthy: Place) -> None:
    spoil, found, hint = DOUBTFUL[what]
    spoil(healthy)

    outcome, strict = doctor(), doctor("--strict")

    assert (outcome.exit_code, strict.exit_code) == (0, 6), outcome.said
    status, said, way_out = finding(outcome, what.strip())
    assert status == "warn"
    assert found in said
    assert hint in way_out
    assert others(outcome, what.strip()) == {"ok"}
    assert outcome.json["warnings"] == [f"{what.strip()}: {said}"]


def test_a_key_file_beside_the_warehouse_is_a_warning(doctor: Doctor, healthy: Place) -> None:
    beside = (healthy.folder / "keys/keyring.toml").rename(healthy.keyring)

    assert finding(doctor(SLUIS_KEYRING=str(beside)), "keyring place")[:2] == ("warn", "beside the warehouse")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_file_of_another_user_is_a_warning(doctor: Doctor, healthy: Place) -> None:
    os.chown(healthy.folder / "keys/keyring.toml", 12345, -1)

    assert finding(doctor(), "keyring place")[:2] == ("warn", "owned by user 12345")


def test_a_umask_by_which_others_could_write_the_ledger_is_a_warning(doctor: Doctor) -> None:
    before = os.umask(0o002)
    try:
        outcome = doctor()
        assert os.umask(0o002) == 0o002, "looking changed it"
    finally:
        os.umask(before)

    assert finding(outcome, "umask") == ("warn", "0002: others may write to new files", "Run under `umask 027`.")


def test_little_memory_is_a_warning(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "MEMORY_NEEDED", 1 << 60)

    status, found, hint = finding(doctor(), "memory")

    assert (status, hint) == ("warn", "A run needs up to 1 GB; give the worker more.")
    assert found.endswith(" GB free")


def test_statistics_that_prefect_would_send_are_a_warning(doctor: Doctor) -> None:
    outcome = doctor(DO_NOT_TRACK="0", PREFECT_SERVER_ANALYTICS_ENABLED="true")

    assert finding(outcome, "prefect telemetry") == (
        "warn",
        "DO_NOT_TRACK and PREFECT_SERVER_ANALYTICS_ENABLED let Prefect send statistics",
        "Run: unset DO_NOT_TRACK PREFECT_SERVER_ANALYTICS_ENABLED",
    )


def test_modes_of_published_files_that_others_changed_are_a_warning(published: Place, sluis: Command) -> None:
    published.warehouse.chmod(0o644)
    (private,) = published.folder.glob("*.private-*")
    private.chmod(0o640)

    status, found, hint = finding(sluis("doctor", "--output", "json", **published.environment), "published state")

    assert status == "warn"
    assert found == f"warehouse.duckdb has mode 0644; {private.name} has mode 0640"
    assert hint == f"Run: chmod 444 {published.warehouse}; chmod 600 {private}"


def test_the_work_folder_of_a_run_under_way_is_no_leftover(doctor: Doctor, healthy: Place) -> None:
    _killed_run(healthy)

    with exclusive(healthy.warehouse, "20260310T020000Z-first"):
        assert finding(doctor(), "leftovers") == ("ok", "none; a run is under way", "")


# ── what fails ────────────────────────────────────────────────────────────────────────────────────────────────────


def _no_policy(place: Place) -> None:
    place.policy.write_text("version: 1\n")


def _open_key_file(place: Place) -> None:
    (place.folder / "keys/keyring.toml").chmod(0o644)


def _no_source(place: Place) -> None:
    place.source.unlink()


def _damaged_source(place: Place) -> None:
    place.source.write_bytes(b"anna.canary@example.com " * 999)


def _damaged_ledger(place: Place) -> None:
    (place.folder / "ledger.sqlite").write_bytes(b"x" * 9000)


def _foreign_warehouse(place: Place) -> None:
    place.warehouse.write_bytes(b"x" * 9000)


def _policy_of_tomorrow(place: Place) -> None:
    later = place.policy.stat().st_mtime + 86_400
    os.utime(place.policy, (later, later))


BAD: dict[str, tuple[Callable[[Place], None], int, str, str]] = {
    "policy": (_no_policy, 2, "policy.yaml:1:", ""),
    "keyring": (_open_key_file, 2, "can be read by others (mode 0644).", "Run: chmod 600 "),
    "source": (_no_source, 3, "source: there is no file shop.sqlite in ", "Check --source."),
    "source ": (_damaged_source, 3, "source: shop.sqlite cannot be read (DatabaseError)", "pragma integrity_check"),
    "ledger": (_damaged_ledger, 3, "ledger: the file is damaged, or is no database.", "Put its backup back"),
    "published state": (_foreign_warehouse, 3, "warehouse: warehouse.duckdb is damaged", "move the file away"),
    "clock": (_policy_of_tomorrow, 3, " UTC, before the policy", "Set the clock: "),
}


@pytest.mark.parametrize("what", BAD)
def test_what_stops_a_run_fails_with_the_code_and_the_way_out(what: str, doctor: Doctor, healthy: Place) -> None:
    spoil, code, found, hint = BAD[what]
    spoil(healthy)

    outcome = doctor()

    status, said, way_out = finding(outcome, what.strip())
    assert status == "fail"
    assert found in said
    assert hint in way_out
    assert way_out
    assert what.strip() in outcome.json["error"]["message"].splitlines()[0]
    assert outcome.exit_code == outcome.json["error"]["code"] == code, outcome.said
    assert "canary" not in outcome.said


def test_what_is_not_set_is_named_once_and_the_rest_is_looked_at(doctor: Doctor) -> None:
    outcome = doctor(SLUIS_SOURCE="", SLUIS_KEYRING="")

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (2, "usage")
    assert finding(outcome, "settings")[1] == "not set: --source or SLUIS_SOURCE, --keyring or SLUIS_KEYRING."
    names = {check["name"] for check in outcome.json["checks"]}
    assert names & {"source", "journal mode", "disk space", "keyring", "keyring place", "clock"} == set()
    assert {"policy", "ledger", "warehouse folder", "prefect home"} <= names
    assert others(outcome, "settings") == {"ok"}


def test_a_ledger_that_is_the_source_fails(doctor: Doctor, healthy: Place) -> None:
    outcome = doctor(SLUIS_LEDGER=healthy.environment["SLUIS_SOURCE"])

    assert outcome.exit_code == 2
    assert finding(outcome, "settings")[1].startswith("--ledger names the same database as --source")


def test_a_clock_before_the_last_published_run_fails(published: Place, sluis: Command) -> None:
    with contextlib.closing(sqlite3.connect(published.folder / "ledger.sqlite")) as connection, connection:
        connection.execute("update run set started_at = '2126-03-10 02:00:00.000000'")

    outcome = sluis("doctor", "--output", "json", **published.environment)

    assert outcome.exit_code == 3
    assert finding(outcome, "clock")[1].endswith(" UTC, before the last published run")


def test_a_warehouse_without_its_folder_fails_and_nothing_in_it_is_looked_at(doctor: Doctor, healthy: Place) -> None:
    outcome = doctor(SLUIS_WAREHOUSE=f"duckdb:///{healthy.folder}/away/w.duckdb")

    assert outcome.exit_code == 2
    assert "make it first" in finding(outcome, "warehouse folder")[1]
    assert "published state" not in {check["name"] for check in outcome.json["checks"]}


def test_a_warehouse_of_a_kind_that_cannot_be_one_fails(doctor: Doctor) -> None:
    """All was well, and no run would have begun."""
    outcome = doctor(SLUIS_WAREHOUSE="sqlite:///w.sqlite")

    assert outcome.exit_code == 2
    assert "sqlite cannot be one; duckdb and postgresql can" in finding(outcome, "settings")[1]


@pytest.mark.parametrize("missing", ["policy", "source"])
def test_a_file_that_is_missing_is_told_once_and_the_clock_is_no_worse_for_it(
    missing: str, doctor: Doctor, healthy: Place
) -> None:
    getattr(healthy, missing).unlink()

    outcome = doctor()

    assert [check["name"] for check in outcome.json["checks"] if check["status"] == "fail"] == [missing]
    assert finding(outcome, "clock")[0] == "ok"


@pytest.mark.parametrize(("name", "kind"), [("warehouse", "duckdb"), ("ledger", "sqlite"), ("source", "sqlite")])
def test_a_folder_in_the_place_of_a_file_is_told_as_that(name: str, kind: str, doctor: Doctor, healthy: Place) -> None:
    """A warehouse was told as one whose rights to look at, a ledger as one on a full disk."""
    (folder := healthy.folder / "folder").mkdir()

    outcome = doctor(**{f"SLUIS_{name.upper()}": f"{kind}:///{folder}"})

    assert outcome.exit_code == 2
    assert f"--{name}: {folder} is a folder; name a file in it." in outcome.said


def test_a_full_disk_fails(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.doctor.duckdb_warehouse.LEAST_ROOM", 1 << 60)

    outcome = doctor()

    assert outcome.exit_code == 3
    assert finding(outcome, "disk space")[2].startswith("Make room on the disk of ")


def test_packages_that_do_not_work_together_fail(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = [*(metadata.requires("sluis") or ()), "fastapi==0.1.0", "sluis-of-another-shop>=1"]
    monkeypatch.setattr(metadata, "requires", lambda name: declared)
    monkeypatch.setattr(machine, "CLASHES", {"pyarrow": None, "pandas": "grpcio-that-is-not-there"})

    outcome = doctor()

    status, found, hint = finding(outcome, "packages")
    assert (outcome.exit_code, status) == (2, "fail")
    assert found == (
        f"fastapi is {metadata.version('fastapi')}, and ==0.1.0 is known to work; sluis-of-another-shop is not "
        "installed; pyarrow is installed; pandas is installed without grpcio-that-is-not-there"
    )
    assert hint == "Install what is locked by hash: `make clean`, then any make target."


def test_a_python_that_is_not_tested_fails(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "TOO_NEW", (3, 11))

    assert finding(doctor(), "python")[::2] == (
        "fail",
        "Sluis needs Python 3.11 to 3.13: make clean; make PYTHON=python3.11 test",
    )


# ── Prefect's server ──────────────────────────────────────────────────────────────────────────────────────────────


class Answering(BaseHTTPRequestHandler):
    """Answers as a server does that wants a password."""

    def do_GET(self) -> None:
        self.send_response(401)
        self.end_headers()

    def log_message(self, *said: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[int]:
    """Run an HTTP server; give its port."""
    with HTTPServer(("127.0.0.1", 0), Answering) as answering:
        Thread(target=answering.serve_forever, daemon=True).start()
        yield answering.server_port
        answering.shutdown()


def test_a_server_that_answers_is_good_even_if_it_wants_a_password(doctor: Doctor, server: int) -> None:
    outcome = doctor(PREFECT_API_URL=f"http://127.0.0.1:{server}/api")

    assert finding(outcome, "prefect server") == ("ok", "answers", "")


def test_a_server_that_does_not_answer_fails_and_its_address_is_not_shown(doctor: Doctor) -> None:
    outcome = doctor(PREFECT_API_URL="http://anna:canary-secret@127.0.0.1:9/api")

    assert outcome.exit_code == 3
    assert finding(outcome, "prefect server")[:2] == ("fail", "does not answer at PREFECT_API_URL")
    assert "canary" not in outcome.said


def test_no_server_and_no_temporary_one_fails(doctor: Doctor) -> None:
    outcome = doctor(PREFECT_SERVER_EPHEMERAL_ENABLED="false")

    assert finding(outcome, "prefect server")[::2] == ("fail", "Set PREFECT_API_URL.")


# ── what it shows ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_text_shows_a_line_for_each_check_and_its_way_out(doctor: Doctor, healthy: Place) -> None:
    _rollback_journal(healthy)

    outcome = doctor("--output", "text")

    assert outcome.exit_code == 0
    assert outcome.stdout.count("✓") == len(OF_FILES) - 1
    assert "pragma journal_mode = wal" in outcome.stdout


def test_no_key_and_no_password_is_shown(doctor: Doctor, healthy: Place) -> None:
    roots = read_keyring(healthy.folder / "keys/keyring.toml").roots
    secrets = [
        shown for (epoch,) in roots.values() for shown in (epoch.root.hex(), base64.b64encode(epoch.root).decode())
    ]

    outcome = doctor(
        SLUIS_LEDGER="postgresql+psycopg://anna:canary-secret@nowhere.example/ledger",
        SLUIS_WAREHOUSE="postgresql+psycopg://anna:canary-secret@nowhere.example/warehouse",
    )

    assert outcome.exit_code == 2
    assert not any(secret in outcome.said for secret in secrets)
    assert "canary" not in outcome.said
    assert json.loads(outcome.stdout)["checks"]
