"""Deeds in a process of their own, which kills itself (SIGKILL) when it enters a function for the n-th time."""

from __future__ import annotations

import datetime
import functools
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from privacy.policy_file import read_policy
from tests.conftest import Place
from tests.histories.deeds import ByFunctions
from tests.interrupted import PROCESSES, Point, befalls, die
from tests.place_in_postgresql import PlaceInPostgreSQL

IN_FILES: tuple[Point, ...] = (
    Point("stores.warehouse.duckdb_file", "NewFile.seal"),
    Point("stores.warehouse.duckdb_file", "NewFile.readable"),
    Point("stores.warehouse.duckdb_live", "LiveFile.swap_in"),
    Point("pathlib", "Path.rename"),
    Point("pathlib", "Path.replace"),
    Point("stores.warehouse.duckdb_live", "LiveFile._remove_private_files_but"),
)
IN_POSTGRESQL: tuple[Point, ...] = (
    Point("stores.warehouse.postgresql_state", "NewState.seal"),
    Point("stores.warehouse.postgresql_state", "NewState.readable"),
    Point("stores.warehouse.postgresql_state", "NewState.publish"),
    Point("stores.warehouse.postgresql_state", "NewState._publish"),
    Point("stores.warehouse.postgresql_state", "NewState.close"),
)
IN_LEDGER: tuple[Point, ...] = (
    Point("stores.ledger.requests", "Requests.decide"),
    Point("stores.ledger.requests", "Requests.close"),
    Point("stores.ledger.runs", "Runs.seal"),
    Point("stores.ledger.receipts", "Receipts.append"),
    Point("stores.ledger.requests", "Requests.applied"),
    Point("stores.ledger.suppressions", "Suppressions.seen"),
    Point("stores.ledger.suppressions", "Suppressions.expire"),
    Point("stores.ledger.runs", "Runs.end"),
)
"""Functions on the way of a publish."""
POINTS_AT_MOST = len(IN_LEDGER) + len(IN_FILES)


def points_of(place: Place) -> tuple[Point, ...]:
    """Give the functions on the way of a publish at a place."""
    return (*IN_LEDGER, *(IN_POSTGRESQL if isinstance(place, PlaceInPostgreSQL) else IN_FILES))


def in_own_process(place: Place, deed: str, argument: Any, point: int, entry: int, ungated: bool) -> bool:
    """Do a deed in a process of its own; tell whether it was killed."""
    points = points_of(place)
    where = replace(points[point % len(points)], entry=entry)
    process = PROCESSES.Process(target=_do, args=(place, deed, argument, where, ungated))
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL), f"{deed}: exit code {process.exitcode}"
    return process.exitcode != 0


def _do(place: Place, deed: str, argument: datetime.date | str, point: Point, ungated: bool) -> None:
    if ungated:
        without_gate()
    befalls(point, die)
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
