"""A real Prefect server, its worker, and what one does with them: deploy, start a run, wait for its end."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.free_port import free_port

POOL = "sluis"

MAKE_POOL = ("work-pool", "create", POOL, "--type", "process", "--overwrite")
"""Another test may have made it on the server that they share."""
FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@dataclass(frozen=True)
class PrefectServer:
    """A server that answers."""

    home: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Give the variables by which commands and workers find it, and send nothing to anybody."""
        return {
            "PREFECT_HOME": str(self.home),
            "PREFECT_API_URL": f"{self.url}/api",
            "DO_NOT_TRACK": "1",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        }

    def prefect(self, *arguments: str, cwd: Path, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
        """Run Prefect's own command, of this environment or another's Python."""
        command = [python, "-m", "prefect", "--no-prompt", *arguments]
        return subprocess.run(
            command, cwd=cwd, env={**os.environ, **self.environment}, capture_output=True, text=True, check=False
        )

    def ask(self, method: str, path: str, **body: Any) -> httpx.Response:
        """Ask its API; again while its database is busy with others, as Prefect's own clients do."""
        deadline = time.monotonic() + 60
        while True:
            answer = httpx.request(method, f"{self.url}/api/{path}", json=body or None, timeout=60)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
                return answer
            time.sleep(1)

    def deployment(self, name: str) -> dict[str, Any]:
        """Give a deployment as the server has it, by `flow/deployment`."""
        answer = self.ask("GET", f"deployments/name/{name}")
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def start(self, deployment: str, **parameters: Any) -> httpx.Response:
        """Start a run of a deployment, as its form does; the answer is the run, or why it is refused."""
        run_of = f"deployments/{self.deployment(deployment)['id']}/create_flow_run"
        return self.ask("POST", run_of, parameters=parameters, state={"type": "SCHEDULED"})

    def run(self, run_id: str) -> dict[str, Any]:
        """Give a flow run as it is now."""
        found: dict[str, Any] = self.ask("GET", f"flow_runs/{run_id}").json()
        return found

    def asked_for(self) -> list[dict[str, Any]]:
        """Give the flow runs that somebody asked for, newest first: schedules make theirs when they please."""
        found: list[dict[str, Any]] = []
        while page := self.ask("POST", "flow_runs/filter", sort="START_TIME_DESC", offset=len(found)).json():
            found += page
        return [run for run in found if not run["auto_scheduled"]]

    def wait_for(self, run_id: str, *states: str, seconds: float = 180) -> dict[str, Any]:
        """Wait until a run is in one of these states (default: any final one); give it."""
        deadline = time.monotonic() + seconds
        while (run := self.run(run_id))["state"]["type"] not in (states or FINAL):
            assert time.monotonic() < deadline, f"{run['name']} is {run['state']['name']} after {seconds} s"
            time.sleep(0.5)
        return run

    def cancel(self, run_id: str) -> None:
        """Ask for the end of a run, as the UI's button does."""
        self.ask("POST", f"flow_runs/{run_id}/set_state", state={"type": "CANCELLING"}).raise_for_status()

    @contextmanager
    def worker(
        self, environment: Mapping[str, str], log: Path, python: str = sys.executable
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run a worker of the pool, which finds source, warehouse and keys in its environment."""
        command = [python, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
        settings = {"PREFECT_WORKER_QUERY_SECONDS": "1", **self.environment, **environment}
        with (
            log.open("wb") as output,
            subprocess.Popen(command, env={**os.environ, **settings}, stdout=output, stderr=output) as process,
        ):
            try:
                yield process
            finally:
                process.terminate()


@contextmanager
def serving(home: Path, *flags: str, **settings: str) -> Iterator[PrefectServer]:
    """Run a server in a home of its own, on a free port; flags and settings are of `prefect server start`."""
    server = PrefectServer(home, free_port())
    address = ("--host", "127.0.0.1", "--port", str(server.port))
    command = [sys.executable, "-m", "prefect", "server", "start", *address, *flags]
    environment = {**os.environ, **server.environment, **settings}
    with (
        (home / "server.log").open("w") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            _wait_until_healthy(server)
            yield server
        finally:
            process.terminate()


def _wait_until_healthy(server: PrefectServer) -> None:
    for _ in range(240):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{server.url}/api/health", timeout=1):
            return
        time.sleep(0.5)
    raise AssertionError("the Prefect server did not start")
