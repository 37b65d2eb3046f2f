"""Measure steps of a process: seconds, CPU seconds, rows, and the peak of the memory it took."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class Step:
    """One measured step. `rows` is what it read; 0 where it reads none."""

    name: str
    rows: int = 0
    seconds: float = 0.0
    cpu: float = 0.0


@dataclass
class Measured:
    """A contestant's steps and its peak in megabytes."""

    steps: list[Step] = field(default_factory=list)
    peak: float = 0.0

    @contextmanager
    def step(self, name: str, rows: int = 0) -> Iterator[Step]:
        """Measure what happens within."""
        step = Step(name, rows)
        wall, cpu = time.perf_counter(), time.process_time()
        yield step
        step.seconds, step.cpu = time.perf_counter() - wall, time.process_time() - cpu
        self.steps.append(step)

    def told(self) -> str:
        """Give all of it as one line of JSON."""
        # VmHWM, not ru_maxrss: the latter also counts what the parent held when it started this process.
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
        self.peak = int(found[1]) / 1024 if found else 0.0
        return json.dumps(asdict(self))


def measured_in_own_process(contestant: str, folder: Path) -> Measured:
    """Run a module of this package as a process of its own; it prints `Measured.told()` last."""
    command = [sys.executable, "-m", f"benchmarks.{contestant}", str(folder)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    told = json.loads(ended.stdout.splitlines()[-1])
    return Measured([Step(**step) for step in told["steps"]], told["peak"])
