"""`sluis doctor`: is this machine, and what is set on it, fit for a run?"""

from __future__ import annotations

import os
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.answer import answer
from cli.doctor import (
    change_stamps,
    duckdb_warehouse,
    key_file,
    machine,
    orchestrator,
    places,
    postgresql_warehouse,
    server_source,
    standing,
)
from cli.doctor.findings import WRONG, findings
from cli.options import Output, OutputAs, Strict, common
from privacy.errors import StoreError, UsageError

CHECKS = (
    *machine.CHECKS,
    *places.CHECKS,
    *server_source.CHECKS,
    *change_stamps.CHECKS,
    *key_file.CHECKS,
    *duckdb_warehouse.CHECKS,
    *postgresql_warehouse.CHECKS,
    *standing.CHECKS,
    *orchestrator.CHECKS,
)
SIGNS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}


@common
def doctor(strict: Strict = False, output: OutputAs = Output.text) -> None:
    """Check the environment, rights, modes and settings that a run depends on; each finding says the way out.

    Changes nothing; it makes and removes an empty folder beside the warehouse, to try what publishing needs.
    Exit codes: 0 nothing fails · 2 something is set, written or installed wrongly · 3 only a machine, disk, file or
    connection is out of order · 6 warnings under --strict.
    """
    answer(output, _examine, _render, strict)


def _examine() -> dict[str, Any]:
    found = dict(findings(CHECKS, os.environ))
    shown = {
        "checks": [
            {"name": name, "status": finding.status, "found": finding.found, "hint": finding.hint}
            for name, finding in found.items()
        ],
        "warnings": [f"{name}: {finding.found}" for name, finding in found.items() if finding.status == "warn"],
    }
    if failed := [name for name, finding in found.items() if finding.status == "fail"]:
        wrong = WRONG in {finding.code for finding in found.values()}
        error = (UsageError if wrong else StoreError)(
            f"{len(failed)} of {len(found)} checks fail: {', '.join(failed)}.\n  Each says its way out; then ask again."
        )
        error.found = shown
        raise error
    return shown


def _render(console: Console, shown: dict[str, Any]) -> None:
    table = Table.grid(padding=(0, 2))
    for check in shown["checks"]:
        sign, colour = SIGNS[check["status"]]
        said = Text(check["found"])
        if check["hint"]:
            said.append(f"\n{check['hint']}", style=colour)
        table.add_row(Text(sign, style=colour), check["name"], said)
    console.print(table)
