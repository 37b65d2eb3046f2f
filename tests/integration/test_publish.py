"""Publishing: readers see one whole state or the next, and whatever stops a run leaves the previous one as it was."""

from __future__ import annotations

import contextlib
import ctypes
import json
import multiprocessing
import os
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import duckdb
import pytest

from stores.lock import exclusive
from tests.conftest import Command, Outcome, Place, run_in_process

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["flows.refresh_warehouse", "great_expectations", "cli.main", __name__])

KEPT = {
    "keyring.toml",
    "ledger.sqlite",
    "ledger.sqlite.lock",
    "policy.yaml",
    "shop.sqlite",
    "warehouse.duckdb",
    "warehouse.duckdb.lock",
}


Trouble = Callable[[Place], None]
"""What befalls a process before it runs the command."""


def names(place: Place) -> set[str]:
    """List the files of a place but the private one."""
    return {path.name for path in place.folder.iterdir() if ".private-" not in path.name}


def private_files(place: Place) -> list[str]:
    """List the private files beside the warehouse."""
    return [path.name for path in place.folder.iterdir() if ".private-" in path.name]


def ledger(place: Place) -> list[tuple[str, dict[str, Any]]]:
    """Give each run's state and record, oldest first."""
    with contextlib.closing(sqlite3.connect(place.folder / "ledger.sqlite")) as connection:
        runs = connection.execute("select state, record from run order by started_at").fetchall()
    return [(state, json.loads(record or "{}")) for state, record in runs]


def contents(place: Place) -> dict[str, list[tuple[Any, ...]]]:
    """Give all rows of all published tables."""
    return {table: place.rows(f"from analytics.{table} order by all") for table in ("buyers", "sales", "lines")}


# ── readers ───────────────────────────────────────────────────────────────────────────────────────────────────────


def read_on(warehouse: str, pipe: Connection) -> None:
    """Open, query and hold the warehouse, again and again, until told to stop; give what was seen."""
    seen: list[tuple[str, list[int]]] = []
    problem = ""
    pipe.send("here")
    try:
        while not pipe.poll():
            with duckdb.connect(warehouse, read_only=True) as connection:
                for _ in range(3):
                    (run,) = connection.execute("select run_id from sluis_meta.run").fetchone() or ("",)
                    counts = [
                        connection.execute(f"select count(*) from analytics.{table}").fetchall()[0][0]
                        for table in ("buyers", "sales", "lines")
                    ]
                    seen.append((run, counts))
                    time.sleep(0.02 * (len(seen) % 7))
                if len({run for run, _ in seen[-3:]}) > 1:
                    problem = "one connection saw two runs"
    except Exception as error:
        problem = repr(error)
    pipe.send((seen, problem))


def test_readers_in_other_processes_see_whole_states_while_runs_publish(published: Place, run: Command) -> None:
    published.warehouse.unlink()
    states = {}
    ends, readers = [], []
    for number in range(4):
        if number:
            published.change_source(
                f"insert into buyer select {10 + number}, name, email, birth_date, passphrase, joined_at from buyer "
                "where buyer_id = 2",
                f"insert into sale select {10 + number}, {10 + number}, email, sold_at, 1, channel, note from sale "
                "where sale_id = 1",
                f"insert into line select {10 + number}, {10 + number}, article, 1 from line where line_id = 1",
            )
        outcome = run()
        assert outcome.exit_code == 0, outcome.said
        states[outcome.json["run_id"]] = [counts["published"] for counts in outcome.json["tables"].values()]
        if not number:
            for _ in range(2):
                ours, theirs = PROCESSES.Pipe()
                ends.append(ours)
                readers.append(PROCESSES.Process(target=read_on, args=(str(published.warehouse), theirs)))
                readers[-1].start()
                assert ours.recv() == "here"
        time.sleep(0.5)

    answers = []
    for end, reader in zip(ends, readers, strict=True):
        end.send("stop")
        answers.append(end.recv())
        reader.join()

    assert sorted(states.values()) == [[2, 5, 4], [3, 6, 5], [4, 7, 6], [5, 8, 7]]
    assert [problem for _, problem in answers] == ["", ""]
    seen = {(run_id, tuple(counts)) for state, _ in answers for run_id, counts in state}
    assert seen <= {(run_id, tuple(counts)) for run_id, counts in states.items()}
    assert len(seen) == len(states), "the readers slept through a publish"


