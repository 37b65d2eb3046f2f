"""The tutorial, followed to the letter: every file, change, command and answer of its pages, in an empty folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.reader import Reader, blocks

ROOT = Path(__file__).parents[2]
DVD_SHOP = ROOT.parent / "shared" / "data" / "databases" / "sakila.sqlite"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not shutil.which("bash"), reason="the pages are followed in a shell, and there is no bash"),
]


def follow(page: str, folder: Path) -> None:
    """Follow a page of the tutorial in an empty folder."""
    folder.mkdir()
    reader = Reader(folder, CLONE=str(ROOT), DVD_SHOP=str(DVD_SHOP))
    for block in blocks((ROOT / "docs" / "tutorial" / page).read_text("utf-8")):
        reader.follow(block)


@pytest.mark.skipif(not DVD_SHOP.is_file(), reason=f"{DVD_SHOP.name} is not in ../shared/data/databases")
def test_a_database_never_seen_before_gets_a_policy_and_is_published(prefect_server: Path, tmp_path: Path) -> None:
    follow("first-policy.md", tmp_path / "reader")


def test_a_treatment_of_ones_own_is_written_published_and_refused(prefect_server: Path, tmp_path: Path) -> None:
    follow("own-treatment.md", tmp_path / "reader")
