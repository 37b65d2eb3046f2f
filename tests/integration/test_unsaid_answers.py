"""An answer that cannot be written ends a command with the code of a full disk, never with that of a broken promise."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Place, run_in_own_process

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full, which is a full disk")
OUTPUTS = pytest.mark.parametrize("output", ["text", "json"])


def keys_init(output: str, here: Path, out: int) -> subprocess.CompletedProcess[str]:
    return run_in_own_process("keys", "init", "--keyring", str(here / "k.toml"), "--output", output, stdout=out)


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
        done = run_in_own_process(
            "check", "--policy", str(tmp_path / "none.yaml"), "--source", f"sqlite:///{tmp_path / 'none.sqlite'}",
            "--output", output, stdout=full.fileno(), stderr=full.fileno(),
        )  # fmt: skip
    assert done.returncode == 2


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_signs_that_a_terminal_does_not_know_stop_no_answer(encoding: str, place: Place) -> None:
    """It ended with a traceback and 1, the code of a broken promise."""
    place.change_policy('version: "test"', 'version: "test ✓"')

    ended = run_in_own_process("check", **place.environment, PYTHONIOENCODING=encoding)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("Policy test ? is valid")