def test_a_connection_that_is_held_keeps_its_state(published: Place, run: Command) -> None:
    before = published.rows("select run_id from sluis_meta.run")
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import duckdb, sys\n"
            f"c = duckdb.connect({str(published.warehouse)!r}, read_only=True)\n"
            "for _ in sys.stdin: print(*c.execute('select run_id from sluis_meta.run').fetchone(), flush=True)",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdin and reader.stdout
        answers = []
        for publish in (False, True):
            assert not publish or run().exit_code == 0
            reader.stdin.write("again\n")
            reader.stdin.flush()
            answers.append((reader.stdout.readline().strip(),))
        reader.stdin.close()

    assert answers == before * 2
    assert published.rows("select run_id from sluis_meta.run") != before


# ── what stands beside the warehouse ──────────────────────────────────────────────────────────────────────────────


def test_the_published_file_is_read_only_and_its_private_file_its_owners(published: Place, run: Command) -> None:
    (older,) = private_files(published)

    assert run().exit_code == 0

    (private,) = private_files(published)
    assert private != older
    assert published.rows("select private_file from sluis_meta.run") == [(private,)]
    assert stat.S_IMODE(published.warehouse.stat().st_mode) == 0o444
    assert stat.S_IMODE((published.folder / private).stat().st_mode) == 0o600
    assert names(published) == KEPT


def write_into(warehouse: Path, then: str) -> subprocess.Popen[str]:
    """Open the live file for writing in a process of its own, as somebody might; wait until it has written."""
    warehouse.chmod(0o644)
    code = (
        "import duckdb, time\n"
        f"c = duckdb.connect({str(warehouse)!r})\n"
        "c.execute(\"set wal_autocheckpoint = '1TB'\")\n"
        "c.execute('create table analytics.planted as select 42 as answer')\n"
        "c.execute('delete from analytics.sales')\n"
        f"print('written', flush=True)\n{then}"
    )
    writer = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert writer.stdout and writer.stdout.readline() == "written\n"
    return writer


@pytest.fixture
def with_a_stale_log(published: Place) -> Place:
    """Leave a write-ahead file beside the warehouse: somebody wrote to it and was killed."""
    with write_into(published.warehouse, "time.sleep(600)") as writer:
        writer.kill()
    assert (published.folder / "warehouse.duckdb.wal").stat().st_size
    return published


def test_a_stale_log_is_never_replayed_into_what_is_published(
    with_a_stale_log: Place, run: Command, tmp_path_factory: pytest.TempPathFactory
) -> None:
    replayed = Place(tmp_path_factory.mktemp("replayed"))
    for name in ("warehouse.duckdb", "warehouse.duckdb.wal"):
        shutil.copy(with_a_stale_log.folder / name, replayed.folder / name)
    assert replayed.rows("from analytics.planted") == [(42,)], "the log is one that would be replayed"

    outcome = run()

    assert outcome.exit_code == 0, outcome.said
    assert "had been opened for writing by somebody" in " ".join(outcome.json["warnings"])
    assert names(with_a_stale_log) == KEPT
    assert with_a_stale_log.rows("select count(*) from analytics.sales") == [(5,)]
    assert with_a_stale_log.rows("select count(*) from duckdb_tables() where table_name = 'planted'") == [(0,)]


