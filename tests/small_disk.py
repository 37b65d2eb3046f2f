"""A disk of its own for tests, which is full when they say so: a file system in memory, as large as they let it be."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOM = "1g"
"""What it may hold; it takes of memory what it does hold."""


@dataclass(frozen=True)
class Disk:
    """A file system at a folder."""

    folder: Path

    def fill(self) -> None:
        """Leave no byte free: the kernel refuses whatever else is to be written (ENOSPC)."""
        for _ in range(100):  # whatever is written meanwhile keeps the disk from being as small as it was found
            found = os.statvfs(self.folder)
            if self._becomes(str((found.f_blocks - found.f_bfree) * found.f_frsize)):
                return
        raise AssertionError("the disk does not become full")

    def make_room(self) -> None:
        """Let it grow again."""
        assert self._becomes(ROOM)

    def _becomes(self, size: str) -> bool:
        resized = subprocess.run(["mount", "-o", f"remount,size={size}", str(self.folder)], check=False)
        return resized.returncode == 0


@contextmanager
def mounted(folder: Path) -> Iterator[Disk]:
    """Mount one; where that is not allowed, tests that need one are skipped and say why."""
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "sluis", str(folder)], check=False).returncode:
        pytest.skip("no file system can be mounted here: run these tests as root, in a container with CAP_SYS_ADMIN")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
