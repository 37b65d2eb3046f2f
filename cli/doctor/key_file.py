"""The key file: whether it is good, and whether it lies where it may."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from cli.doctor.findings import Check, Environment, Finding, doubtful, good
from stores.keyring_file import read_keyring
from stores.keyring_rewrite import half_made_beside
from stores.settings import EMBEDDED, VARIABLES, database_url


def keyring(environment: Environment) -> Finding:
    """Read the key file, which is refused unless it is whole, random and its owner's alone."""
    roots = read_keyring(_path(environment)).roots
    return good(", ".join(f"{name} in epoch {epochs[-1].number}" for name, epochs in roots.items()))


def keyring_place(environment: Environment) -> Finding:
    """See who else may come by the key file."""
    if wrong := dict(_exposed(_path(environment).resolve(), environment)):
        return doubtful("; ".join(wrong), " ".join(wrong.values()))
    return good("apart from the warehouse and from any git work tree")


def _exposed(path: Path, environment: Environment) -> Iterator[tuple[str, str]]:
    if any((folder / ".git").exists() for folder in path.parents):
        yield "inside a git work tree", "Move it out, so that it is never committed."
    warehouse = database_url("warehouse", environment)
    if warehouse.get_backend_name() in EMBEDDED and path.parent == Path(warehouse.database or "").resolve().parent:
        yield "beside the warehouse", "Keep it in a folder that no analyst and no backup of the warehouse reaches."
    if (owner := path.stat().st_uid) != os.geteuid():
        yield f"owned by user {owner}", "Run Sluis as its owner, or give it to the user who runs Sluis."
    mode = path.parent.stat().st_mode
    if mode & 0o022 and not mode & stat.S_ISVTX:
        yield f"in a folder that others may write to (mode {stat.S_IMODE(mode):04o})", f"Run: chmod go-w {path.parent}"
    if (half_made := half_made_beside(path)).exists():
        yield f"{half_made.name}, of a rotation that was killed, beside it", f"Run: rm {half_made}"


def _path(environment: Environment) -> Path:
    return Path(environment[VARIABLES["keyring"]])


CHECKS = (
    Check("keyring", keyring, ("keyring",)),
    Check("keyring place", keyring_place, ("keyring", "warehouse"), after=("keyring",)),
)
