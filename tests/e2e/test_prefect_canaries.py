"""Nothing personal in what Prefect keeps: a real server and worker, a good run, and one for each way to fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.breaking import PUBLISHED_ALL_THE_SAME, WAY, WAYS
from tests.byte_search import Search
from tests.conftest import Place, corner_shop
from tests.in_chamber import run_in_chamber
from tests.integration.test_leaks import CANARIES, prepare
from tests.local_prefect import up
from tests.prefect_search import finds, prefect_keeps
from tests.prefect_server import PrefectServer

ROOT = Path(__file__).resolve().parents[2]
CONTROL = "control.canary@example.net"

pytestmark = pytest.mark.long

UNGUARDED = f"""
from prefect import flow, task

@task(persist_result=True)
def load(value):
    raise ValueError(f"not a number: {{value}}")

@flow(persist_result=True)
def unguarded(value):
    load(value)

unguarded("{CONTROL}", return_state=True)
"""


@dataclass
class AllWays:
    """A server that has seen a run in every way, and how each ended."""

    server: PrefectServer
    place: Place
    ends: dict[str, tuple[str, str]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def all_ways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AllWays]:
    folder = tmp_path_factory.mktemp("canaries")
    pristine, place, way_file = folder / "pristine", Place(folder / "place"), folder / "way"
    prepare(corner_shop(pristine))
    run_in_chamber(Place(pristine))
    shutil.copytree(pristine, place.folder)
    way_file.write_text("")
    breaking = {"PYTHONPATH": f"{ROOT / 'tests/breaking_in'}{os.pathsep}{ROOT}", WAY: str(way_file)}
    with up(place, folder / "prefect", **breaking) as server:
        seen = AllWays(server, place)
        for way in ("", *WAYS):
            for file in pristine.iterdir():
                (place.folder / file.name).unlink(missing_ok=True)
                shutil.copy2(file, place.folder)
            way_file.write_text(way)
            began = server.start("refresh-warehouse/refresh")
            assert began.is_success, began.text
            state = server.wait_for(began.json()["id"], seconds=300)["state"]
            seen.ends[way] = state["type"], state["message"]
        yield seen


def test_every_way_to_fail_is_one_and_the_good_run_is_good(all_ways: AllWays) -> None:
    good = {"", *PUBLISHED_ALL_THE_SAME}

    assert len(WAYS) > 20
    assert {way: end for way, (end, _) in all_ways.ends.items() if (end == "COMPLETED") != (way in good)} == {}


def test_each_failure_tells_a_way_out(all_ways: AllWays) -> None:
    failed = {way: message for way, (end, message) in all_ways.ends.items() if end == "FAILED"}

    assert [way for way, message in failed.items() if "\n  " not in message] == []


def test_prefect_keeps_nothing_personal_and_no_key_of_any_run(all_ways: AllWays) -> None:
    kept = prefect_keeps(all_ways.server.home)
    roots = [line.split('"')[1] for line in all_ways.place.keyring.read_text().splitlines() if line.count('"') == 2]
    secrets = {"key": [text for text in roots if len(text) > 30]}

    assert secrets["key"], "the key file holds no key"
    assert kept.keys() >= {f"table {name}" for name in ("flow_run", "log", "events", "artifact", "task_run")}
    assert {"server.log", "worker.log", "deploy.log", "prefect.db"} <= {Path(name).name for name in kept}
    assert finds(Search({**CANARIES, **secrets}), kept) == {}


def test_the_search_finds_what_an_unguarded_flow_lets_out(all_ways: AllWays) -> None:
    """Otherwise the test above proves nothing."""
    environment = {**os.environ, **all_ways.server.environment}
    subprocess.run([sys.executable, "-c", UNGUARDED], env=environment, capture_output=True, check=True)
    plain = Search({"control": [CONTROL]})

    where = " ".join(finds(plain, prefect_keeps(all_ways.server.home)))

    assert all(place in where for place in ("prefect.db", "table flow_run", "table log", "/storage/", "decoded")), where
