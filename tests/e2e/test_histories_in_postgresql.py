"""Histories with warehouse and ledger in PostgreSQL: the same deeds and the same model as with files.

25 histories of 20 deeds, where 500 are tried in files (test_histories.py): each deed asks two databases, and a backup
copies both. Five more go by the real commands, with the gate.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.histories.deeds import ByCommands
from tests.histories.machine import Histories, search
from tests.place_in_postgresql import PlaceInPostgreSQL
from tests.postgres import PostgresServer, running

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Run a server of their own."""
    with running(tmp_path_factory.mktemp("postgres")) as server:
        yield server


def test_whatever_happens_nobody_held_back_is_seen_and_everybody_else_is(server: PostgresServer) -> None:
    class InPostgreSQL(Histories):
        make_place = staticmethod(lambda folder: PlaceInPostgreSQL.made(folder, server))

    search(InPostgreSQL, 25)


@pytest.mark.usefixtures("prefect_server")
def test_whatever_is_commanded_nobody_held_back_is_seen_and_everybody_else_is(server: PostgresServer) -> None:
    class InPostgreSQLByCommands(Histories):
        make_place = staticmethod(lambda folder: PlaceInPostgreSQL.made(folder, server))
        make_deeds = ByCommands
        ungated = False
        race = kill = None  # type: ignore[assignment]

    search(InPostgreSQLByCommands, 5)
