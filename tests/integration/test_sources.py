"""A shop in PostgreSQL or MariaDB gives what the same shop in SQLite gives: row for row, token for token."""

from __future__ import annotations

import datetime
from importlib.resources import files
from pathlib import Path

import pytest

from demo.shop import build_shop
from stores.keyring_file import create_keyring
from tests.conftest import Place
from tests.elsewhere import Elsewhere, moved
from tests.in_chamber import run_in_chamber
from tests.mariadb import MariadbServer
from tests.postgres import PostgresServer


@pytest.fixture(scope="module")
def in_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Make a demo shop of 300 orders. Not to be changed."""
    made, today = Place(tmp_path_factory.mktemp("shop")), datetime.date.today()
    build_shop(made.source, orders=300, seed=1, today=today, truth=made.folder / "truth.jsonl")
    made.policy.write_bytes(files("policies").joinpath("autopar.yaml").read_bytes())
    create_keyring(made.keyring, today)
    return made


@pytest.fixture(scope="module")
def content(in_sqlite: Place) -> dict[str, str]:
    """Give the checksums of what is read of the shop in SQLite, by published table."""
    return run_in_chamber(in_sqlite).content


@pytest.fixture
def shop(in_sqlite: Place, server: PostgresServer | MariadbServer, tmp_path: Path) -> Elsewhere:
    """Give the shop on a server of each kind."""
    return moved(in_sqlite, tmp_path, server.new_database())


def test_what_is_read_is_the_same_from_every_database(shop: Elsewhere, content: dict[str, str]) -> None:
    assert len(content) > 15
    assert run_in_chamber(shop).content == content
