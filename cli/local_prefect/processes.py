"""Processes that stay when the command ends, known again by a mark in their environment, which their children inherit.

A process id alone may long be another's; a random mark is nobody else's.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

import psutil

MARK = "SLUIS_UP"
"""The variable that holds the mark."""
PATIENCE = 30
"""Seconds that a process has to end by itself: a run cleans its candidate up."""


def start_python(arguments: list[str], environment: Mapping[str, str], mark: str, log: Path) -> psutil.Process:
    """Start a Python module in a session of its own; what it says goes into `log`, for its owner's eyes only."""
    with open_private(log) as said:
        started = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env={**environment, MARK: mark},
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
            umask=0o077,
        )
    return psutil.Process(started.pid)


def open_private(file: Path) -> TextIO:
    """Open a file, to write it anew, that only its owner can read."""
    return open(file, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600))


def marked(mark: str) -> list[psutil.Process]:
    """Find all living processes that bear a mark, the oldest first."""
    found = [process for process in psutil.process_iter() if _bears(process, mark)]
    return sorted(found, key=psutil.Process.create_time)


def _bears(process: psutil.Process, mark: str) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        return bool(process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE)
    return False


def lives(process: psutil.Process) -> bool:
    """Whether a process that was started has not ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def listens(process: psutil.Process, port: int) -> bool:
    """Whether a process, or one that it started, is who listens on a port."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for one in (process, *process.children(recursive=True)):
            listening = (at for at in one.net_connections("tcp") if at.status == psutil.CONN_LISTEN)
            if any(at.laddr.port == port for at in listening):
                return True
    return False


def is_healthy(api: str, seconds: float = 2) -> bool:
    """Ask a server that was started whether it is ready; one that listens and is not keeps us waiting so long."""
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{api}/health", timeout=seconds) as answer:
        return bool(answer.status == 200)
    return False


def end(processes: list[psutil.Process], patience: float = PATIENCE) -> None:
    """Ask processes to end, and kill those that do not."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal_number)
        _, processes = psutil.wait_procs(processes, timeout=patience)
