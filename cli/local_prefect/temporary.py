"""A Prefect server for one command, which ends when the process that started it does, however that ends.

Prefect would start one by itself: only once its client asks, after importing a whole server into this process, too; and
a command that is killed would leave it behind.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from cli.local_prefect.processes import end, is_healthy, open_private
from privacy.errors import StoreError

if TYPE_CHECKING:
    from fastapi import FastAPI
    from prefect.settings import Settings

OURS = Path(__file__).parents[2]
"""Where this package is; a folder of the same name may lie where the command is called."""
PATIENCE = 5
"""Seconds that it has to end by itself."""


def start_temporary_server(settings: Settings) -> None:
    """Start a server, and let Prefect's client in this process ask it; StoreError if it does not start."""
    from prefect.context import refresh_global_settings_context

    log, started = settings.home / "temporary-server.log", False
    server, api = _begun(log)
    try:
        started = is_healthy(api, settings.server.ephemeral.startup_timeout_seconds)
    finally:
        if not started:
            server.terminate()  # it ends once its database is whole
    if not started:
        raise StoreError(f"Prefect: the temporary server did not start. Nothing was changed.\n  {log} tells why.")
    # before Prefect's client registers what it tells at exit, and so behind it
    atexit.register(end, [psutil.Process(server.pid)], PATIENCE)
    os.environ["PREFECT_API_URL"] = api
    refresh_global_settings_context()


def _begun(log: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start it on a port that is its own already, so that whoever asks is answered once it has started."""
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with socket.socket() as listening, open_private(log) as said:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        place = listening.fileno()
        command = ["uvicorn", "--factory", f"{__name__}:app", "--app-dir", str(OURS)]
        server = subprocess.Popen(
            [sys.executable, "-P", "-m", *command, "--fd", str(place), "--log-level", "error"],
            pass_fds=[place],
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        return server, f"http://127.0.0.1:{listening.getsockname()[1]}/api"


def app() -> FastAPI:
    """Make the server's application, in its own process; whoever started that holds the other end of its stdin."""
    from prefect.server.api.server import create_app

    threading.Thread(target=_end_with_starter, daemon=True).start()
    return create_app(ephemeral=True, final=True)


def _end_with_starter() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)
