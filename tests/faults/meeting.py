"""Let a process meet trouble at a stage of its way, and see that all is whole, then and after the next run."""

from __future__ import annotations

import contextlib
import datetime
import functools
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from privacy.evidence import RunRecord
from stores.settings import Settings
from tests.faults.homes import Ended, Home, OnServer, State
from tests.faults.points import Stage
from tests.faults.shop import CANARIES, do
from tests.faults.troubles import cut_connections, fill_the_disk, fill_the_log, pull_the_disk, set_the_clock
from tests.in_chamber import run_in_chamber
from tests.interrupted import PROCESSES, Point, befalls, die

CUT, FULL, LOG_FULL = "connections cut", "the server's disk full", "its write-ahead log's disk full"
ON_SERVER = (CUT, FULL, LOG_FULL)

CLOCKS = {"clock back": datetime.timedelta(hours=-1000), "clock forth": datetime.timedelta(hours=1000)}
"""No trouble, if all is well: a run goes by the time at which it began."""


@dataclass(frozen=True)
class Undisturbed:
    """What each way publishes when nothing befalls it, and what a run reads."""

    states: dict[str, State]
    content: dict[str, str]


def undisturbed(home: Home, plan: str, folder: Path) -> Undisturbed:
    """Go each way on a copy of its own."""
    states, record = {}, None
    for way in ("run", "erasure"):
        place = home.copied(folder / way)
        assert do(place.environment, way, plan) == Ended(0)
        states[way] = place.state()
        record = run(place)
    assert record
    return Undisturbed(states, record.content)


def trouble_of(name: str, home: Home) -> Callable[[], None]:
    """Give what happens to the process that it befalls."""
    if name == CUT:
        assert isinstance(home, OnServer)
        server = home.server.url.set(drivername="postgresql").render_as_string(False)
        return functools.partial(cut_connections, server, home.cut)
    if name == LOG_FULL:
        assert isinstance(home, OnServer)
        assert home.disk
        server = home.server.url.set(drivername="postgresql").render_as_string(False)
        return functools.partial(fill_the_log, server, home.disk)
    if name == FULL:
        assert isinstance(home, OnServer)
        assert home.disk
        return home.disk.fill
    if name in CLOCKS:
        return functools.partial(set_the_clock, CLOCKS[name])
    return {
        "killed": die,
        "disk full": fill_the_disk,
        "disk gone": functools.partial(pull_the_disk, home.folder),
    }[name]


def meet(
    pipe: Connection, point: Point, trouble: Callable[[], None], environment: dict[str, str], way: str, plan: str
) -> None:
    """Go the way in this process until trouble comes; tell how it ended."""
    befalls(point, trouble)
    pipe.send(do(environment, way, plan))


def met(home: Home, point: Point, trouble: str, way: str, plan: str) -> Ended | None:
    """Let a process of its own meet trouble; None if it was killed."""
    ours, theirs = PROCESSES.Pipe()
    arguments = (theirs, point, trouble_of(trouble, home), home.environment, way, plan)
    process = PROCESSES.Process(target=meet, args=arguments)
    process.start()
    theirs.close()
    ended: Ended | None = None
    with contextlib.suppress(EOFError):
        ended = ours.recv()
    process.join()
    home.bring_back()
    assert process.exitcode in (_KILLED_BY[trouble] if ended is None else (0,)), process.exitcode
    return ended


def check(home: Home, stage: Stage, point: Point, trouble: str, plan: str, wanted: Undisturbed) -> None:
    """See that trouble leaves the state of before or the whole new one, and that the next run heals all."""
    before = home.state()

    ended = met(home, point, trouble, stage.way, plan)

    done = (
        stage.published
        or trouble in CLOCKS
        or (stage.written and trouble == "disk full")
        or (ended == Ended(0) and trouble in ON_SERVER)
    )
    found = home.state()
    new = found.is_like(wanted.states[stage.way])
    either = trouble in (FULL, LOG_FULL) and new  # the last step may have found room yet that what follows it did not
    assert new if done else found == before or either, ended
    _check_what_was_told(ended, trouble, done)
    _check_the_next_run(home, wanted)


def run(home: Home) -> RunRecord:
    """Run undisturbed."""
    return run_in_chamber(Settings.from_environment(home.environment))


def _check_what_was_told(ended: Ended | None, trouble: str, done: bool) -> None:
    """See that the error says what to do, under the right code, and nothing of anybody."""
    if ended is None:
        return
    assert (ended.code == 3 and ended.kind in _KINDS[trouble]) or (ended.code == 0 and done), ended
    assert not any(canary in ended.said.lower() for canary in CANARIES), ended
    if ended.code:
        assert "\n  " in ended.said, f"no way out is told: {ended.said}"
        not_let_in = "(OperationalError)" in ended.said  # of that a driver learns no reason
        assert trouble != FULL or not_let_in or "disk" in ended.said, ended


_KILLED_BY: dict[str, tuple[int, ...]] = {
    "killed": (-signal.SIGKILL,),
    "disk gone": (-signal.SIGABRT,),
    **dict.fromkeys(("disk full", *ON_SERVER, *CLOCKS), ()),
}
"""What may end the process itself: DuckDB gives up at once where a file that it is to close is no file any more."""

_KINDS = {
    **dict.fromkeys(("disk full", "disk gone", FULL), ("store",)),
    CUT: ("connection",),
    LOG_FULL: ("connection", "store"),
    **dict.fromkeys(CLOCKS, ()),
}


def _check_the_next_run(home: Home, wanted: Undisturbed) -> None:
    """See that the next run makes what it should, each thing is done once, and there is no trace of the trouble."""
    record = run(home)

    assert record.content == wanted.content
    assert home.state().is_like(wanted.states["run"])
    assert home.left_behind() == []
    receipts, faults = home.receipts()
    assert faults == ()
    assert len(set(receipts)) == len(receipts), "a run has two receipts"
    assert [request.state for request in home.ledger.requests.list()] == ["applied"]
    runs = home.runs()
    assert runs[record.run_id] == "published"
    assert {run for run, how in runs.items() if how == "published"} == {*receipts}
    assert {*runs.values()} <= {"published", "failed", "abandoned"}
    assert home.locked_by() == []
    assert home.ledger.lock.holder() is None
