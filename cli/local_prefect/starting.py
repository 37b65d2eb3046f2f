"""Starting and ending a server and its worker."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from cli.local_prefect.environment import prefect_environment, worker_environment
from cli.local_prefect.home import Home, Note
from cli.local_prefect.processes import end, is_healthy, listens, lives, marked, start_python
from cli.local_prefect.registration import deploy, make_automations, make_work_pool, work_pool
from privacy.errors import StoreError, UsageError

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

USUAL_PORT = 4200
PATIENCE = 180
"""Seconds that server and worker have to start, on a busy machine."""
CHOICES = 3
"""How many ports are tried, where others take them meanwhile."""

Tell = Callable[[str, int, int], None]


def bring_up(home: Home, port: int | None, environment: Mapping[str, str], tell: Tell) -> tuple[Note, bool]:
    """See that server and worker run and know all deployments; tell whether anything had to be started."""
    with home.held():
        note = home.note()
        if note and note.complete:
            _refuse_another(note, port)
            return note, False
        bring_down(note)
        return _started(home, port, note, environment, tell), True


def bring_down(note: Note | None) -> int:
    """End what a note knows of: runs under way first, so that they can tell the server; count what was ended."""
    if note is None:
        return 0
    workers, servers = marked(note.worker), marked(note.server)
    for processes in (workers[1:], workers[:1], servers):
        end(processes)
    left = marked(note.worker)
    end(left)
    return len(workers) + len(servers) + len(left)


def _started(home: Home, asked: int | None, last: Note | None, environment: Mapping[str, str], tell: Tell) -> Note:
    """Start both; choose another port where somebody takes it before the server does, and none was asked for."""
    pool = work_pool()
    for _ in range(CHOICES):
        note = Note.new(_port(asked, last))
        home.keep(note)
        try:
            if _start_server(home, note, environment, tell):
                _start_worker(home, note, pool, environment, tell)
                return note
        except BaseException:
            bring_down(note)
            raise
        bring_down(note)
    raise StoreError(f"Each of {CHOICES} free ports was taken before the server had it.\n  Name another with --port.")


def _start_server(home: Home, note: Note, environment: Mapping[str, str], tell: Tell) -> bool:
    """Start the server; tell whether it got its port. Whoever else answers there is not taken for it."""
    tell("starting the server", 0, 0)
    log, ours = home.folder / "server.log", prefect_environment(environment, home, note)
    (home.folder / "prefect.db").touch(mode=0o600)
    server = start_python(["prefect", "server", "start"], ours, note.server, log)
    if _becomes(server, lambda: listens(server, note.port) and is_healthy(note.api)):
        return True
    if lives(server) or _is_free(note.port):
        raise _not_started("The server", log)
    return False


def _start_worker(home: Home, note: Note, pool: str, environment: Mapping[str, str], tell: Tell) -> None:
    from prefect.client.orchestration import SyncPrefectClient

    with SyncPrefectClient(note.api, auth_string=environment.get("PREFECT_API_AUTH_STRING")) as client:
        make_work_pool(client, pool)
        tell("registering deployments", 0, 0)
        at_work = worker_environment(environment, home, note)
        deploy(at_work, home.folder / "deploy.log")
        make_automations(client)
        tell("starting the worker", 0, 0)
        log = home.folder / "worker.log"
        arguments = ["prefect", "worker", "start", "--pool", pool, "--type", "process", "--name", note.mark[:8]]
        worker = start_python(arguments, at_work, note.worker, log)
        if not _becomes(worker, lambda: _is_online(client, pool, note.mark[:8])):
            raise _not_started("The worker", log)


def _refuse_another(note: Note, port: int | None) -> None:
    if port not in (None, note.port):
        raise UsageError(f"--port: it is up on port {note.port} already.\n  Run `sluis down` first.")


def _port(asked: int | None, last: Note | None) -> int:
    """Choose a port: the one asked for, the last one, Prefect's usual one, or any."""
    if asked:
        if not _is_free(asked):
            raise UsageError(f"--port: {asked} is in use.\n  Name another, or none: then a free one is taken.")
        return asked
    ports: list[int] = [*([last.port] if last else ()), USUAL_PORT, _any_port()]
    return next(filter(_is_free, ports))


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return True
    return False


def _any_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        port: int = tried.getsockname()[1]
        return port


def _becomes(process: psutil.Process, ready: Callable[[], bool]) -> bool:
    """Wait until something that was started is ready, as long as it lives and there is patience."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and lives(process):
        if ready():
            return True
        time.sleep(0.25)
    return False


def _not_started(what: str, log: Path) -> StoreError:
    return StoreError(f"{what} did not start.\n  {log} tells why.")


def _is_online(client: SyncPrefectClient, pool: str, name: str) -> bool:
    workers = client.read_workers_for_work_pool(pool)
    return any(worker.name == name and worker.status == "ONLINE" for worker in workers)
