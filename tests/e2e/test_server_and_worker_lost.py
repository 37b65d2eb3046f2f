"""A worker killed, a server killed, nights one after another: what is published stays whole, and the next run heals."""

from __future__ import annotations

import datetime
import os
import shutil
import time
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest

from cli.local_prefect.home import Home, Note
from cli.local_prefect.processes import marked
from tests.breaking import HELD_UP, WAY
from tests.conftest import Place, corner_shop, run_in_own_process
from tests.in_chamber import run_in_chamber
from tests.local_prefect import up
from tests.prefect_server import PrefectServer

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.long

REFRESH = "refresh-warehouse/refresh"


class Shop:
    """A shop, Prefect's folder beside it, and the file that holds its runs up."""

    def __init__(self, folder: Path) -> None:
        self.place, self.home, self.way = corner_shop(folder / "shop"), folder / "prefect", folder / "way"
        self.way.write_text("")
        run_in_chamber(self.place)

    def up(self) -> AbstractContextManager[PrefectServer]:
        breaking = {"PYTHONPATH": f"{ROOT / 'tests/breaking_in'}{os.pathsep}{ROOT}", WAY: str(self.way)}
        return up(self.place, self.home, **breaking)

    @property
    def note(self) -> Note:
        note = Home(self.home).note()
        assert note
        return note

    def held_up_run(self, server: PrefectServer) -> str:
        """Start a run, and wait until it is in the middle of its work."""
        self.way.write_text(HELD_UP)
        run = str(server.start(REFRESH).json()["id"])
        loading = {"flow_runs": {"id": {"any_": [run]}}, "task_runs": {"state": {"type": {"any_": ["RUNNING"]}}}}
        until = time.monotonic() + 180
        while not any(
            task["name"] == "load buyer" for task in server.ask("POST", "task_runs/filter", **loading).json()
        ):
            assert time.monotonic() < until, "it does not begin"
            time.sleep(0.5)
        return run

    def is_whole(self, fingerprint: str) -> bool:
        """Tell whether the published state is the one of before, and nothing half-done is visible."""
        return self.place.fingerprint() == fingerprint and bool(self.place.rows("select 1 from analytics.buyers"))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_a_worker_killed_in_the_middle_is_noticed_and_the_next_run_heals(shop: Shop) -> None:
    before = shop.place.fingerprint()
    with shop.up() as server:
        run = shop.held_up_run(server)
        for process in marked(shop.note.worker):
            process.kill()

        crashed = server.wait_for(run, "CRASHED", seconds=300)

        assert "Nothing was heard of this run" in crashed["state"]["message"]
        assert shop.is_whole(before)

    shop.way.write_text("")
    with shop.up() as server:
        healed = server.wait_for(server.start(REFRESH).json()["id"], seconds=420)
    assert healed["state"]["type"] == "COMPLETED", healed["state"]["message"]
    assert shop.place.fingerprint() != before
    assert not shop.place.warehouse.with_name("warehouse.duckdb.work").exists()


def test_a_run_that_loses_its_server_ends_by_itself_and_leaves_nothing_half_done(shop: Shop) -> None:
    with shop.up() as server:
        shop.held_up_run(server)
        running = marked(shop.note.worker)[1:]
        for process in marked(shop.note.server):
            process.kill()
        shop.way.write_text("")

        _, alive = psutil.wait_procs(running, timeout=240)

        assert alive == [], "the run does not end"
        assert shop.place.rows("select count(*) from analytics.buyers")
        assert not shop.place.warehouse.with_name("warehouse.duckdb.work").exists()

        # the command needs no server: a temporary one does
        own = {"PREFECT_API_URL": "", "PREFECT_HOME": str(shop.home.with_name("own"))}
        alone = run_in_own_process("run", "--output", "json", **shop.place.environment, **own)
        assert alone.returncode == 0, alone.stdout + alone.stderr


def test_scheduled_runs_follow_each_other_without_anybody(shop: Shop) -> None:
    with shop.up() as server:
        deployment = server.deployment(REFRESH)["id"]
        often = {"schedule": {"interval": 5}, "active": True, "slug": "often"}
        server.ask("PATCH", f"deployments/{deployment}", schedules=[often]).raise_for_status()
        done = {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED"]}}}
        of_it = {"flow_runs": done, "deployments": {"id": {"any_": [deployment]}}, "sort": "START_TIME_ASC"}
        until = time.monotonic() + 400
        while len(ended := server.ask("POST", "flow_runs/filter", **of_it).json()) < 3:
            assert time.monotonic() < until, f"only {len(ended)} runs ended"
            time.sleep(1)

    assert [run["state"]["type"] for run in ended[:3]] == ["COMPLETED"] * 3
    assert all(run["auto_scheduled"] for run in ended)


def test_a_missed_night_makes_no_difference(tmp_path: Path) -> None:
    today = datetime.date.today()
    every = corner_shop(tmp_path / "every")
    run_in_chamber(every, today - datetime.timedelta(days=2))
    shutil.copytree(every.folder, tmp_path / "missed")
    missed = Place(tmp_path / "missed")

    run_in_chamber(every, today - datetime.timedelta(days=1))
    run_in_chamber(every, today)
    run_in_chamber(missed, today)

    for table in ("buyers", "sales", "lines"):
        query = f"from analytics.{table} order by all"
        assert every.rows(query) == missed.rows(query)
