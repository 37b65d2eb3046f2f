"""The same where only the write-ahead log has a disk of its own, which others fill: the server gives up, and is lost.

PostgreSQL ends all sessions then (PANIC), and does not start again until there is room.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.homes import OnServer
from tests.faults.meeting import LOG_FULL, Undisturbed, check, undisturbed
from tests.faults.points import ON_SERVER, STAGES_ON_SERVER, Stage
from tests.faults.shop import make
from tests.postgres import running
from tests.small_disk import mounted

pytestmark = pytest.mark.long

TRIED = (
    "run: its start is noted",
    "run: a table is staged",
    "run: all tables are moved, and nothing is committed",
    "run: the swap is committed",
    "run: the receipt is issued",
    "erasure: rows are doomed",
)
STAGES = [stage for stage in STAGES_ON_SERVER if str(stage) in TRIED]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OnServer, str]]:
    """Make the shop on a server whose log has a disk of its own, with a plan. Not to be changed: tests take a copy."""
    folder = tmp_path_factory.mktemp("postgres")
    with mounted(folder / "disk") as disk, running(folder, log_at=disk.folder) as server:
        for setting in ("min_wal_size = '32MB'", "max_wal_size = '64MB'"):
            server.execute(f"alter system set {setting}")
        server.execute("select pg_reload_conf()")
        yield make(tmp_path_factory.mktemp("shop"), lambda home: OnServer(home, server, disk), OnServer.with_source)


@pytest.fixture(scope="module")
def wanted(shop: tuple[OnServer, str], tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return undisturbed(*shop, tmp_path_factory.mktemp("undisturbed"))


def panics(home: OnServer) -> int:
    """Count how often the server gave up for want of room."""
    said = (home.server.folder / "log").read_text(encoding="utf-8")
    return sum("PANIC" in line and "No space left" in line for line in said.splitlines())


@pytest.mark.parametrize("stage", STAGES, ids=str)
def test_a_server_that_has_no_room_for_its_log_leaves_a_whole_state_and_the_next_run_makes_what_it_should(
    stage: Stage, shop: tuple[OnServer, str], wanted: Undisturbed, tmp_path: Path
) -> None:
    home, plan = shop
    before = panics(home)

    check(copied := home.copied(tmp_path / "shop"), stage, stage.at(ON_SERVER), LOG_FULL, plan, wanted)

    assert panics(home) > before, "the server had room yet"
    copied.remove()
