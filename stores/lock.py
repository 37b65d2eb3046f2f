"""One run at a time: a lock on a file beside the warehouse, which the operating system takes from a killed run."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from privacy.errors import LockError


@contextmanager
def exclusive(warehouse: Path, run_id: str) -> Iterator[None]:
    """Hold the warehouse for one run; LockError names the run that holds it."""
    handle = os.open(warehouse.with_name(f"{warehouse.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not taken(handle):
            holder = os.pread(handle, 200, 0).decode(errors="replace").strip() or "another run"
            raise LockError(f"{warehouse.name} is held by {holder}.\n  Wait until it ends; a killed run holds nothing.")
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"run {run_id} (process {os.getpid()} on {socket.gethostname()})\n".encode(), 0)
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def taken(handle: int) -> bool:
    """Lock an open file, unless another process has; closing it lets go."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
