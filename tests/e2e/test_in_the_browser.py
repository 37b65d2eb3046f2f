"""What a data engineer sees: `sluis up` in a clone, then Prefect's UI in a real browser.

`SCREENSHOTS=docs/images` makes the pictures of docs/operations.md anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.browser import Browser, browsing
from tests.conftest import Place
from tests.local_prefect import command, up
from tests.prefect_server import PrefectServer

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    made = Place(tmp_path_factory.mktemp("seen") / "shop")
    ended = command("demo", "--dir", str(made.folder), "--orders", "400", "--shop-only")
    assert ended.returncode == 0, ended.stderr
    return made


@pytest.fixture(scope="module")
def prefect(place: Place) -> Iterator[PrefectServer]:
    with up(place, place.folder / "prefect") as server:
        yield server


@pytest.fixture(scope="module")
def browser(prefect: PrefectServer) -> Iterator[Browser]:
    with browsing(prefect.url) as browser:
        yield browser


def last_run(prefect: PrefectServer) -> str:
    """Wait for the run that a person started, beside those of the schedule; give its id."""
    until = time.monotonic() + 60
    while not (runs := prefect.asked_for()):
        assert time.monotonic() < until, "no run was made"
        time.sleep(0.5)
    return str(runs[0]["id"])


def artifact(prefect: PrefectServer, key: str) -> str:
    """Give the page of the newest artifact of a key."""
    newest = {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC", "limit": 1}
    return f"artifacts/artifact/{prefect.ask('POST', 'artifacts/filter', **newest).json()[0]['id']}"


def test_the_deployments_are_there_with_their_schedules(browser: Browser) -> None:
    browser.open("deployments")

    browser.sees("refresh", "retention", "erasure-intake", "replay", "approve", "At 03:30 AM", "Ready")
    browser.picture("deployments")


def test_a_refresh_started_from_its_form_runs_to_its_end_and_shows_what_it_did(
    browser: Browser, prefect: PrefectServer, place: Place
) -> None:
    deployment = prefect.deployment("refresh-warehouse/refresh")["id"]
    browser.open(f"deployments/deployment/{deployment}/run")
    browser.sees("As of", "Moves the retention clocks", "On warnings")
    browser.picture("form")

    browser.click("Submit")
    browser.sees("Runs")
    run = last_run(prefect)
    ended = prefect.wait_for(run, seconds=300)

    assert ended["state"]["type"] == "COMPLETED", ended["state"]["message"]
    assert place.warehouse.exists()
    browser.open(f"runs/flow-run/{run}")
    browser.sees("Completed", "22 Task runs")
    browser.picture("run")
    browser.click("Artifacts")
    browser.sees("sluis-run", "sluis-gates", "sluis-rows", "sluis-expiries", "sluis-requests", "sluis-timings")


def test_its_artifacts_read_well(browser: Browser, prefect: PrefectServer) -> None:
    browser.open(artifact(prefect, "sluis-run"))
    browser.sees("published", "promises", "What deserves a look")
    browser.picture("summary")

    browser.open(artifact(prefect, "sluis-rows"))
    browser.sees("order_lines", "extracted", "Page 1 of 2")


def test_a_closed_gate_tells_what_to_do(browser: Browser, prefect: PrefectServer, place: Place) -> None:
    place.change_source("update delivery set carrier = 'nobody@example.com'")
    run = prefect.start("refresh-warehouse/refresh").json()["id"]
    assert prefect.wait_for(run, seconds=300)["state"]["type"] == "FAILED"

    browser.open(artifact(prefect, "sluis-gate-refused"))

    browser.sees("nothing was published", "deliveries.carrier", "policy.yaml:", "what to do")
    browser.picture("gate")


def test_the_automations_are_there(browser: Browser) -> None:
    browser.open("automations")

    browser.sees("sluis-crash-silent-runs", "sluis-no-refresh-for-a-day", "sluis-gate-failed")
