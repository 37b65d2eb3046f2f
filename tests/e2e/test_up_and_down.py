"""`sluis up` and `sluis down`: a real server and worker, and nobody else's processes touched."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
import yaml

from cli.local_prefect.home import Home, Note
from cli.local_prefect.processes import MARK, marked
from tests.conftest import Place
from tests.local_prefect import command, told, up
from tests.prefect_server import PrefectServer

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.long


@pytest.fixture
def prefect(place: Place, tmp_path: Path) -> Iterator[PrefectServer]:
    with up(place, tmp_path / "prefect") as server:
        yield server


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A process of somebody who works with the same server."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        yield process
        process.kill()


def processes(home: Path) -> set[int]:
    note = Home(home).note()
    assert note
    return {process.pid for process in (*marked(note.server), *marked(note.worker))}


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_up_starts_server_and_worker_and_registers_everything_and_down_ends_them(
    place: Place, prefect: PrefectServer, bystander: subprocess.Popen[bytes]
) -> None:
    declared = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    automations = yaml.safe_load((ROOT / "flows/automations.yaml").read_text(encoding="utf-8"))["automations"]
    home = prefect.home

    # what is there
    deployments = {found["name"]: found for found in prefect.ask("POST", "deployments/filter").json()}
    assert deployments.keys() == {deployment["name"] for deployment in declared}
    for deployment in declared:
        active = [schedule["active"] for schedule in deployments[deployment["name"]]["schedules"]]
        assert active == [True] * len(deployment.get("schedules", []))
    assert {one["name"] for one in prefect.ask("POST", "automations/filter").json()} == {a["name"] for a in automations}
    assert prefect.ask("GET", "work_pools/sluis").json()["type"] == "process"
    settings = httpx.get(f"{prefect.url}/ui-settings").json()
    assert settings["api_url"] == f"{prefect.url}/api"
    server = prefect.ask("GET", "admin/settings").json()["server"]
    assert server["analytics_enabled"] is False
    assert sorted(server["services"]["db_vacuum"]["enabled"]) == ["events", "flow_runs"]

    # for whose eyes
    assert mode(home) == 0o700
    assert {file.name for file in home.iterdir() if file.is_file() and mode(file) & 0o077} == set()
    assert not any(place.environment["SLUIS_SOURCE"] in file.read_text() for file in home.glob("*.log"))

    # a second time
    before = processes(home)
    again = told(command("up", "--dir", str(home), "--output", "json", **place.environment))
    assert (again["started"], again["address"]) == (False, prefect.url)
    assert processes(home) == before
    other_port = command("up", "--dir", str(home), "--port", "4999", **place.environment)
    assert (other_port.returncode, "already" in other_port.stderr) == (2, True)

    # half of it gone: all anew, on the same port
    note = Home(home).note()
    assert note
    marked(note.worker)[0].kill()
    assert told(command("up", "--dir", str(home), "--output", "json", **place.environment))["started"]
    assert httpx.get(f"{prefect.url}/api/health").status_code == 200
    assert before.isdisjoint(processes(home))

    # the end
    running = processes(home)
    ended = told(command("down", "--dir", str(home), "--output", "json"))
    assert ended == {"ended": len(running)}
    assert not any(psutil.pid_exists(pid) for pid in running)
    assert bystander.poll() is None
    assert "Nothing was up" in command("down", "--dir", str(home)).stdout


def test_down_leaves_a_process_alone_that_has_got_the_number_of_one_of_ours(
    tmp_path: Path, bystander: subprocess.Popen[bytes]
) -> None:
    """Nothing is ended by its number: only by the mark, and the bystander bears another's."""
    home = Home(tmp_path)
    home.keep(Note.new(4200))
    (tmp_path / "server.pid").write_text(str(bystander.pid))

    assert told(command("down", "--dir", str(tmp_path), "--output", "json")) == {"ended": 0}
    assert bystander.poll() is None


def test_down_ends_what_bears_the_mark_and_its_children_even_those_that_will_not(tmp_path: Path) -> None:
    home, note = Home(tmp_path), Note.new(4200)
    home.keep(note)
    child = "import signal, time; signal.signal(15, signal.SIG_IGN); print('on', flush=True); time.sleep(600)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], start_new_session=True)"
    environment = {**os.environ, MARK: note.worker}
    with subprocess.Popen([sys.executable, "-c", parent], env=environment, stdout=subprocess.PIPE) as started:
        assert started.stdout
        started.stdout.readline()
        family = {process.pid for process in marked(note.worker)}

        ended = told(command("down", "--dir", str(tmp_path), "--output", "json"))

        assert (ended, len(family)) == ({"ended": 2}, 2)
        started.wait()
    assert not any(psutil.pid_exists(pid) for pid in family)


# --- refusals; nothing is started


def test_a_port_in_use_is_told(place: Place, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        refused = command("up", "--dir", str(tmp_path / "home"), "--port", port, **place.environment)

    assert refused.returncode == 2
    assert f"--port: {port} is in use" in refused.stderr


@pytest.mark.parametrize("missing", ["SLUIS_SOURCE", "SLUIS_KEYRING"])
def test_a_missing_setting_is_told_before_anything_starts(place: Place, tmp_path: Path, missing: str) -> None:
    environment = {name: value for name, value in place.environment.items() if name != missing}

    refused = command("up", "--dir", str(tmp_path / "home"), "--output", "json", **environment)

    assert refused.returncode == 2
    assert missing in json.loads(refused.stdout)["error"]["message"]
    assert not (tmp_path / "home").exists()


def test_without_a_folder_nothing_is_started(place: Place) -> None:
    refused = command("up", **place.environment)

    assert refused.returncode == 2
    assert "--dir or PREFECT_HOME" in refused.stderr


def test_what_does_not_start_names_its_log_and_leaves_no_process(place: Place, tmp_path: Path) -> None:
    home = tmp_path / "home"
    secret = "postgresql+asyncpg://sluis:canary-of-a-password@127.0.0.1:1/prefect"

    failed = command("up", "--dir", str(home), PREFECT_API_DATABASE_CONNECTION_URL=secret, **place.environment)

    assert failed.returncode == 3
    assert str(home / "server.log") in failed.stderr
    assert "canary" not in failed.stdout + failed.stderr
    assert processes(home) == set()
