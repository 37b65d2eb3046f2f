"""What one sees of a run in Prefect: artifacts, events and assets, on a real server; without one, nothing is missed."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from prefect import flow

import tasks.shown
from privacy.errors import DriftError
from tasks.load_progress import LoadProgress
from tests.conftest import Command, Outcome, Place
from tests.prefect_server import PrefectServer

Run = Callable[..., Outcome]


def artifacts(server: PrefectServer) -> dict[str, dict[str, Any]]:
    """Give the artifacts of the last flow run, by key."""
    of_it = {"flow_runs": {"id": {"any_": [server.asked_for()[0]["id"]]}}}
    return {found["key"]: found for found in server.ask("POST", "artifacts/filter", **of_it).json()}


def events(server: PrefectServer, name: str, of: str, after: datetime | None = None) -> list[dict[str, Any]]:
    """Wait for the events of a name that are of one thing, and did not occur before a moment, and give them."""
    wanted: dict[str, Any] = {"event": {"prefix": [name]}}
    if after:
        wanted["occurred"] = {"since": after.isoformat()}
    for _ in range(60):
        found = server.ask("POST", "events/filter", filter=wanted, limit=50).json()["events"]
        if mine := [event for event in found if event["resource"]["prefect.resource.id"].endswith(of)]:
            return mine
        time.sleep(0.25)
    return []


def test_a_published_run_is_summed_up_and_told_in_tables(orchestrator: PrefectServer, place: Place, run: Run) -> None:
    told = run().json

    shown = artifacts(orchestrator)

    assert shown.keys() == {
        "sluis-run",
        "sluis-rows",
        "sluis-gates",
        "sluis-expiries",
        "sluis-requests",
        "sluis-timings",
    }
    assert told["run_id"] in shown["sluis-run"]["data"]
    assert {row["table"] for row in _rows(shown["sluis-rows"])} == told["tables"].keys()


def _rows(artifact: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(artifact["data"])
    return rows


def test_published_tables_are_assets_made_of_source_tables_and_their_keys_name_no_place(
    orchestrator: PrefectServer, place: Place, run: Run
) -> None:
    assert run().exit_code == 0

    (made, *_) = events(
        orchestrator, "prefect.asset.materialization.succeeded", "corner-shop/warehouse/analytics/sales"
    )

    assert "sluis://corner-shop/source/sale" in {related["prefect.resource.id"] for related in made["related"]}
    assert made["payload"]["published"] == len(place.rows("select 1 from analytics.sales"))
    assert str(place.folder) not in str(made)


def test_a_closed_gate_shows_what_to_do_and_is_an_event_with_counts(
    orchestrator: PrefectServer, place: Place, run: Run
) -> None:
    says_nothing = "because: Says nothing of anybody."
    line = place.change_policy(says_nothing, says_nothing + ", promises: [{kind: in_values, values: [nowhere]}]")
    outcome = run()
    assert outcome.exit_code == 1

    shown = artifacts(orchestrator)

    assert f"policy.yaml:{line}" in shown["sluis-gate-refused"]["data"]
    assert "what to do" in shown["sluis-gate-refused"]["data"]
    assert _rows(shown["sluis-gates"])[0]["result"] == "broken"
    (event,) = events(orchestrator, "sluis.gate.failed", outcome.json["run_id"])
    assert event["payload"]["broken"] == 1
    assert event["payload"].keys() == {"passed", "broken", "crashed", "rows"}


def test_drift_is_shown_and_is_an_event_with_counts(orchestrator: PrefectServer, place: Place, run: Run) -> None:
    place.change_source("alter table buyer add column bsn text", "create table surprise (id integer)")
    began = datetime.now(UTC)
    assert run().exit_code == 4

    shown = artifacts(orchestrator)

    assert {(row["kind"], row["table"]) for row in _rows(shown["sluis-drift"])} == {
        ("new_column", "buyer"),
        ("new_table", "surprise"),
    }
    (event,) = events(orchestrator, "sluis.drift.found", "source", after=began)
    assert event["payload"] == {"new_column": 1, "new_table": 1}


def test_an_applied_erasure_is_an_event_with_counts(orchestrator: PrefectServer, shop: Place, sluis: Command) -> None:
    asked = shop.folder / "asked.txt"
    with contextlib.closing(sqlite3.connect(shop.source)) as source:
        (buyer,) = source.execute("select max(buyer_id) from sale").fetchone()
    asked.write_text(f"buyer_id={buyer}\n")
    registered = sluis("erase", "request", "--subject-file", str(asked), "--reference", "R-1", **shop.environment)
    assert registered.exit_code == 0, registered.said
    told = sluis("run", "--output", "json", **shop.environment).json

    (event,) = events(orchestrator, "sluis.erasure.applied", told["run_id"])

    assert event["payload"]["requests"] == 1
    assert sum(event["payload"]["rows_by_table"].values()) == sum(t["erased"] for t in told["tables"].values()) > 0


def test_a_run_that_cannot_be_shown_is_published_all_the_same_and_warned_of_once(
    orchestrator: PrefectServer,
    place: Place,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def lost(*_: Any, **__: Any) -> None:
        raise ConnectionError("anna.canary@example.com")

    monkeypatch.setattr(tasks.shown, "create_markdown_artifact", lost)

    outcome = run()

    assert outcome.exit_code == 0, outcome.said
    assert outcome.json["published"]
    assert [message for message in caplog.messages if "not shown" in message] == [
        "The run is not shown in full: builtins.ConnectionError."
    ]


def test_outside_a_flow_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")

    tasks.shown.show_refusal(DriftError("nothing of it is sent"))


def test_a_long_extract_has_a_bar_that_ends_at_its_end(orchestrator: PrefectServer) -> None:
    @flow
    def extract() -> None:
        progress = LoadProgress("sale", every=0)
        for done in (0, 25, 100):
            progress("sale", done, 100)

    extract()

    (bar,) = artifacts(orchestrator).values()
    assert (bar["type"], float(bar["data"])) == ("progress", 100.0)


def test_a_short_extract_has_none_and_one_that_cannot_be_shown_goes_on(orchestrator: PrefectServer) -> None:
    @flow
    def extract() -> None:
        LoadProgress("sale")("sale", 100, 100)

    extract()

    assert artifacts(orchestrator) == {}
    outside = LoadProgress("sale", every=0)
    outside("sale", 1, 0)
    outside("sale", 1, 2)
