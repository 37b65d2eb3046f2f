"""`sluis check`: is the policy valid, and is the source what it describes?"""

from __future__ import annotations

import os
from typing import Any

from rich.console import Console

from cli.answer import answer
from cli.options import Output, OutputAs, Strict, common
from expectations.source import find_drift, refuse_drift
from privacy.policy_file import read_policy
from stores.opening import open_source
from stores.settings import VARIABLES, database_url, read_text, require


@common
def check(strict: Strict = False, output: OutputAs = Output.text) -> None:
    """Read the policy, and compare the source's tables, columns and types with it. Reads no row, writes nothing.

    Exit codes: 0 they agree · 2 the policy is refused (file, line, way out) · 3 the source cannot be reached ·
    4 the source drifted (each difference named).
    """
    answer(output, _compare, _render, strict)


def _compare() -> dict[str, Any]:
    require(os.environ, "source", "policy")
    path = os.environ[VARIABLES["policy"]]
    policy = read_policy(read_text(path, "policy"), path)
    refuse_drift(policy, find_drift(policy, open_source(database_url("source", os.environ)).schema()))
    return {
        "policy_version": policy.version,
        "tables": len(policy.tables),
        "columns": sum(len(table.columns) for table in policy.tables.values()),
        "drift": [],
        "warnings": [],
    }


def _render(console: Console, found: dict[str, Any]) -> None:
    console.print(
        f"Policy {found['policy_version']} is valid ({found['tables']} tables, {found['columns']} columns), "
        "and the source is what it describes."
    )
