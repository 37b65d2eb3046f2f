"""How every command answers: one object or plain text on stdout, all else on stderr, and a documented exit code."""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import typer
from rich.console import Console

from cli.options import Output
from privacy.errors import DriftError, GateError, InterruptedByUserError, SluisError, StoreError
from privacy.leak_proof import leak_proof

WARNED = 6

WHOLE = (
    "interrupted. What is published is whole: the state of before, or the new one.\n"
    "  Type the command again; what was left half done is removed or finished then."
)

Render = Callable[[Console, dict[str, Any]], None]

Verbatim = functools.partial(Console, markup=False, emoji=False)
"""A console that shows texts as they stand: those of a policy may hold [brackets], and a hundredth line reads :100:."""


def answer(output: Output, work: Callable[[], dict[str, Any]], render: Render, strict: bool = False) -> None:
    """Do the work with stdout kept clean, tell its outcome, and exit."""
    outcome: dict[str, Any] = {}
    error: SluisError | None = None
    try:
        with contextlib.redirect_stdout(sys.stderr):
            outcome = leak_proof(work)()
    except SluisError as told:
        error = told
    except KeyboardInterrupt:
        error = InterruptedByUserError(WHOLE)
    if error:
        raise typer.Exit(tell_error(output, error, render))
    unsaid = _say(sys.stdout, lambda: _show(output, outcome, render))
    if unsaid:
        untold = StoreError(f"It is done, but the answer cannot be written: {unsaid}.")
        raise typer.Exit(tell_error(Output.text, untold))
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
        _say(sys.stdout, lambda: _print_json({**found, "error": said}))
    elif render and (error.found or isinstance(error, GateError)):
        _say(sys.stderr, lambda: render(Verbatim(stderr=True), found))
    red = Verbatim(stderr=True, soft_wrap=True, style="red")
    _say(sys.stderr, lambda: red.print(f"sluis: {error}", highlight=False))
    return error.code


def _show(output: Output, outcome: dict[str, Any], render: Render) -> None:
    if output is Output.json:
        _print_json(outcome)
    else:
        render(Verbatim(), outcome)


def _print_json(outcome: dict[str, Any]) -> None:
    print(json.dumps(outcome))  # noqa: T201


def _say(stream: TextIO, write: Callable[[], None]) -> str:
    """Write to a stream to the end, or give the system's word for why not: a full disk, a reader who has gone."""
    try:
        write()
        stream.flush()
    except (OSError, SystemExit) as trouble:  # Rich makes the latter of a reader who has gone
        # or Python would try to write the rest as it ends, and end with a code of its own
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())
        return os.strerror(getattr(trouble, "errno", None) or errno.EPIPE)
    return ""