def test_a_log_that_appears_while_a_run_is_under_way_is_not_replayed_either(
    with_a_stale_log: Place, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, replace = with_a_stale_log.folder / "warehouse.duckdb.wal", Path.replace
    held = log.read_bytes()
    log.unlink()

    def beside_a_log(self: Path, target: Path) -> Path:
        if target == with_a_stale_log.warehouse:
            log.write_bytes(held)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", beside_a_log)

    outcome = run()

    assert outcome.exit_code == 0, outcome.said
    assert "had been opened for writing by somebody" in " ".join(outcome.json["warnings"])
    assert names(with_a_stale_log) == KEPT
    assert with_a_stale_log.rows("select count(*) from analytics.sales") == [(5,)]


def test_a_warehouse_that_somebody_is_writing_to_is_left_alone(published: Place, run: Command) -> None:
    with write_into(published.warehouse, "time.sleep(600)") as writer:
        log = (published.folder / "warehouse.duckdb.wal").read_bytes()
        before = published.fingerprint()

        outcome = run()

        assert (outcome.exit_code, outcome.json["error"]["kind"]) == (3, "store"), outcome.said
        assert "opened for writing by another process" in outcome.stderr
        assert "Close that process" in outcome.stderr
        assert published.fingerprint() == before
        assert (published.folder / "warehouse.duckdb.wal").read_bytes() == log
        assert "warehouse.duckdb.work" not in names(published)
        writer.kill()
    assert run().exit_code == 0


def test_a_database_that_is_no_warehouse_is_not_overwritten(place: Place, run: Command) -> None:
    with duckdb.connect(str(place.warehouse)) as connection:
        connection.execute("create table precious as select 1 as one")
    before = place.fingerprint()

    outcome = run()

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (3, "store")
    assert "warehouse.duckdb is no warehouse of Sluis, and is not overwritten" in outcome.stderr
    assert "Name another file with --warehouse" in outcome.stderr
    assert place.fingerprint() == before


def test_a_file_that_is_no_database_is_not_overwritten(place: Place, run: Command) -> None:
    place.warehouse.write_text("precious notes " * 1000)
    before = place.fingerprint()

    outcome = run()

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (3, "store"), outcome.said
    assert "move the file away" in outcome.stderr
    assert place.fingerprint() == before


# ── one at a time ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_second_run_is_told_who_holds_the_warehouse(published: Place, run: Command) -> None:
    before = published.fingerprint()
    with exclusive(published.warehouse, "20260310T020000Z-first"):
        outcome = run()

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (3, "lock"), outcome.said
    assert f"is held by run 20260310T020000Z-first (process {os.getpid()} on " in outcome.stderr
    assert "Wait until it ends; a killed run holds nothing." in outcome.stderr
    assert published.fingerprint() == before
    assert len(ledger(published)) == 1, "a run that never began is not in the ledger"


# ── runs that are stopped from outside ────────────────────────────────────────────────────────────────────────────


def killed_while_loading(place: Place) -> None:
    import adbc_driver_sqlite.dbapi as adbc

    read, tables = adbc.Cursor.fetch_record_batch, iter(range(9))

    def fetch(cursor: adbc.Cursor) -> Any:
        yield from read(cursor)
        if next(tables) == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    adbc.Cursor.fetch_record_batch = fetch


def killed_while_checking(place: Place) -> None:
    from great_expectations.datasource.fluent.interfaces import Batch

    def validated(*_: Any, **__: Any) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    Batch.validate = validated  # type: ignore[method-assign]


def killed_before_the_rename(place: Place) -> None:
    replace = Path.replace

    def replaced(self: Path, target: Path) -> Path:
        if target == place.warehouse:
            os.kill(os.getpid(), signal.SIGKILL)
        return replace(self, target)

    Path.replace = replaced  # type: ignore[method-assign,assignment]


def killed_after_the_rename(place: Place) -> None:
    replace = Path.replace

    def replaced(self: Path, target: Path) -> Path:
        moved = replace(self, target)
        if target == place.warehouse:
            os.kill(os.getpid(), signal.SIGKILL)
        return moved

    Path.replace = replaced  # type: ignore[method-assign,assignment]


def on_a_full_disk(place: Place) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))


def without_rights(place: Place) -> None:
    """Take from root what lets it write everywhere, so that file modes count (capabilities 1 and 2 of Linux)."""
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    libc.capget(header, sets)
    sets[0] &= ~0b110
    assert libc.capset(header, sets) == 0


def run_elsewhere(
    place: Place, environment: dict[str, str], trouble: Callable[[Place], None], pipe: Connection
) -> None:
    """Run the command in this process, in trouble."""
    trouble(place)
    pipe.send(run_in_process("run", "--output", "json", **environment))


def run_in(trouble: Trouble, place: Place, **more: str) -> Outcome | None:
    """Run the command in a process of its own, in trouble; None if it was killed."""
    ours, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=run_elsewhere, args=(place, {**place.environment, **more}, trouble, theirs))
    process.start()
    theirs.close()
    outcome: Outcome | None = None
    with contextlib.suppress(EOFError):
        outcome = ours.recv()
    process.join()
    assert process.exitcode == (-signal.SIGKILL if outcome is None else 0)
    return outcome


