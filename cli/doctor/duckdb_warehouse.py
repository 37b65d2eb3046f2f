"""A warehouse in DuckDB: its folder, the room in it, the published file, and what was left beside that."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from cli.doctor.findings import OUT_OF_ORDER, Check, Environment, Finding, bad, doubtful, good
from stores.durable import sync
from stores.lock import is_held
from stores.settings import EMBEDDED, database_url, file_of
from stores.warehouse.duckdb import DuckDBWarehouse
from stores.warehouse.duckdb_live import WRITE_AHEAD

LEAST_ROOM = 100 << 20


def folder(environment: Environment) -> Finding:
    """Do in the warehouse's folder, with files of no content, what publishing needs: link, lock, rename over, sync."""
    live = _warehouse(environment).live
    with _private_folder(live.parent) as work:
        old, new = work / "old", work / "new"
        for path in (old, new):
            path.touch(mode=0o600)
        (work / "linked").hardlink_to(old)
        handle = os.open(old, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(handle)
        new.replace(old)
        sync(work)
    return good(f"{live.parent}: files can be linked, locked and renamed over")


def room(environment: Environment) -> Finding:
    """Compare the free disk with what a run may need: the next file beside the present one, and as much to sort in."""
    live = _warehouse(environment).live
    needed = 2 * _size_of_one_like(live, database_url("source", environment)) + LEAST_ROOM
    free = shutil.disk_usage(live.parent).free
    found = f"{free / 2**30:.1f} GB free, {needed / 2**30:.1f} GB may be needed"
    if free >= needed:
        return good(found)
    return bad(found, f"Make room on the disk of {live.parent}, or name another place with --warehouse.", OUT_OF_ORDER)


def published(environment: Environment) -> Finding:
    """See whether the published file is ours, and can only be read."""
    warehouse = _warehouse(environment)
    if not warehouse.live.exists():
        return good("nothing published yet")
    private = warehouse.live.with_name(warehouse.private_file() or "")
    modes = [(warehouse.live, 0o444)] + [(private, 0o600)] * private.is_file()
    if wrong := [(path, mode) for path, mode in modes if stat.S_IMODE(path.stat().st_mode) != mode]:
        return doubtful(
            "; ".join(f"{path.name} has mode {stat.S_IMODE(path.stat().st_mode):04o}" for path, _ in wrong),
            "Run: " + "; ".join(f"chmod {mode:o} {path}" for path, mode in wrong),
        )
    return good("of Sluis, mode 0444")


def write_ahead(environment: Environment) -> Finding:
    """See whether somebody opened the published file for writing."""
    warehouse = _warehouse(environment)
    if logs := [log.name for log in map(warehouse.beside, WRITE_AHEAD) if log.exists()]:
        return doubtful(
            f"{', '.join(logs)}: somebody opened the published file for writing",
            "Find out who, and let them open it read-only. The next run removes it.",
        )
    return good("none")


def leftovers(environment: Environment) -> Finding:
    """See whether a killed run left treated rows behind."""
    warehouse = _warehouse(environment)
    work = warehouse.beside("work")
    if is_held(warehouse.live):
        return good("none; a run is under way")
    if work.exists():
        return doubtful(f"{work.name}: a run was killed", "The next run removes it; until then it holds treated rows.")
    return good("none")


def _size_of_one_like(live: Path, source: sa.URL) -> int:
    """Give the size of the published file; before the first run the source's, where that is a file."""
    if not live.exists() and source.get_backend_name() in EMBEDDED:
        live = file_of(source, "source")
    return live.stat().st_size if live.exists() else 0


def _warehouse(environment: Environment) -> DuckDBWarehouse:
    return DuckDBWarehouse(database_url("warehouse", environment))


@contextmanager
def _private_folder(beside: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=".sluis-doctor-", dir=beside) as work:
        yield Path(work)


CHECKS = (
    Check("warehouse folder", folder, ("warehouse",), of="duckdb"),
    Check("disk space", room, ("warehouse", "source"), after=("warehouse folder",), of="duckdb"),
    Check("published state", published, ("warehouse",), after=("warehouse folder",), of="duckdb"),
    Check("write-ahead file", write_ahead, ("warehouse",), after=("warehouse folder",), of="duckdb"),
    Check("leftovers", leftovers, ("warehouse",), after=("warehouse folder",), of="duckdb"),
)
