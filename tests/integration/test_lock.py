"""The lock of ledger and warehouse: one change at a time, whose holder is named; nothing of it outlives its process."""

from __future__ import annotations

import contextlib
import datetime
import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import stores.ledger.lock
from privacy.errors import LockError, StoreError
from stores.ledger import Ledger, look_at_ledger, open_ledger
from stores.ledger.schema import LOCK, RUN
from stores.lock import exclusive
from stores.settings import Settings
from tasks.chamber import open_chamber
from tests.conftest import Outcome, Place, run_in_process
from tests.in_chamber import run_in_chamber
from tests.postgres import PostgresServer

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["cli.main", "great_expectations", __name__])

HOUR = datetime.timedelta(hours=1)

Wait = Callable[[], Any]


@contextmanager
def elsewhere(work: Callable[..., None], *arguments: Any) -> Iterator[tuple[Connection, Any]]:
    """Do some work in a process of its own, which says when it has begun, and goes on when it is told to."""
    ours, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=work, args=(theirs, *arguments))
    process.start()
    try:
        assert ours.recv() == "begun"
        yield ours, process
    finally:
        with contextlib.suppress(OSError):
            ours.send("go on")
        process.join()


def hold(pipe: Connection, url: str, run_id: str) -> None:
    """Hold the lock until told to go on."""
    lock = open_ledger(sa.make_url(url)).lock
    with lock.taken(), lock.noted(run_id, "petra"):
        pipe.send("begun")
        pipe.recv()


def run_slowly(pipe: Connection, place: Place) -> None:
    """Begin a run, and publish when told to."""
    with open_chamber(Settings.from_environment(place.environment), None) as chamber, contextlib.ExitStack() as stack:
        chamber.inspect(stack)
        pipe.send("begun")
        pipe.recv()
        for name, _ in chamber.policy.in_order():
            chamber.load(name)
        chamber.gate()
        chamber.publish()
    pipe.send(chamber.record.run_id)


def spelled(url: sa.URL) -> str:
    return url.render_as_string(hide_password=False)


def held(ledger: Ledger, run_id: str = "R-2") -> contextlib.ExitStack:
    """Hold the lock in this process, until the stack is closed."""
    stack = contextlib.ExitStack()
    stack.enter_context(ledger.lock.taken())
    stack.enter_context(ledger.lock.noted(run_id, "olga"))
    return stack


# ── one holder ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_second_is_told_who_where_since_when_and_the_way_out(ledger_url: sa.URL) -> None:
    ledger = open_ledger(ledger_url)
    before = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    with elsewhere(hold, spelled(ledger_url), "R-1") as (_, process):
        with pytest.raises(LockError) as refused, held(ledger):
            pytest.fail("two hold it")
        holder = ledger.lock.holder()

    assert holder
    assert before <= holder.taken_at <= datetime.datetime.now(datetime.UTC)
    assert str(refused.value) == (
        f"The warehouse is held by run R-1 of petra (process {process.pid} on {socket.gethostname()}, since "
        f"{holder.taken_at:%Y-%m-%d %H:%M:%S} UTC, last heard of {holder.heard_at:%Y-%m-%d %H:%M:%S} UTC).\n"
        "  Wait until it ends, or end that process: what a killed run held is taken over at once."
    )


def test_when_the_first_has_ended_nothing_is_left_of_it(ledger_url: sa.URL) -> None:
    ledger = open_ledger(ledger_url)
    with elsewhere(hold, spelled(ledger_url), "R-1"):
        pass

    assert ledger.lock.holder() is None
    with held(ledger):
        assert str(ledger.lock.holder()).startswith("run R-2 of olga")
    with ledger.engine.connect() as connection:
        assert connection.execute(sa.select(LOCK)).all() == []


def test_the_lock_of_a_killed_process_is_taken_over_at_once(ledger_url: sa.URL) -> None:
    ledger = open_ledger(ledger_url)
    with elsewhere(hold, spelled(ledger_url), "R-1") as (_, process):
        os.kill(process.pid, signal.SIGKILL)
        process.join()

        began = time.monotonic()
        with held(ledger):
            assert time.monotonic() - began < 2
            holder = ledger.lock.holder()

    assert holder and holder.run_id == "R-2"


def test_what_a_killed_process_left_is_no_holder(ledger_url: sa.URL) -> None:
    with elsewhere(hold, spelled(ledger_url), "R-1") as (_, process):
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    time.sleep(0.5)  # a server sees the end of a connection a moment later

    looked_at = look_at_ledger(ledger_url)
    assert looked_at
    assert looked_at.lock.holder() is None
    with looked_at.engine.connect() as connection:
        assert connection.execute(sa.select(LOCK.c.run_id)).scalars().all() == ["R-1"]


