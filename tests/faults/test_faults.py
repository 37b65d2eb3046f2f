"""Whatever befalls a publish wherever on its way, analysts see the whole state of before or the whole new one; and the
next run makes what an undisturbed one would have made, and leaves nothing of the trouble behind.
"""

from __future__ import annotations

import contextlib
import functools
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from stores.ledger import open_ledger
from stores.settings import Settings
from tests.conftest import Place
from tests.faults.points import STAGES, Stage
from tests.faults.shop import CANARIES, Ended, State, copied, do, files, make, state
from tests.faults.troubles import fill_the_disk, pull_the_disk, put_it_back
from tests.histories.evidence import look, request_states, run_states
from tests.in_chamber import run_in_chamber
from tests.interrupted import PROCESSES, befalls, die

TROUBLES = ("killed", "disk full", "disk gone")

QUICK = {
    ("killed", "run: a table is staged"),
    ("killed", "erasure: the rename is done"),
    ("disk full", "run: before a table is staged"),
    ("disk gone", "run: between two suites of the gate"),
    ("disk gone", "erasure: rows are doomed"),
}
"""What `make test` tries; the others are long."""

CASES = [
    pytest.param(trouble, stage, marks=() if (trouble, str(stage)) in QUICK else pytest.mark.long)
    for trouble in TROUBLES
    for stage in STAGES
]


def trouble_of(name: str, place: Place) -> Callable[[], None]:
    """Give what happens to the process that it befalls."""
    return {"killed": die, "disk full": fill_the_disk, "disk gone": functools.partial(pull_the_disk, place.folder)}[
        name
    ]


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, str]:
    """Make the shop once, with a plan. Not to be changed: tests take a copy."""
    place = Place(tmp_path_factory.mktemp("faults") / "shop")
    place.folder.mkdir()
    return place, make(place)


@pytest.fixture(scope="module")
def undisturbed(once: tuple[Place, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[State, dict]]:
    """Give what each way publishes undisturbed, and what is read by a run after it."""
    found = {}
    for way in ("run", "erasure"):
        place = copied(once[0], tmp_path_factory.mktemp("undisturbed") / way)
        assert do(place, way, once[1]) == Ended(0)
        found[way] = state(place), run_in_chamber(place).content
    return found


def meet(pipe: Connection, place: Place, stage: Stage, trouble: str, plan: str) -> None:
    """Go the way in this process until trouble comes; tell how it ended."""
    befalls(stage.point, trouble_of(trouble, place))
    pipe.send(do(place, stage.way, plan))


def met(place: Place, stage: Stage, trouble: str, plan: str) -> Ended | None:
    """Let a process of its own meet trouble; None if it was killed."""
    ours, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=meet, args=(theirs, place, stage, trouble, plan))
    process.start()
    theirs.close()
    ended: Ended | None = None
    with contextlib.suppress(EOFError):
        ended = ours.recv()
    process.join()
    put_it_back(place.folder)
    assert process.exitcode == (-signal.SIGKILL if ended is None else 0), process.exitcode
    return ended


@pytest.mark.parametrize(("trouble", "stage"), CASES, ids=str)
def test_trouble_leaves_a_whole_state_and_the_next_run_makes_what_it_should(
    trouble: str, stage: Stage, once: tuple[Place, str], undisturbed: dict[str, tuple[State, dict]], tmp_path: Path
) -> None:
    place, plan = copied(once[0], tmp_path / "shop"), once[1]
    before, bytes_before = state(place), place.fingerprint()

    ended = met(place, stage, trouble, plan)

    if stage.published or (stage.written and trouble == "disk full"):
        assert whole(state(place), undisturbed[stage.way][0])
    else:
        assert state(place) == before
        assert place.fingerprint() == bytes_before
    check_what_was_told(ended, trouble, stage)
    check_the_next_run(place, undisturbed)


def whole(found: State, wanted: State) -> bool:
    """Compare two states but for the run that made them."""
    return found.run != wanted.run and vars(found) == {**vars(wanted), "run": found.run}


def check_what_was_told(ended: Ended | None, trouble: str, stage: Stage) -> None:
    """See that the error says what to do, under the right code, and nothing of anybody."""
    if trouble == "killed":
        assert ended is None
        return
    assert ended, "only a kill kills"
    assert (ended.code, ended.kind) == (3, "store") or (ended.code == 0 and stage.published), ended
    assert not any(canary in ended.said.lower() for canary in CANARIES), ended
    if ended.code:
        assert "\n  " in ended.said, f"no way out is told: {ended.said}"


def check_the_next_run(place: Place, undisturbed: dict[str, tuple[State, dict]]) -> None:
    """See that a run heals all: the state that should be, each thing done once, and no trace of the trouble."""
    record = run_in_chamber(place)

    wanted, content = undisturbed["run"]
    assert record.content == content
    assert whole(state(place), wanted)
    assert files(place) == sorted(
        ["keyring.toml", "ledger.sqlite", "ledger.sqlite.lock", "policy.yaml", "shop.next", "shop.sqlite"]
        + ["warehouse.duckdb"] * 2
        + ["warehouse.duckdb.lock"]
    )
    seen = look(place)
    assert seen.faults == ()
    assert len(set(seen.receipts)) == len(seen.receipts), "a run has two receipts"
    assert request_states(place) == {"R-1": "applied"}
    runs = run_states(place)
    assert runs[seen.run] == "published"
    assert {run for run, how in runs.items() if how == "published"} == {*seen.receipts}
    assert set(runs.values()) <= {"published", "failed", "abandoned"}
    assert open_ledger(Settings.from_environment(place.environment).ledger).lock.holder() is None
