"""The same with all of the PostgreSQL server, shop, ledger and warehouse, on a disk that is full from some stage on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.homes import OnServer
from tests.faults.meeting import FULL, Undisturbed, check, undisturbed
from tests.faults.points import ON_SERVER, STAGES_ON_SERVER, Stage, some
from tests.faults.shop import make
from tests.postgres import running
from tests.small_disk import mounted

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OnServer, str]]:
    """Make the shop on a server with a disk of its own, with a plan. Not to be changed: tests take a copy."""
    folder = tmp_path_factory.mktemp("postgres")
    with mounted(folder / "disk") as disk, running(disk.folder) as server:
        yield make(tmp_path_factory.mktemp("shop"), lambda home: OnServer(home, server, disk), OnServer.with_source)


@pytest.fixture(scope="module")
def wanted(shop: tuple[OnServer, str], tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return undisturbed(*shop, tmp_path_factory.mktemp("undisturbed"))


@pytest.mark.parametrize("stage", some(STAGES_ON_SERVER, 2), ids=str)
def test_a_full_disk_leaves_a_whole_state_and_the_next_run_makes_what_it_should(
    stage: Stage, shop: tuple[OnServer, str], wanted: Undisturbed, tmp_path: Path
) -> None:
    home, plan = shop
    check(copied := home.copied(tmp_path / "shop"), stage, stage.at(ON_SERVER), FULL, plan, wanted)
    copied.remove()