@pytest.mark.parametrize("jump", [-1000 * HOUR, 1000 * HOUR], ids=["back", "forth"])
def test_no_clock_takes_the_lock_from_a_holder_or_keeps_it_for_a_dead_one(
    ledger_url: sa.URL, jump: datetime.timedelta
) -> None:
    ledger = open_ledger(ledger_url)
    with elsewhere(hold, spelled(ledger_url), "R-1") as (_, process):
        with ledger.engine.begin() as connection:
            moved = datetime.datetime.now(datetime.UTC) + jump
            connection.execute(sa.update(LOCK).values(taken_at=moved, heard_at=moved))
        with pytest.raises(LockError), held(ledger):
            pytest.fail("two hold it")
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        with held(ledger):
            pass


def test_the_holder_gives_signs_of_life(ledger_url: sa.URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores.ledger.lock, "BEAT", 0.05)
    ledger = open_ledger(ledger_url)
    with held(ledger):
        first = ledger.lock.holder()
        time.sleep(1)
        second = ledger.lock.holder()

    assert first and second
    assert first.taken_at == second.taken_at
    assert second.heard_at - first.heard_at > datetime.timedelta(seconds=0.3)


def test_a_sign_of_life_that_cannot_be_written_ends_nothing(
    ledger_url: sa.URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores.ledger.lock, "BEAT", 0.05)
    ledger = open_ledger(ledger_url)
    with held(ledger):
        with ledger.engine.begin() as connection:
            connection.exec_driver_sql("alter table lock rename column heard_at to gone")
        time.sleep(0.3)
        with ledger.engine.begin() as connection:
            connection.exec_driver_sql("alter table lock rename column gone to heard_at")
        ledger.lock.refuse_if_lost("R-2")


def take_turns(pipe: Connection, url: str, log: Path, name: str) -> None:
    """Take the lock three times among others who do, and note when it is held."""
    lock, turns = open_ledger(sa.make_url(url)).lock, 0
    pipe.send("begun")
    while turns < 3:
        with contextlib.suppress(LockError), lock.taken(), lock.noted(name, "petra"), log.open("a") as file:
            for word in ("in", "out"):
                file.write(f"{name} {word}\n")
                file.flush()
                time.sleep(0.02)
            turns += 1


def test_of_several_who_want_it_again_and_again_never_two_hold_it(ledger_url: sa.URL, tmp_path: Path) -> None:
    open_ledger(ledger_url)
    log = tmp_path / "turns.txt"
    with contextlib.ExitStack() as stack:
        for name in ("R-1", "R-2", "R-3"):
            stack.enter_context(elsewhere(take_turns, spelled(ledger_url), log, name))

    lines = log.read_text().splitlines()
    assert sorted(lines) == sorted(f"{name} {word}" for name in ("R-1", "R-2", "R-3") for word in ("in", "out") * 3)
    for entered, left in zip(lines[::2], lines[1::2], strict=True):
        assert entered.replace(" in", " out") == left


def test_one_file_by_two_names_is_one_ledger(tmp_path: Path) -> None:
    url = sa.make_url(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    ledger = open_ledger(url)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "link.sqlite").symlink_to(tmp_path / "ledger.sqlite")

    with held(ledger), pytest.raises(LockError):
        held(open_ledger(url.set(database=str(tmp_path / "elsewhere" / "link.sqlite"))), "R-3")


# ── a lock that was lost ──────────────────────────────────────────────────────────────────────────────────────────


