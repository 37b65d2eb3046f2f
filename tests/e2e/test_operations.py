"""The runbook, followed to the letter: every command of docs/operations.md and its answer, on a small demo shop."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.reader import Reader, blocks

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not shutil.which("bash"), reason="the page is followed in a shell, and there is no bash"),
]


def test_the_runbook_does_what_it_says(prefect_server: Path, tmp_path: Path) -> None:
    folder = tmp_path / "reader"
    folder.mkdir()
    reader = Reader(folder, CLONE=str(ROOT))
    for block in blocks((ROOT / "docs" / "operations.md").read_text("utf-8")):
        reader.follow(block)
