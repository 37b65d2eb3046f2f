"""A corner shop whose warehouse a good run has filled, copied for each test that wants to break it; and new ledgers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

import tests.mariadb
from stores.ledger import Ledger, open_ledger
from tests.conftest import Place, corner_shop, run_in_process
from tests.in_chamber import run_in_chamber
from tests.mariadb import MariadbServer
from tests.place_in_postgresql import PlaceInPostgreSQL
from tests.postgres import PostgresServer, of_the_machine, running
from tests.rights_shop import make
from tests.warehouses import KINDS, AnyWarehouse, warehouse_of


@pytest.fixture(scope="session")
def run_once(prefect_server: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Run the corner shop once. Not to be changed: tests take a copy."""
    made = corner_shop(tmp_path_factory.mktemp("corner_shop"))
    outcome = run_in_process("run", "--output", "json", **made.environment)
    assert outcome.exit_code == 0, outcome.said
    return made


@pytest.fixture
def published(run_once: Place, place: Place) -> Place:
    """Give the corner shop after a good run; `run` runs it again."""
    for file in run_once.folder.iterdir():
        shutil.copy2(file, place.folder / file.name)
    return place


@pytest.fixture(scope="session")
def rights_once(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Run the shop of those who ask for their rights once. Not to be changed: tests take a copy."""
    made = Place(tmp_path_factory.mktemp("rights_shop"))
    make(made)
    run_in_chamber(made)
    return made


@pytest.fixture
def shop(rights_once: Place, tmp_path: Path) -> Place:
    """Give the shop of those who ask for their rights, after a good run."""
    copy = Place(tmp_path / "shop")
    shutil.copytree(rights_once.folder, copy.folder)
    return copy


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Run a real PostgreSQL server."""
    with running(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session", name="of_the_machine")
def postgres_of_the_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Run a PostgreSQL with ICU and citext, which the wheel's has not."""
    with running(tmp_path_factory.mktemp("of_the_machine"), of_the_machine()) as server:
        yield server


@pytest.fixture(scope="session")
def rights_once_in_postgresql(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> PlaceInPostgreSQL:
    """Run the same shop once into PostgreSQL, with its ledger there too. Not to be changed: tests take a copy."""
    made = PlaceInPostgreSQL.made(tmp_path_factory.mktemp("rights_in_postgresql"), postgres)
    make(made)
    run_in_chamber(made)
    return made


@pytest.fixture(params=KINDS)
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> AnyWarehouse:
    """Give an empty warehouse of each kind."""
    return warehouse_of(request.param, tmp_path, lambda: request.getfixturevalue("postgres"))


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> sa.URL:
    """Give the URL of a ledger that is not there yet, in each kind of database."""
    if request.param == "sqlite":
        return sa.make_url(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def ledger(ledger_url: sa.URL) -> Ledger:
    """Open a new ledger, in each kind of database."""
    return open_ledger(ledger_url)


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariadbServer]:
    """Run a real MariaDB server."""
    with tests.mariadb.running(tmp_path_factory.mktemp("mariadb")) as server:
        yield server


@pytest.fixture(params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> PostgresServer | MariadbServer:
    """Give a server of each kind that can hold a shop."""
    return request.getfixturevalue({"postgresql": "postgres", "mariadb": "mariadb"}[request.param])
