"""`sluis check`: is the policy valid, and is the source what it describes?"""

from __future__ import annotations

import os
from typing import Any

from rich.console import Console

from cli.answer import answer
from cli.options import Output, OutputAs, Strict, common
from cli.summary import tell_warnings
from expectations.source import find_drift, refuse_drift
from privacy.policy import Policy
from privacy.policy_doubts import doubts
from privacy.policy_file import read_policy, told
from privacy.policy_lint import Join, lint
from stores.opening import open_source
from stores.settings import VARIABLES, database_url, read_text, require
from stores.source import foreign_keys


@common
def check(strict: Strict = False, output: OutputAs = Output.text) -> None:
    """Read the policy, and compare the source's tables, columns and types with it. Reads no row, writes nothing.

    Warns of joins that the policy breaks or opens between purposes, and of what a careful officer would ask about.
    Exit codes: 0 they agree · 2 the policy is refused (file, line, way out) · 3 the source cannot be reached ·
    4 the source drifted (each difference named) · 6 they agree, with warnings, under --strict.
    """
    answer(output, _compare, _render, strict)


def _compare() -> dict[str, Any]:
    require(os.environ, "source", "policy")
    path = os.environ[VARIABLES["policy"]]
    policy = read_policy(read_text(path, "policy"), path)
    schema = open_source(database_url("source", os.environ)).schema()
    refuse_drift(policy, find_drift(policy, schema))
    joins = sorted(lint(policy, foreign_keys(schema)), key=lambda join: policy.line(*join.path))
    return {
        "policy_version": policy.version,
        "tables": len(policy.tables),
        "columns": sum(len(table.columns) for table in policy.tables.values()),
        "drift": [],
        "warnings": told(policy, [*((join.path, join.what) for join in joins), *doubts(policy)]),
        "lint": [_as_json(policy, join) for join in joins],
    }


def _as_json(policy: Policy, join: Join) -> dict[str, Any]:
    return {
        "kind": join.kind,
        "table": join.end.table,
        "column": join.end.name,
        "other_table": join.other.table,
        "other_column": join.other.name,
        "line": policy.line(*join.path),
    }


def _render(console: Console, found: dict[str, Any]) -> None:
    console.print(
        f"Policy {found['policy_version']} is valid (tables: {found['tables']}, columns: {found['columns']}), "
        "and the source is what it describes."
    )
    tell_warnings(console, found["warnings"])
