"""A PostgreSQL server, and the shop that trouble comes to in databases of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.homes import OnServer
from tests.faults.shop import make
from tests.postgres import PostgresServer, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Run a real PostgreSQL server."""
    with running(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="module")
def on_server(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[OnServer, str]:
    """Make the shop on the server once, with a plan. Not to be changed: tests take a copy."""
    folder = tmp_path_factory.mktemp("shop")
    return make(folder, lambda folder: OnServer(folder, server), OnServer.with_source)
