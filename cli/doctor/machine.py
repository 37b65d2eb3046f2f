"""The machine: interpreter, packages, memory, rights of new files."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from cli.doctor.findings import Check, Environment, Finding, bad, doubtful, good

OLDEST, TOO_NEW = (3, 11), (3, 14)
CLASHES = {"duckdb-engine": None, "pyspark": "grpcio"}
"""Packages that silently break another (DuckDB's dialect, Great Expectations), unless the second one is there."""
MEMORY_NEEDED = 1 << 30
"""A run of two million order lines peaked at 0.7 GB."""


def python(environment: Environment) -> Finding:
    """See whether this Python is one of those that are tested."""
    version = platform.python_version()
    if OLDEST <= sys.version_info[:2] < TOO_NEW:
        return good(version)
    return bad(version, "Sluis needs Python 3.11 to 3.13: make clean; make PYTHON=python3.11 test")


def packages(environment: Environment) -> Finding:
    """Compare what is installed with what the project declares; exact pins are pairs known to work together."""
    declared = [Requirement(line) for line in metadata.requires("sluis") or ()]
    if wrong := [*_unmet(declared), *_clashing()]:
        return bad("; ".join(wrong), "Install what is locked by hash: `make clean`, then any make target.")
    return good(f"{len(declared)} as declared")


def _unmet(declared: list[Requirement]) -> Iterator[str]:
    for requirement in declared:
        if requirement.marker and not requirement.marker.evaluate():
            continue
        version = _version(requirement.name)
        if version is None:
            yield f"{requirement.name} is not installed"
        elif not requirement.specifier.contains(version, prereleases=True):
            yield f"{requirement.name} is {version}, and {requirement.specifier} is known to work"


def _clashing() -> Iterator[str]:
    for name, unless in CLASHES.items():
        if _version(name) and not (unless and _version(unless)):
            yield f"{name} is installed" + (f" without {unless}" if unless else "")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def umask(environment: Environment) -> Finding:
    """See whether others could write to files that a run makes without a mode of their own, such as the ledger."""
    mask = os.umask(0o077)
    os.umask(mask)
    if mask & 0o022 == 0o022:
        return good(f"{mask:04o}")
    return doubtful(f"{mask:04o}: others may write to new files", "Run under `umask 027`.")


def memory(environment: Environment) -> Finding:
    """Compare the memory that is free, for this machine and this container, with what a run may need."""
    free = min(_free(), default=None)
    if free is None:
        return good("not told by this system")
    found = f"{free / 2**30:.1f} GB free"
    if free >= MEMORY_NEEDED:
        return good(found)
    return doubtful(found, "A run needs up to 1 GB; give the worker more.")


def _free() -> Iterator[int]:
    machine, container = Path("/proc/meminfo"), Path("/sys/fs/cgroup")
    if machine.exists():
        lines = dict(line.split(":") for line in machine.read_text().splitlines())
        yield int(lines["MemAvailable"].split()[0]) * 1024
    limit = container / "memory.max"
    if limit.exists() and limit.read_text().strip() != "max":
        yield int(limit.read_text()) - int((container / "memory.current").read_text())


CHECKS = (Check("python", python), Check("packages", packages), Check("umask", umask), Check("memory", memory))
