"""The demo shop from a source of each kind into a warehouse of each kind: the same tables, types and values in all."""

from __future__ import annotations

import datetime
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from stores.warehouse.postgresql_rights import reached_by_readers
from stores.warehouse.postgresql_session import Session
from tests.conftest import Place
from tests.demo_place import demo_place
from tests.in_chamber import run_in_chamber
from tests.mariadb import MariadbServer
from tests.postgres import PostgresServer
from tests.shop_copies import copy_shop
from tests.warehouses import KINDS, AnyWarehouse, InPostgreSQL, warehouse_of

pytestmark = pytest.mark.long

SCHEMAS = ("analytics", "marts", "sluis_private", "sluis_quarantine")
AS_OF = datetime.date(2026, 3, 10)


@dataclass(frozen=True)
class FromInto(Place):
    """A place whose source and warehouse are of any kind; a ledger is in the warehouse's database, if that is one."""

    shop: sa.URL
    warehouse_of_it: AnyWarehouse

    @property
    def environment(self) -> dict[str, str]:
        source, warehouse = (url.render_as_string(False) for url in (self.shop, self.warehouse_of_it.url))
        ledger = {"SLUIS_LEDGER": warehouse} if warehouse.startswith("postgresql") else {}
        return {**super().environment, "SLUIS_SOURCE": source, "SLUIS_WAREHOUSE": warehouse, **ledger}

    def hashes(self) -> dict[str, str]:
        """Run the main job; give the hashes of all tables that it made."""
        assert run_in_chamber(self, AS_OF).gates.green
        return self.warehouse_of_it.hashes(*SCHEMAS)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Make the demo shop; nothing has run yet."""
    return demo_place(tmp_path_factory.mktemp("demo"), 1_000, AS_OF)


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def source(request: pytest.FixtureRequest, shop: Place) -> sa.URL:
    """Give the shop in a database of each kind."""
    if request.param == "sqlite":
        return sa.make_url(f"sqlite:///{shop.source}")
    name = {"postgresql": "postgres", "mariadb": "mariadb"}[request.param]
    server: PostgresServer | MariadbServer = request.getfixturevalue(name)
    copy_shop(shop.source, url := server.new_database())
    return url


def place(shop: Place, folder: Path, source: sa.URL, warehouse: AnyWarehouse) -> FromInto:
    """Make a place with the shop's policy and keys."""
    folder.mkdir(exist_ok=True)
    for file in (shop.policy, shop.keyring):
        shutil.copy2(file, folder)
    return FromInto(folder, source, warehouse)


@pytest.fixture(scope="module")
def expected(shop: Place, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Give the hashes of the tables that a run makes of the file in a file."""
    folder = tmp_path_factory.mktemp("expected")
    into = warehouse_of("duckdb", folder, None)
    return place(shop, folder, sa.make_url(f"sqlite:///{shop.source}"), into).hashes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_from_any_source_into_any_warehouse_makes_the_same(
    shop: Place, source: sa.URL, kind: str, expected: dict[str, str], tmp_path: Path, postgres: PostgresServer
) -> None:
    into = warehouse_of(kind, tmp_path, lambda: postgres)

    made = place(shop, tmp_path, source, into).hashes()

    assert len(made) > 30
    assert {name for name in made if made[name] != expected.get(name)} == set()
    assert made == expected


def test_a_run_over_the_last_one_makes_the_same_and_its_ledger_beside_it_is_no_readers(
    shop: Place, expected: dict[str, str], tmp_path: Path, postgres: PostgresServer
) -> None:
    server = InPostgreSQL(postgres.new_database())
    run = place(shop, tmp_path, sa.make_url(f"sqlite:///{shop.source}"), server)

    assert [run.hashes(), run.hashes()] == [expected, expected]

    assert server.rows("select count(*) from sluis_ledger.run where state = 'published'") == [(2,)]
    with Session(server.url) as session:
        assert reached_by_readers(session) == []
