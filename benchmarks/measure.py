"""Measure steps of a process: seconds, CPU seconds, rows, and the peak of the memory it took."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

WHOLE = "whole"
"""The step that holds all the work of a contestant: all but its imports, and its process's start and end."""

PROCESS = "process"
"""The step that a contestant's parent measures: the process from start to end, with the processes it started."""


@dataclass
class Step:
    """One measured step. `rows` is what it read or checked; 0 where it does neither."""

    name: str
    rows: int = 0
    seconds: float = 0.0
    cpu: float = 0.0

    @property
    def micros(self) -> float:
        """Give its CPU microseconds a row."""
        return self.cpu / self.rows * 1e6 if self.rows else 0.0


@dataclass
class Measured:
    """A contestant's steps and its peak in megabytes."""

    steps: list[Step] = field(default_factory=list)
    peak: float = 0.0

    def __getitem__(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)

    @contextmanager
    def step(self, name: str, rows: int = 0) -> Iterator[Step]:
        """Measure what happens within."""
        step = Step(name, rows)
        self.steps.append(step)
        wall, cpu = time.perf_counter(), time.process_time()
        yield step
        step.seconds, step.cpu = time.perf_counter() - wall, time.process_time() - cpu


def tell(measure: Callable[..., Measured]) -> None:
    """Be a contestant's process: measure with the folders and options it was given, and print that as its last line."""
    shop, to, *options = sys.argv[1:]
    measured = measure(Path(shop), Path(to), *options)
    # VmHWM, not ru_maxrss: the latter also counts what the parent held when it started this process.
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    measured.peak = int(found[1]) / 1024 if found else 0.0
    sys.stdout.write(json.dumps(asdict(measured)) + "\n")


def measured_in_own_process(module: str, shop: Path, *options: str) -> Measured:
    """Run a module of this package as a process of its own, on a shop; what it writes is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="run-", dir=shop) as to:
        whole, cpu = Step(PROCESS), _cpu_of_children()
        wall = time.perf_counter()
        measured = told(module, shop, Path(to), *options)
        whole.seconds, whole.cpu = time.perf_counter() - wall, _cpu_of_children() - cpu
    measured.steps.append(whole)
    return measured


def told(module: str, shop: Path, to: Path, *options: str) -> Measured:
    """Run a module likewise, into a folder that stays, and give what it tells."""
    command = [sys.executable, "-m", f"benchmarks.{module}", str(shop), str(to), *options]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"{module} failed:\n{ended.stderr}")
    measured = json.loads(ended.stdout.splitlines()[-1])
    return Measured([Step(**step) for step in measured["steps"]], measured["peak"])


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
