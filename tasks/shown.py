"""What one sees of a run in Prefect: artifacts, events, assets. When the server is lost, the run does without."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.context import FlowRunContext
from prefect.events import emit_event

from privacy.errors import DriftError, GateError, SluisError
from privacy.evidence import RunRecord
from privacy.leak_proof import class_name
from privacy.policy import Policy
from privacy.policy_file import read_policy
from stores.ledger import open_ledger
from stores.opening import open_warehouse
from stores.settings import Settings, read_text
from tasks import run_report as report
from tasks.lineage import tell_lineage

GATE_FAILED = "sluis.gate.failed"
DRIFT_FOUND = "sluis.drift.found"
ERASURE_APPLIED = "sluis.erasure.applied"

RUNS_LOOKED_AT = 100
"""Among how many of the last runs those are sought that read as this one did: all rows, or what changed."""


def show_run(record: RunRecord) -> None:
    """Show what a publish did, within the flow run that made it."""
    _unhindered(lambda: _show_run(record))


def show_refusal(error: SluisError) -> None:
    """Show why a run was refused: by a gate, or because the source is not what the policy describes."""
    if isinstance(error, GateError):
        _unhindered(lambda: _show_gate(error))
    elif isinstance(error, DriftError):
        _unhindered(lambda: _show_drift(error))


def _show_run(record: RunRecord) -> None:
    settings = Settings.from_environment(os.environ, source_needed=False)
    policy, ledger = _policy(settings), open_ledger(settings.ledger)
    runs = report.comparable(record, ledger.runs.recent(record.kind, RUNS_LOOKED_AT))
    create_markdown_artifact(report.summary(record, policy, runs), key="sluis-run", description="What the run did.")
    _table("sluis-rows", "What became of each table's rows.", report.counts(record))
    _table("sluis-gates", "Promises by table, with the policy's lines.", report.gates(record, policy))
    leaving = open_warehouse(settings.warehouse).rows_by_expiry() or {}
    _table("sluis-expiries", "What leaves in the year to come.", report.expiries(leaving, record.as_of))
    _table("sluis-requests", "Requests of people, by state.", report.requests_by_state(ledger.requests.list()))
    _table("sluis-timings", "This run and those before that read as it did.", report.timings(runs))
    tell_lineage(record, policy)
    if applied := record.requests["applied"]:
        erased = {name: rows for name, table in record.as_json()["tables"].items() if (rows := table["erased"])}
        _tell(ERASURE_APPLIED, record.run_id, {"requests": applied, "rows_by_table": erased})


def _show_gate(error: GateError) -> None:
    assert error.record, "a gate tells what it found"
    policy = _policy(Settings.from_environment(os.environ, source_needed=False))
    text = report.refused(error, Path(policy.file).name)
    create_markdown_artifact(text, key="sluis-gate-refused", description="Why nothing was published.")
    _table("sluis-gates", "Promises by table, with the policy's lines.", report.gates(error.record, policy))
    found = error.record.gates
    told = {"passed": found.passed, "broken": len(found.failed), "crashed": len(found.crashed)}
    _tell(GATE_FAILED, error.record.run_id, told | {"rows": sum(failed.rows or 0 for failed in found.failed)})


def _show_drift(error: DriftError) -> None:
    _table("sluis-drift", "How source and policy differ.", report.drifted(error))
    _tell(DRIFT_FOUND, "source", dict(Counter(str(found["kind"]) for found in error.drift)))


def _policy(settings: Settings) -> Policy:
    return read_policy(read_text(settings.policy, "policy"), str(settings.policy))


def _table(key: str, description: str, rows: report.Rows) -> None:
    create_table_artifact(rows, key=key, description=description)


def _tell(event: str, of: str, payload: dict[str, Any]) -> None:
    """Send an event: numbers and names of tables only."""
    emit_event(event=event, resource={"prefect.resource.id": f"sluis.{of}"}, payload=payload)


def _unhindered(show: Callable[[], None]) -> None:
    """Show within a flow run; whatever goes wrong is told once, by its class, and stops nothing."""
    if FlowRunContext.get() is None:
        return
    try:
        show()
    except Exception as error:
        logging.getLogger("prefect.sluis").warning("The run is not shown in full: %s.", class_name(error))
