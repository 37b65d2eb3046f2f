"""What befalls a run: it is killed, its disk is full or gone, its connections are cut; its clock jumps.

All but the last is the system's own doing: the clock of one process alone cannot be set, so that what our modules take
for the time is.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import resource
import sys
import types
from pathlib import Path

import psycopg

from privacy.leak_proof import ROOMS
from tests.small_disk import Disk

PULLED = ".pulled"
"""Ends the name of a folder that is gone for the process in trouble."""


def fill_the_disk() -> None:
    """Let no file of this process grow any more: the kernel refuses every byte that is written (EFBIG)."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def pull_the_disk(folder: Path) -> None:
    """Take a folder away: no name leads into it any more, and no open file can be read or written (EISDIR, EBADF).

    Files that serve as locks only keep their handles, as they keep their locks.
    """
    gone = os.open(folder, os.O_RDONLY)
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            opened = str(link.readlink())
            if opened.startswith(f"{folder}/") and not opened.endswith(".lock"):
                os.dup2(gone, int(link.name))
    folder.rename(f"{folder}{PULLED}")


def put_it_back(folder: Path) -> None:
    """Bring the folder back, as it was left."""
    if (pulled := Path(f"{folder}{PULLED}")).exists():
        pulled.rename(folder)


def cut_connections(server: str, statement: str) -> None:
    """Let the server end every session, as one does that is restarted."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.encode())


def fill_the_log(server: str, disk: Disk) -> None:
    """Leave no room for a server's write-ahead log, and let others write until it has none: then it gives up."""
    disk.fill()
    with contextlib.suppress(psycopg.Error), psycopg.connect(server, autocommit=True) as connection:
        while True:
            connection.execute("select pg_logical_emit_message(false, 'others', repeat('x', 4000000))")


def set_the_clock(by: datetime.timedelta) -> None:
    """Let all modules of ours see another time from now on."""

    class Jumped(datetime.datetime):
        @classmethod
        def now(cls, zone: datetime.tzinfo | None = None) -> datetime.datetime:
            return datetime.datetime.now(zone) + by

    jumped = types.SimpleNamespace(**{**vars(datetime), "datetime": Jumped})
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in ROOMS and vars(module).get("datetime") is datetime:
            module.datetime = jumped  # type: ignore[attr-defined]
