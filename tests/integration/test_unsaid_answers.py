"""An answer that cannot be written ends a command with the code of a full disk, never with that of a broken promise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Place

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full, which is a full disk")
OUTPUTS = pytest.mark.parametrize("output", ["text", "json"])


def sluis(*words: str, out: int, errors: int = subprocess.PIPE, here: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in an empty folder, with its answer written to `out`."""
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *words],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2]), "HOME": str(here)},
        cwd=here,
        stdout=out,
        stderr=errors,
        text=True,
        check=False,
    )


def keys_init(output: str, here: Path, out: int) -> subprocess.CompletedProcess[str]:
    return sluis("keys", "init", "--keyring", "k.toml", "--output", output, out=out, here=here)


@needs_full
@OUTPUTS
def test_on_a_full_disk_what_was_asked_is_done_and_the_command_says_why_it_does_not_tell(
    output: str, tmp_path: Path
) -> None:
    with FULL.open("w") as full:
        done = keys_init(output, tmp_path, full.fileno())
    assert (tmp_path / "k.toml").exists()
    assert done.returncode == 3
    assert done.stderr == "sluis: It is done, but the answer cannot be written: No space left on device.\n"


@OUTPUTS
def test_a_reader_who_has_gone_is_no_broken_promise(output: str, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = keys_init(output, tmp_path, writing)
    os.close(writing)
    assert (tmp_path / "k.toml").exists()
    assert done.returncode == 3
    assert done.stderr == "sluis: It is done, but the answer cannot be written: Broken pipe.\n"


@needs_full
@OUTPUTS
def test_an_error_keeps_its_code_where_neither_stream_can_be_written(output: str, tmp_path: Path) -> None:
    with FULL.open("w") as full:
        done = sluis(
            "check", "--policy", "none.yaml", "--source", "sqlite:///none.sqlite", "--output", output,
            out=full.fileno(), errors=full.fileno(), here=tmp_path,
        )  # fmt: skip
    assert done.returncode == 2


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_signs_that_a_terminal_does_not_know_stop_no_answer(encoding: str, place: Place) -> None:
    """It ended with a traceback and 1, the code of a broken promise."""
    place.change_policy('version: "test"', 'version: "test ✓"')

    ended = subprocess.run(
        [sys.executable, "-m", "cli.main", "check"],
        env={**os.environ, **place.environment, "PYTHONIOENCODING": encoding},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout.startswith(b"Policy test ? is valid")
