"""How every command answers: one object or plain text on stdout, all else on stderr, and a documented exit code."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable
from typing import Any

import typer
from rich.console import Console

from cli.options import Output
from privacy.errors import DriftError, GateError, SluisError
from privacy.leak_proof import leak_proof

WARNED = 6

Render = Callable[[Console, dict[str, Any]], None]


def answer(output: Output, work: Callable[[], dict[str, Any]], render: Render, strict: bool = False) -> None:
    """Do the work with stdout kept clean, tell its outcome, and exit."""
    outcome, error = {}, None
    try:
        with contextlib.redirect_stdout(sys.stderr):
            outcome = leak_proof(work)()
    except SluisError as told:
        error = told
    if error:
        raise typer.Exit(tell_error(output, error, render))
    if output is Output.json:
        print(json.dumps(outcome))  # noqa: T201
    else:
        render(Console(), outcome)
    if strict and outcome.get("warnings"):
        raise typer.Exit(WARNED)


def tell_error(output: Output, error: SluisError, render: Render | None = None) -> int:
    """Tell an error in words or as JSON, with what the run or the inspection found; give the exit code."""
    found = dict(error.found)
    if isinstance(error, GateError) and error.record:
        found = error.record.as_json()
    if isinstance(error, DriftError):
        found = {"drift": [dict(item) for item in error.drift]}
    if output is Output.json:
        said = {"code": error.code, "kind": error.kind, "message": str(error)}
        print(json.dumps({**found, "error": said}))  # noqa: T201
    elif render and (error.found or isinstance(error, GateError)):
        render(Console(stderr=True), found)
    Console(stderr=True, soft_wrap=True).print(f"sluis: {error}", style="red", markup=False, highlight=False)
    return error.code