@pytest.mark.usefixtures("sluis")
@pytest.mark.parametrize("trouble", [killed_while_loading, killed_while_checking, killed_before_the_rename])
def test_a_killed_run_leaves_the_published_state_and_the_next_run_heals(
    trouble: Trouble, published: Place, run: Command
) -> None:
    before, undisturbed = published.fingerprint(), contents(published)

    assert run_in(trouble, published) is None

    assert published.fingerprint() == before
    assert "warehouse.duckdb.work" in names(published), "it was killed in the midst of it"
    outcome = run()
    assert outcome.exit_code == 0, outcome.said
    assert contents(published) == undisturbed
    assert (names(published), len(private_files(published))) == (KEPT, 1)
    assert [state for state, _ in ledger(published)] == ["published", "abandoned", "published"]


@pytest.mark.usefixtures("sluis")
def test_a_run_killed_after_the_rename_has_published_all_of_it(published: Place, run: Command) -> None:
    before, undisturbed = published.rows("select run_id from sluis_meta.run"), contents(published)

    assert run_in(killed_after_the_rename, published) is None

    assert published.rows("select run_id from sluis_meta.run") != before
    assert contents(published) == undisturbed
    (private,) = published.rows("select private_file from sluis_meta.run")[0]
    assert private in private_files(published)
    assert run().exit_code == 0
    assert (names(published), len(private_files(published))) == (KEPT, 1)
    assert contents(published) == undisturbed


@pytest.mark.usefixtures("sluis")
def test_a_full_disk_is_told_and_leaves_the_published_state(published: Place) -> None:
    before, files = published.fingerprint(), names(published)

    outcome = run_in(on_a_full_disk, published)

    assert outcome
    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (3, "store"), outcome.said
    assert "its disk has room" in outcome.stderr or "make room" in outcome.stderr
    assert (published.fingerprint(), names(published)) == (before, files)
    assert ledger(published)[-1][0] == "failed"


@pytest.fixture
def read_only_folder(published: Place) -> Iterator[Path]:
    """Move the warehouse into a folder in which nothing can be written."""
    folder = published.folder / "closed"
    folder.mkdir()
    for path in [published.warehouse, *(published.folder / name for name in private_files(published))]:
        path.rename(folder / path.name)
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


@pytest.mark.usefixtures("sluis")
def test_a_folder_that_cannot_be_written_is_told_and_stays_as_it_is(published: Place, read_only_folder: Path) -> None:
    warehouse = read_only_folder / "warehouse.duckdb"
    before, files = warehouse.read_bytes(), sorted(read_only_folder.iterdir())

    outcome = run_in(without_rights, published, SLUIS_WAREHOUSE=f"duckdb:///{warehouse}")

    assert outcome
    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (3, "store"), outcome.said
    assert "EACCES in stores/" in outcome.stderr
    assert "check owner and mode" in outcome.stderr
    assert (warehouse.read_bytes(), sorted(read_only_folder.iterdir())) == (before, files)


# ── the ledger ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_ledger_tells_how_each_run_ended_with_its_counts(published: Place, run: Command) -> None:
    words = "because: Says nothing of anybody."
    published.change_policy(words, words + ", promises: [{kind: not_null}]")
    refused = run()
    published.change_source("alter table buyer add column bsn text")
    stopped = run()
    published.change_policy(", promises: [{kind: not_null}]", "")
    published.change_source("alter table buyer drop column bsn")
    good = run()

    assert [outcome.exit_code for outcome in (refused, stopped, good)] == [1, 4, 0]
    first, *runs = ledger(published)
    assert (first[0], first[1]["published"]) == ("published", True)
    assert [(state, record["published"]) for state, record in runs] == [
        ("refused", False),
        ("failed", False),
        ("published", True),
    ]
    assert runs[0][1]["gates"]["failed"] == refused.json["gates"]["failed"]
    assert runs[1][1]["tables"] == {}
    kept = runs[2][1]
    assert {key: kept[key] for key in good.json} == {**good.json, "seconds": kept["seconds"]}
    assert kept["outline"]["sales"]["columns"]["total"] == "keep"
    assert kept["content"].keys() == good.json["tables"].keys()
    with contextlib.closing(sqlite3.connect(published.folder / "ledger.sqlite")) as connection:
        watermarks = connection.execute('select table_name, run_id, "rows" from watermark order by 1').fetchall()
    assert watermarks == [
        (name, good.json["run_id"], rows) for name, rows in (("buyers", 3), ("lines", 5), ("sales", 6))
    ]
