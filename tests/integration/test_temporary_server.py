"""The Prefect server that a run brings where none is named: it is there when asked, and never stays behind."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from cli.local_prefect.processes import is_healthy
from tests.conftest import Place, run_in_own_process

SLUIS = str(Path(sys.executable).with_name("sluis"))
SERVER = "cli.local_prefect.temporary:app"

pytestmark = pytest.mark.long


def alone(place: Place, **more: str) -> dict[str, str]:
    """Give the environment of a run for which no server is named."""
    own = {"PREFECT_API_URL": "", "PREFECT_HOME": str(place.folder / "prefect")}
    return {**os.environ, **place.environment, **own, **more}


@contextmanager
def running(place: Place) -> Iterator[tuple[subprocess.Popen[bytes], psutil.Process]]:
    """Start a run in a folder that has a `cli` of its own; give it and its server, which has just been started."""
    (place.folder / "cli").mkdir()
    (place.folder / "cli" / "__init__.py").write_text("raise ImportError('somebody else')")
    command = [SLUIS, "run", "--output", "json"]
    with subprocess.Popen(command, cwd=place.folder, env=alone(place), stdout=-1, stderr=-1) as run:
        until = time.monotonic() + 120
        while not (servers := [each for each in psutil.Process(run.pid).children() if is_server(each)]):
            assert run.poll() is None, "it ended before it had a server"
            assert time.monotonic() < until, "it starts no server"
            time.sleep(0.05)
        try:
            yield run, servers[0]
        finally:
            run.kill()


def is_server(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):  # it may end meanwhile
        return SERVER in process.cmdline()
    return False


def until_it_serves(server: psutil.Process) -> None:
    until = time.monotonic() + 30
    while not (ports := [at.laddr.port for at in server.net_connections("tcp") if at.status == psutil.CONN_LISTEN]):
        assert time.monotonic() < until, "it does not listen"
    assert is_healthy(f"http://127.0.0.1:{ports[0]}/api", 120)


def test_a_run_for_which_no_server_is_named_brings_its_own_and_takes_it_away(place: Place) -> None:
    with running(place) as (run, server):
        said, _ = run.communicate(timeout=180)

        assert not server.is_running()

    assert run.returncode == 0
    assert json.loads(said)["published"] is True


@pytest.mark.parametrize("serving", [False, True])
def test_the_server_of_a_killed_run_ends_too(place: Place, serving: bool) -> None:
    with running(place) as (run, server):
        if serving:
            until_it_serves(server)
        run.kill()

        _, left = psutil.wait_procs([server], timeout=120)

    assert left == []


def test_a_server_that_cannot_start_is_told_and_where_to_read_why(place: Place) -> None:
    nowhere = f"sqlite+aiosqlite:///{place.folder / 'none' / 'prefect.db'}"

    ended = run_in_own_process(
        "run", "--output", "json", **alone(place, PREFECT_SERVER_DATABASE_CONNECTION_URL=nowhere)
    )

    log = place.folder / "prefect" / "temporary-server.log"
    message = json.loads(ended.stdout)["error"]["message"]
    assert ended.returncode == 3
    assert message.startswith("Prefect: the temporary server did not start. Nothing was changed.")
    assert str(log) in message
    assert "unable to open database file" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0
    assert not place.warehouse.exists()


def test_a_run_that_may_not_bring_one_says_so(place: Place) -> None:
    ended = run_in_own_process("run", "--output", "json", **alone(place, PREFECT_SERVER_EPHEMERAL_ENABLED="false"))

    assert ended.returncode == 3
    assert "a temporary one is not allowed.\n  Set PREFECT_API_URL." in json.loads(ended.stdout)["error"]["message"]
