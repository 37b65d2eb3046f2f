"""Deeds in a process of their own, which kills itself (SIGKILL) when it enters a function for the n-th time."""

from __future__ import annotations

import datetime
import functools
import signal
from collections.abc import Callable
from typing import Any

from privacy.policy_file import read_policy
from tests.conftest import Place
from tests.histories.deeds import ByFunctions
from tests.interrupted import PROCESSES, Point, befalls, die

POINTS = (
    ("stores.ledger.requests", "Requests.decide"),
    ("stores.ledger.requests", "Requests.close"),
    ("stores.warehouse.duckdb_file", "NewFile.seal"),
    ("stores.warehouse.duckdb_file", "NewFile.readable"),
    ("stores.ledger.runs", "Runs.seal"),
    ("stores.warehouse.duckdb_live", "LiveFile.swap_in"),
    ("pathlib", "Path.rename"),
    ("pathlib", "Path.replace"),
    ("stores.warehouse.duckdb_live", "LiveFile._remove_private_files_but"),
    ("stores.ledger.receipts", "Receipts.append"),
    ("stores.ledger.requests", "Requests.applied"),
    ("stores.ledger.suppressions", "Suppressions.seen"),
    ("stores.ledger.suppressions", "Suppressions.expire"),
    ("stores.ledger.runs", "Runs.end"),
)
"""Functions on the way of a publish, in their order as a rule."""


def in_own_process(place: Place, deed: str, argument: Any, point: int, entry: int, ungated: bool) -> bool:
    """Do a deed in a process of its own; tell whether it was killed."""
    process = PROCESSES.Process(target=_do, args=(place, deed, argument, *POINTS[point], entry, ungated))
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL), f"{deed}: exit code {process.exitcode}"
    return process.exitcode != 0


def _do(
    place: Place, deed: str, argument: datetime.date | str, module: str, name: str, entry: int, ungated: bool
) -> None:
    if ungated:
        without_gate()
    befalls(Point(module, name, entry), die)
    done = getattr(ByFunctions(place), deed)(argument)
    assert done.code == 0, done.said


def without_gate() -> Callable[[], None]:
    """Let candidates be published without a look at their promises, and read the policy once; give what undoes it."""
    from tasks import chamber, remains

    before = chamber.pass_gate, remains.pass_gate, chamber.read_policy

    def passed(*_: Any) -> None:
        """Take the candidate for good."""

    def undo() -> None:
        chamber.pass_gate, remains.pass_gate, chamber.read_policy = before

    chamber.pass_gate = remains.pass_gate = passed
    chamber.read_policy = _read_policy
    return undo


_read_policy = functools.cache(read_policy)