def test_whoever_lost_the_lock_is_told_by_whom_it_was_taken_over(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    ledger = open_ledger(url)
    with held(ledger, "R-1"):
        postgres.execute(
            "select pg_terminate_backend(pid) from pg_locks join pg_database on database = pg_database.oid "
            f"where locktype = 'advisory' and datname = '{url.database}'"
        )
        ledger.lock.refuse_if_lost("R-1")
        with held(ledger, "R-2"):
            with pytest.raises(StoreError, match="the lock of this run was taken over by run R-2 of olga"):
                ledger.lock.refuse_if_lost("R-1")
            ledger.lock.refuse_if_lost("R-2")
        with pytest.raises(StoreError, match="its process was not heard of any more"):
            ledger.lock.refuse_if_lost("R-1")


def test_a_run_whose_lock_was_taken_over_publishes_nothing(published: Place) -> None:
    before = published.fingerprint()
    ledger = open_ledger(sa.make_url(published.environment["SLUIS_LEDGER"]))

    with (
        pytest.raises(StoreError, match="the lock of this run was taken over"),
        open_chamber(Settings.from_environment(published.environment), None) as chamber,
        contextlib.ExitStack() as stack,
    ):
        chamber.inspect(stack)
        for name, _ in chamber.policy.in_order():
            chamber.load(name)
        chamber.gate()
        with ledger.engine.begin() as connection:
            connection.execute(sa.update(LOCK).values(run_id="another"))
        chamber.publish()

    assert published.fingerprint() == before
    with ledger.engine.begin() as connection:
        states = connection.execute(sa.select(RUN.c.state).order_by(RUN.c.number)).scalars().all()
        assert states == ["published", "failed"]
        connection.execute(sa.delete(LOCK))
    assert run_in_chamber(published).published


# ── runs ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def sluis(place: Place, *arguments: str) -> Outcome:
    return run_in_process(*arguments, "--output", "json", **place.environment)


@pytest.mark.usefixtures("prefect_server")
def test_of_two_runs_one_publishes_and_the_other_names_it(published: Place) -> None:
    before = published.fingerprint()
    with elsewhere(run_slowly, published) as (pipe, process):
        second = sluis(published, "run")
        looked = sluis(published, "doctor")
        assert published.fingerprint() == before
        pipe.send("go on")
        first = pipe.recv()

    assert (second.exit_code, second.json["error"]["kind"]) == (3, "lock"), second.said
    assert f"The warehouse is held by run {first} of " in second.json["error"]["message"]
    assert f"(process {process.pid} on {socket.gethostname()}, since " in second.json["error"]["message"]
    (lock,) = [check for check in looked.json["checks"] if check["name"] == "lock"]
    assert lock["status"] == "ok"
    assert f"held by run {first} of " in lock["found"]
    assert published.rows("select run_id from sluis_meta.run") == [(first,)]
    after = sluis(published, "doctor").json["checks"]
    assert [check["found"] for check in after if check["name"] == "lock"] == ["free"]


CHANGES = {
    "erase plan": ("erase", "plan"),
    "retention": ("retention", "apply"),
    "replay": ("replay",),
    "keys destroy": ("keys", "destroy", "--root", "analytics", "--epoch", "1"),
}


@pytest.mark.parametrize("command", CHANGES.values(), ids=CHANGES)
def test_every_command_that_changes_waits_its_turn(published: Place, command: tuple[str, ...]) -> None:
    before = published.fingerprint()
    with held(open_ledger(sa.make_url(published.environment["SLUIS_LEDGER"]))):
        outcome = sluis(published, *command)

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (3, "lock"), outcome.said
    assert "held by run R-2 of olga" in outcome.stderr
    assert published.fingerprint() == before


def test_another_ledger_is_kept_off_the_warehouse_and_takes_no_name_away(published: Place) -> None:
    other = {**published.environment, "SLUIS_LEDGER": f"sqlite:///{published.folder / 'other.sqlite'}"}
    with elsewhere(run_slowly, published) as (pipe, _):
        outcome = run_in_process("replay", "--output", "json", **other)
        pipe.send("go on")
        run_id = pipe.recv()

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (3, "lock"), outcome.said
    assert f"warehouse.duckdb is held by run {run_id} (process " in outcome.stderr


def test_a_holder_that_was_long_not_heard_of_is_worth_a_look(published: Place) -> None:
    ledger = open_ledger(sa.make_url(published.environment["SLUIS_LEDGER"]))
    with held(ledger):
        with ledger.engine.begin() as connection:
            connection.execute(sa.update(LOCK).values(heard_at=datetime.datetime.now(datetime.UTC) - HOUR))
        outcome = sluis(published, "doctor")

    (lock,) = [check for check in outcome.json["checks"] if check["name"] == "lock"]
    assert lock["status"] == "warn"
    assert lock["hint"].startswith(f"See what process {os.getpid()} on ")


def test_a_run_with_the_lock_of_the_version_before_is_kept_out_too(published: Place) -> None:
    with exclusive(published.warehouse, "20260310T020000Z-first"), pytest.raises(LockError, match="T020000Z-first"):
        run_in_chamber(published)


# ── clocks ────────────────────────────────────────────────────────────────────────────────────────────────────────


def set_the_last_run(place: Place, moved: datetime.timedelta) -> None:
    """Let the last run have begun at another time, as if the clock had been moved the other way since."""
    with open_ledger(sa.make_url(place.environment["SLUIS_LEDGER"])).engine.begin() as connection:
        began = connection.execute(sa.select(RUN.c.started_at)).scalar_one()
        connection.execute(sa.update(RUN).values(started_at=began + moved, ended_at=began + moved))


@pytest.mark.usefixtures("prefect_server")
def test_a_clock_that_was_put_back_stops_a_run_until_it_is_set_or_a_replay_says_that_it_is_right(
    published: Place,
) -> None:
    set_the_last_run(published, 30 * HOUR)
    before = published.fingerprint()

    outcome = sluis(published, "run")

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (3, "store"), outcome.said
    assert "clock: it stands at " in outcome.stderr
    assert "before the last published run began" in outcome.stderr
    assert "Set the clock, and run again. If it is right and was wrong then: `sluis replay`" in outcome.stderr
    assert published.fingerprint() == before
    assert sluis(published, "replay").exit_code == 0
    assert sluis(published, "run").exit_code == 0


@pytest.mark.parametrize("moved", [datetime.timedelta(minutes=1), -1000 * HOUR], ids=["a little back", "forth"])
def test_a_clock_that_is_corrected_a_little_or_jumps_ahead_stops_nothing_and_turns_no_order_round(
    published: Place, moved: datetime.timedelta
) -> None:
    set_the_last_run(published, moved)

    first, second = run_in_chamber(published), run_in_chamber(published)

    last = open_ledger(sa.make_url(published.environment["SLUIS_LEDGER"])).runs.last_published()
    assert last and last.run_id == second.run_id
    assert first.content == second.content
    assert first.seconds > 0
