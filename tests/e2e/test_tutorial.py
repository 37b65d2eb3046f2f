"""The tutorial, followed to the letter: every file, change, command and answer of its pages, in an empty folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.reader import Reader, blocks

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not shutil.which("bash"), reason="the pages are followed in a shell, and there is no bash"),
]


@pytest.fixture
def reader(prefect_server: Path, tmp_path: Path) -> Reader:
    """Give somebody who starts in an empty folder."""
    folder = tmp_path / "reader"
    folder.mkdir()
    return Reader(folder)


def test_a_treatment_of_ones_own_is_written_published_and_refused(reader: Reader) -> None:
    for block in blocks((TUTORIAL / "own-treatment.md").read_text("utf-8")):
        reader.follow(block)
