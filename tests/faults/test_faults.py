"""Whatever befalls a publish wherever on its way, analysts see the whole state of before or the whole new one; and the
next run makes what an undisturbed one would have made, and leaves nothing of the trouble behind.

Here with shop, ledger and warehouse in files: killed, on a disk that is full, on a disk that is gone. A clock that
jumps is no trouble at all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.homes import Home, InFiles
from tests.faults.meeting import CLOCKS, Undisturbed, check, undisturbed
from tests.faults.points import IN_FILES, STAGES_OF_FILES, Stage, some
from tests.faults.shop import make

QUICK = (("killed", "run: a table is staged"), ("disk gone", "erasure: rows are doomed"))
"""What `make test` tries; the others are long."""

TROUBLES = ("killed", "disk full", "disk gone")

BY_NAME = {str(stage): stage for stage in STAGES_OF_FILES}
CASES = [pytest.param(trouble, BY_NAME[stage]) for trouble, stage in QUICK]
CASES += [
    pytest.param(trouble, stage, marks=pytest.mark.long)
    for first, trouble in enumerate(TROUBLES)
    for stage in some(STAGES_OF_FILES, first)
    if (trouble, str(stage)) not in QUICK
]
CASES += [
    pytest.param(trouble, stage, marks=pytest.mark.long)
    for trouble in CLOCKS
    for stage in STAGES_OF_FILES
    if str(stage) in ("run: the snapshot is open", "run: before the receipt", "erasure: rows are doomed")
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, str]:
    """Make the shop once, with a plan. Not to be changed: tests take a copy."""
    return make(tmp_path_factory.mktemp("shop"), InFiles, lambda home: home)


@pytest.fixture(scope="module")
def wanted(shop: tuple[Home, str], tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return undisturbed(*shop, tmp_path_factory.mktemp("undisturbed"))


@pytest.mark.parametrize(("trouble", "stage"), CASES, ids=str)
def test_trouble_leaves_a_whole_state_and_the_next_run_makes_what_it_should(
    trouble: str, stage: Stage, shop: tuple[Home, str], wanted: Undisturbed, tmp_path: Path
) -> None:
    home, plan = shop
    check(home.copied(tmp_path / "shop"), stage, stage.at(IN_FILES), trouble, plan, wanted)
