"""One run at a time: a lock on a file, which the operating system takes from a killed process."""

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
    with file_locked(warehouse) as handle:
        if handle is None:
            text = _lock_file(warehouse).read_text(errors="replace")
            holder = text[:200].strip() or "another run"
            raise LockError(f"{warehouse.name} is held by {holder}.\n  Wait until it ends; a killed run holds nothing.")
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"run {run_id} (process {os.getpid()} on {socket.gethostname()})\n".encode(), 0)
        yield
        os.ftruncate(handle, 0)


@contextmanager
def file_locked(file: Path) -> Iterator[int | None]:
    """Lock what a file holds by one beside it, and give that one's handle; None where another process has locked it."""
    handle = os.open(_lock_file(file), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield handle if taken(handle) else None
    finally:
        os.close(handle)


def is_held(file: Path) -> bool:
    """Tell whether a run holds a file now; the lock is not taken, but shared for an instant."""
    with contextlib.suppress(FileNotFoundError), _lock_file(file).open() as opened:
        return not taken(opened.fileno(), fcntl.LOCK_SH)
    return False


def taken(handle: int, how: int = fcntl.LOCK_EX) -> bool:
    """Lock an open file, unless another process has; closing it lets go."""
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_file(file: Path) -> Path:
    return file.with_name(f"{file.name}.lock")
