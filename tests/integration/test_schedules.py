"""Prefect's scheduler works with what is installed: on SQLAlchemy 2.1 it fails, and says so in a log only."""

from __future__ import annotations

import time

from tests.prefect_server import PrefectServer


def test_a_schedule_makes_runs(orchestrator: PrefectServer) -> None:
    flow = orchestrator.ask("POST", "flows/", name="of-this-test").json()
    hourly = {"schedule": {"interval": 3600}, "active": True}
    made = orchestrator.ask("POST", "deployments/", name="hourly", flow_id=flow["id"], schedules=[hourly]).json()
    its_runs = {"deployments": {"id": {"any_": [made["id"]]}}}

    until = time.monotonic() + 90
    while not (runs := orchestrator.ask("POST", "flow_runs/filter", **its_runs).json()):
        assert time.monotonic() < until, "no run was scheduled"
        time.sleep(0.5)

    assert {(run["state"]["type"], run["auto_scheduled"]) for run in runs} == {("SCHEDULED", True)}
    orchestrator.ask("DELETE", f"deployments/{made['id']}")
