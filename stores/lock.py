"""One run at a time: a lock on a file beside the warehouse, which the operating system takes from a killed run."""

from __future__ import annotations

import contextlib
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
    handle = os.open(_lock_file(warehouse), os.O_RDWR | os.O_CREAT, 0o600)
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


def is_held(warehouse: Path) -> bool:
    """Tell whether a run holds the warehouse now; the lock is not taken, but shared for an instant."""
    with contextlib.suppress(FileNotFoundError), _lock_file(warehouse).open() as file:
        return not taken(file.fileno(), fcntl.LOCK_SH)
    return False


def taken(handle: int, how: int = fcntl.LOCK_EX) -> bool:
    """Lock an open file, unless another process has; closing it lets go."""
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_file(warehouse: Path) -> Path:
    return warehouse.with_name(f"{warehouse.name}.lock")
