"""Deeds in a process of their own, which kills itself (SIGKILL) when it enters a function for the n-th time."""

from __future__ import annotations

import datetime
import functools
import importlib
import multiprocessing
import os
import signal
from collections.abc import Callable
from typing import Any

from privacy.policy_file import read_policy
from tests.conftest import Place
from tests.histories.deeds import ByFunctions
from tests.place_in_postgresql import PlaceInPostgreSQL

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__])

Point = tuple[str, str]

IN_FILES: tuple[Point, ...] = (
    ("stores.warehouse.duckdb_file", "NewFile.seal"),
    ("stores.warehouse.duckdb_file", "NewFile.readable"),
    ("stores.warehouse.duckdb_live", "LiveFile.swap_in"),
    ("pathlib", "Path.rename"),
    ("pathlib", "Path.replace"),
    ("stores.warehouse.duckdb_live", "LiveFile._remove_private_files_but"),
)
IN_POSTGRESQL: tuple[Point, ...] = (
    ("stores.warehouse.postgresql_state", "NewState.seal"),
    ("stores.warehouse.postgresql_state", "NewState.readable"),
    ("stores.warehouse.postgresql_state", "NewState.publish"),
    ("stores.warehouse.postgresql_state", "NewState._publish"),
    ("stores.warehouse.postgresql_state", "NewState.close"),
)
IN_LEDGER: tuple[Point, ...] = (
    ("stores.ledger.requests", "Requests.decide"),
    ("stores.ledger.requests", "Requests.close"),
    ("stores.ledger.runs", "Runs.seal"),
    ("stores.ledger.receipts", "Receipts.append"),
    ("stores.ledger.requests", "Requests.applied"),
    ("stores.ledger.suppressions", "Suppressions.seen"),
    ("stores.ledger.suppressions", "Suppressions.expire"),
    ("stores.ledger.runs", "Runs.end"),
)
"""Functions on the way of a publish."""
POINTS_AT_MOST = len(IN_LEDGER) + len(IN_FILES)


def points_of(place: Place) -> tuple[Point, ...]:
    """Give the functions on the way of a publish at a place."""
    return (*IN_LEDGER, *(IN_POSTGRESQL if isinstance(place, PlaceInPostgreSQL) else IN_FILES))


def in_own_process(place: Place, deed: str, argument: Any, point: int, entry: int, ungated: bool) -> bool:
    """Do a deed in a process of its own; tell whether it was killed."""
    points = points_of(place)
    where = points[point % len(points)]
    process = PROCESSES.Process(target=_do, args=(place, deed, argument, *where, entry, ungated))
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL), f"{deed}: exit code {process.exitcode}"
    return process.exitcode != 0


def _do(
    place: Place, deed: str, argument: datetime.date | str, module: str, name: str, entry: int, ungated: bool
) -> None:
    if ungated:
        without_gate()
    owner, _, function = name.rpartition(".")
    kind = getattr(importlib.import_module(module), owner)
    setattr(kind, function, _deadly(getattr(kind, function), entry))
    done = getattr(ByFunctions(place), deed)(argument)
    assert done.code == 0, done.said


def _deadly(function: Callable[..., Any], entry: int) -> Callable[..., Any]:
    entries = iter(range(1, 1000))

    def entered(*arguments: Any, **named: Any) -> Any:
        if next(entries) == entry:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)

    return entered


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
