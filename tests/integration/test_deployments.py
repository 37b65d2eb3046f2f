"""Deployments on a real server and a real worker: started from their forms, refused, cancelled."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Place
from tests.prefect_server import MAKE_POOL, POOL, PrefectServer
from tests.rights_shop import ANNA, counted, in_ledger, states, totals, wish

ROOT = Path(__file__).resolve().parents[2]
REFRESH, RETENTION, INTAKE = "refresh-warehouse/refresh", "apply-retention/retention", "take-requests-in/erasure-intake"
REPLAY, APPROVE = "replay-warehouse/replay", "approve-plan/approve"

HELD_UP = """\
import time
from pathlib import Path


def held_up(column, beside):
    while Path("hold").exists():  # in SLUIS_HOME
        Path("reached").touch()
        time.sleep(0.1)
    return column
"""
KEPT = "channel: {type: text, role: non_personal, treatment: keep, because: Says nothing of anybody.}"
OWN = "{kind: custom, function: shop_functions:held_up, gives: text}, promises: [{kind: in_values, values: [web]}]"
SLOW = KEPT.replace("treatment: keep", f"treatment: {OWN}")

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def deployed(orchestrator: PrefectServer) -> PrefectServer:
    """Deploy all from the clone, as its user does."""
    for command in (MAKE_POOL, ("deploy", "--all")):
        done = orchestrator.prefect(*command, cwd=ROOT)
        assert done.returncode == 0, done.stdout + done.stderr
    return orchestrator


@pytest.fixture(scope="module")
def at(deployed: PrefectServer, rights_once: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Give a shop whose worker is at work; a file `hold` there holds runs of the main job up."""
    place = Place(tmp_path_factory.mktemp("worked") / "shop")
    shutil.copytree(rights_once.folder, place.folder)
    (place.folder / "shop_functions.py").write_text(HELD_UP)
    place.change_policy(KEPT, SLOW)
    environment = {
        **place.environment,
        "SLUIS_POLICY": "policy.yaml",  # from SLUIS_HOME on
        "SLUIS_HOME": str(place.folder),
        "PYTHONPATH": str(place.folder),
    }
    with deployed.worker(environment, place.folder.with_name("worker.log")):
        yield place


def run(server: PrefectServer, deployment: str, **parameters: Any) -> dict[str, Any]:
    """Start a run as a form does, and wait for its end."""
    answer = server.start(deployment, **parameters)
    assert answer.status_code == 201, answer.text
    return server.wait_for(answer.json()["id"])


def ending(run: dict[str, Any]) -> tuple[str, str]:
    return run["state"]["name"], run["state"]["message"] or ""


# ── what the server has ───────────────────────────────────────────────────────────────────────────────────────────


def test_all_deployments_of_a_clone_are_there_with_their_forms(deployed: PrefectServer) -> None:
    for name in (REFRESH, RETENTION, INTAKE, REPLAY, APPROVE):
        found = deployed.deployment(name)

        assert found["enforce_parameter_schema"] is True
        assert found["description"].startswith("**")
        assert found["global_concurrency_limit"]["limit"] == 1
        assert found["concurrency_options"]["collision_strategy"] == ("CANCEL_NEW" if name == INTAKE else "ENQUEUE")
        assert found["parameter_openapi_schema"]["definitions"]
        assert found["work_pool_name"] == POOL
    assert [one["slug"] for one in deployed.deployment(REFRESH)["schedules"]] == ["nightly"]
    assert deployed.deployment(APPROVE)["schedules"] == []


WRONG = {
    "a word for a day": (REFRESH, {"options": {"as_of": "yesterday"}}),
    "a month that is none": (REFRESH, {"options": {"as_of": "2026-13-01"}}),
    "a choice that is none": (REFRESH, {"options": {"on_warnings": "ignore"}}),
    "a field that is none": (REFRESH, {"options": {"source": "shop"}}),
    "fewer than nobody": (INTAKE, {"options": {"apply_at_most": -1}}),
    "more than anybody wants": (INTAKE, {"options": {"apply_at_most": 1001}}),
    "half a hash": (APPROVE, {"approval": {"plan_hash": "0f0f", "stated_name": "second.officer"}}),
    "nobody": (APPROVE, {"approval": {"plan_hash": "0f" * 32, "stated_name": " "}}),
    "no plan": (APPROVE, {}),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_parameter_is_refused_before_a_run_starts(deployed: PrefectServer, wrong: str) -> None:
    deployment, parameters = WRONG[wrong]
    before = len(deployed.asked_for())

    answer = deployed.start(deployment, **parameters)

    assert answer.status_code in (409, 422), answer.text
    assert len(deployed.asked_for()) == before


# ── what a worker does ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_main_job_started_from_its_form_is_completed_and_says_what_it_did(
    deployed: PrefectServer, at: Place
) -> None:
    name, message = ending(run(deployed, REFRESH, options={"as_of": None, "on_warnings": "report"}))

    assert name == "Completed", message
    assert message.startswith("Published as of ")
    assert counted(at) == {"buyers": 4, "sales": 14, "lines": 28}


def test_a_request_leaves_by_the_intake(deployed: PrefectServer, at: Place) -> None:
    wish(at, "AVG-1", "forget me", (ANNA, None))

    name, message = ending(run(deployed, INTAKE))

    assert name == "Completed", message
    assert states(at) == {"AVG-1": "applied"}
    assert 1 not in totals(at)


def test_a_cancelled_run_leaves_what_was_published_and_the_next_one_works(deployed: PrefectServer, at: Place) -> None:
    (at.folder / "hold").touch()
    before = at.fingerprint()
    answer = deployed.start(REFRESH)
    assert answer.status_code == 201, answer.text
    started = answer.json()["id"]
    _wait_for(at.folder / "reached")

    deployed.cancel(started)
    cancelled = deployed.wait_for(started, "CANCELLED")

    (at.folder / "hold").unlink()
    assert ending(cancelled)[0] == "Cancelled"
    assert at.fingerprint() == before
    assert ending(run(deployed, REFRESH))[0] == "Completed"
    assert at.fingerprint() != before
    assert in_ledger(at, "select count(*) from run where state = 'running'") == [(0,)]
    assert not [file for file in at.folder.iterdir() if "staging" in file.name or "candidate" in file.name]


def test_a_policy_that_is_not_there_ends_in_a_state_that_says_so(deployed: PrefectServer, at: Place) -> None:
    away = at.policy.rename(at.policy.with_name("away.yaml"))
    try:
        found = run(deployed, RETENTION)
    finally:
        away.rename(at.policy)

    assert found["state"]["type"] == "FAILED"
    way_out = "Name a file that is there, may be read, and is text in UTF-8."
    assert ending(found) == ("Failed", f"policy policy.yaml cannot be read (FileNotFoundError).\n  {way_out}")


def test_a_parameter_beside_the_form_which_the_api_lets_pass_stops_the_run(deployed: PrefectServer, at: Place) -> None:
    before = at.fingerprint()

    found = run(deployed, RETENTION, source="shop")

    assert found["state"]["type"] in ("FAILED", "CRASHED")
    assert at.fingerprint() == before


def _wait_for(file: Path) -> None:
    deadline = time.monotonic() + 120
    while not file.exists():
        assert time.monotonic() < deadline, f"{file.name} was not made"
        time.sleep(0.2)
