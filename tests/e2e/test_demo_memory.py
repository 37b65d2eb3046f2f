"""The memory of the process that does the work does not grow with the shop."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Place, run_in_process
from tests.grown_shop import grow

pytestmark = [pytest.mark.long, pytest.mark.alone]

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


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Make a shop of two hundred thousand order lines."""
    folder = tmp_path_factory.mktemp("small")
    made = run_in_process("demo", "--dir", str(folder), "--orders", "80000", "--shop-only", "--output", "json")
    assert made.exit_code == 0, made.said
    return Place(folder)


@pytest.fixture(scope="module")
def small_peak(small: Place, prefect_server: Path) -> float:
    """Give the peak of a run on it."""
    return peak_megabytes(small, 200_000)


def peak_megabytes(place: Place, lines: int) -> float:
    """Run the main job as a process of its own, and give that process's peak."""
    script = place.folder / "measured_run.py"
    script.write_text(MEASURED_RUN, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, **place.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise RuntimeError(ended.stdout + ended.stderr)
    told = json.loads(ended.stdout)
    assert told["published"]
    assert told["tables"]["order_lines"]["extracted"] >= lines
    (peak,) = [line.split()[1] for line in ended.stderr.splitlines() if line.startswith("peak ")]
    return int(peak) / 1024


@pytest.mark.parametrize(("times", "lines"), [(10, 2_000_000), (25, 5_000_000)])
def test_memory_grows_by_less_than_a_third_while_the_shop_grows_ten_and_twenty_five_times(
    times: int, lines: int, small: Place, small_peak: float, tmp_path: Path
) -> None:
    large = Place(tmp_path)
    grow(small.source, large.source, times)
    for file in (small.policy, small.keyring):
        shutil.copy(file, tmp_path)

    peak = peak_megabytes(large, lines)

    large.source.unlink()
    print(f"{lines:,} lines: {peak:.0f} MB, {peak / small_peak:.2f} times the {small_peak:.0f} MB of 200,000")  # noqa: T201
    assert peak < 1.3 * small_peak, (peak, small_peak)
    assert peak < 1000
