"""`sluis run`: the main job."""

from __future__ import annotations

import datetime
import os
import threading
from importlib import import_module
from typing import Annotated, Any

import typer

from cli.answer import answer
from cli.doctor.orchestrator import answers
from cli.local_prefect.temporary import start_temporary_server
from cli.options import AsOf, Output, OutputAs, Strict, common
from cli.progress import progress_shown
from cli.summary import render_run
from privacy.errors import StoreError
from privacy.evidence import RunRecord
from stores.settings import Settings
from tasks.chamber import read_rules

PREFECT_DEFAULTS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
}
"""How a run from the command line meets Prefect: it sends no statistics; the command itself tells failures."""

SLOW = ("great_expectations.expectations", "privacy.sha256", "flows.refresh_warehouse")
"""Modules that take seconds to be imported, in which Prefect's server can start."""

Full = Annotated[
    bool, typer.Option("--full", help="Read every row, although the policy would be content with those that changed.")
]


@common
def run(as_of: AsOf = None, full: Full = False, strict: Strict = False, output: OutputAs = Output.text) -> None:
    """Extract, treat, gate and publish: rebuild what analysts see.

    Nothing becomes visible unless every promise of the policy holds on all rows. Where the policy says how changed rows
    are recognised, and the warehouse can be changed in place, only these are read, and what follows from them. A
    running Prefect server (PREFECT_API_URL) is used; without one, a temporary server records the run.

    Exit codes: 0 published · 1 a promise is broken or a check crashed · 2 policy, key or usage · 3 runtime or lock ·
    4 the source drifted from the policy · 5 replay owed, or a ledger older than the warehouse · 6 warnings under
    --strict.
    """
    answer(output, lambda: refresh(output, as_of, full), render_run, strict)


def refresh(output: Output, as_of: datetime.date | None, full: bool = False) -> dict[str, Any]:
    """Run the main job's flow in this process; give its record. What is plainly wrong is told before Prefect starts."""
    read_rules(Settings.from_environment(os.environ))
    for variable, value in PREFECT_DEFAULTS.items():
        os.environ.setdefault(variable, value)
    with progress_shown(output) as show:
        show("starting Prefect", 0, 0)
        threading.Thread(target=lambda: [*map(import_module, SLOW)], daemon=True).start()
        _find_server()
        from flows.refresh_warehouse import refresh_warehouse
        from tasks.forms import RefreshOptions

        outcome: object = refresh_warehouse(RefreshOptions(as_of=as_of, rows="all" if full else "changed"))
    assert isinstance(outcome, RunRecord), "Prefect gives what the last state holds"
    return outcome.as_json()


def _find_server() -> None:
    """See that a Prefect server will record the run: the one that is named, or a temporary one."""
    from prefect.settings import Settings as PrefectSettings

    settings = PrefectSettings()
    if not settings.api.url:
        if not settings.server.ephemeral.enabled:
            raise StoreError("Prefect: no server is named, and a temporary one is not allowed.\n  Set PREFECT_API_URL.")
        start_temporary_server(settings)
    elif not answers(settings.api.url):
        raise StoreError(
            "Prefect: no server answers at PREFECT_API_URL. Nothing was changed.\n"
            "  Start it (`sluis up`, or `prefect server start`), or unset PREFECT_API_URL for a temporary one."
        )
