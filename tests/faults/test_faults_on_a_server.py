"""The same with shop, ledger and warehouse in PostgreSQL: killed, or its connections cut wherever it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.homes import OnServer
from tests.faults.meeting import CUT, Undisturbed, check, undisturbed
from tests.faults.points import ON_SERVER, STAGES_ON_SERVER, Stage, some

pytestmark = pytest.mark.long

TROUBLES = ("killed", CUT)

CASES = [(trouble, stage) for first, trouble in enumerate(TROUBLES) for stage in some(STAGES_ON_SERVER, first)]


@pytest.fixture(scope="module")
def wanted(on_server: tuple[OnServer, str], tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return undisturbed(*on_server, tmp_path_factory.mktemp("undisturbed"))


@pytest.mark.parametrize(("trouble", "stage"), CASES, ids=str)
def test_trouble_leaves_a_whole_state_and_the_next_run_makes_what_it_should(
    trouble: str, stage: Stage, on_server: tuple[OnServer, str], wanted: Undisturbed, tmp_path: Path
) -> None:
    home, plan = on_server
    check(copied := home.copied(tmp_path / "shop"), stage, stage.at(ON_SERVER), trouble, plan, wanted)
    copied.remove()
