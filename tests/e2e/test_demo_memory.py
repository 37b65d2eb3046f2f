"""The memory of the process that does the work does not grow with the shop."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Place, run_in_process

# VmHWM, not ru_maxrss: the latter also counts what the parent held when it started this process.
MEASURED_RUN = """
import atexit, re, sys
from pathlib import Path
from cli.main import main

@atexit.register
def tell():
    print("peak", re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1], file=sys.stderr)

sys.argv = ["sluis", "run", "--output", "json"]
main()
"""


def peak_megabytes(folder: Path, orders: int, least_lines: int) -> float:
    """Make a shop, run the main job on it as a process of its own, and give that process's peak."""
    made = run_in_process("demo", "--dir", str(folder), "--orders", str(orders), "--shop-only", "--output", "json")
    assert made.exit_code == 0, made.said
    place = Place(folder)
    with contextlib.closing(sqlite3.connect(place.source)) as source:
        assert source.execute("select count(*) from order_line").fetchone()[0] > least_lines
    script = folder / "measured_run.py"
    script.write_text(MEASURED_RUN, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, **place.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert json.loads(ended.stdout)["published"]
    (peak,) = [line.split()[1] for line in ended.stderr.splitlines() if line.startswith("peak ")]
    place.source.unlink()
    return int(peak) / 1024


@pytest.mark.long
def test_two_million_lines_take_little_more_memory_than_two_hundred_thousand(
    prefect_server: Path, tmp_path: Path
) -> None:
    small = peak_megabytes(tmp_path / "small", 80_000, 195_000)
    large = peak_megabytes(tmp_path / "large", 800_000, 1_950_000)

    assert large < 1.3 * small, (large, small)
    assert large < 1000
