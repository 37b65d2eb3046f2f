"""What a newcomer does: clone into an empty folder, and two commands."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("not a clone itself")
    folder = tmp_path_factory.mktemp("fresh") / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    return folder


def make(clone: Path, target: str) -> str:
    """Run a target without anything of this session's environment; give all that it printed."""
    ours = ("PREFECT_", "SLUIS_", "VIRTUAL_ENV", "PYTHON")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    ended = subprocess.run(["make", target], cwd=clone, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def test_make_demo_works_in_an_empty_folder_and_again_without_set_up(clone: Path) -> None:
    assert not (clone / ".venv").exists()

    first = make(clone, "demo")
    made = (clone / ".venv" / "ready").stat().st_mtime_ns
    again = make(clone, "demo")

    assert "pip install" in first
    assert "pip install" not in again
    assert (clone / ".venv" / "ready").stat().st_mtime_ns == made
    assert (clone / "demo-run" / "warehouse.duckdb").exists()


def test_make_lint_passes(clone: Path) -> None:
    make(clone, "lint")


def test_nothing_that_was_made_is_taken_for_source(clone: Path) -> None:
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True, check=True
    ).stdout

    assert status == ""
