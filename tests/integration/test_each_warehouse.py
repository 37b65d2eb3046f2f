"""The demo shop into a warehouse of each kind: the same tables, types and values, and the same again after a run."""

from __future__ import annotations

import datetime
import shutil
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest

from demo.shop import build_shop
from stores.keyring_file import create_keyring
from stores.warehouse.postgresql_rights import reached_by_readers
from stores.warehouse.postgresql_session import Session
from tests.conftest import Place
from tests.in_chamber import run_in_chamber
from tests.postgres import PostgresServer
from tests.warehouses import AnyWarehouse, InDuckDB, InPostgreSQL

SCHEMAS = ("analytics", "marts", "sluis_private", "sluis_quarantine")
AS_OF = datetime.date(2026, 3, 10)


@dataclass(frozen=True)
class Into(Place):
    """A place whose warehouse is of either kind."""

    warehouse_of_it: AnyWarehouse

    @property
    def environment(self) -> dict[str, str]:
        """Give the variables; on a server the ledger is in the same database."""
        url = self.warehouse_of_it.url.render_as_string(False)
        ledger = {"SLUIS_LEDGER": url} if url.startswith("postgresql") else {}
        return {**super().environment, "SLUIS_WAREHOUSE": url, **ledger}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Make the demo shop; nothing has run yet."""
    made = Place(tmp_path_factory.mktemp("demo"))
    build_shop(made.source, orders=1_000, seed=1, today=AS_OF)
    made.policy.write_bytes(files("policies").joinpath("autopar.yaml").read_bytes())
    create_keyring(made.keyring, AS_OF)
    return made


def hashes(shop: Place, into: Path, warehouse: AnyWarehouse) -> dict[str, str]:
    """Run the main job on a copy of the shop; give the hashes of all tables that it made."""
    into.mkdir(exist_ok=True)
    for file in shop.folder.iterdir():
        shutil.copy2(file, into)
    record = run_in_chamber(Into(into, warehouse), AS_OF)
    assert record.gates.green
    return warehouse.hashes(*SCHEMAS)


@pytest.mark.long
def test_a_shop_into_postgresql_is_what_it_is_in_duckdb(shop: Place, tmp_path: Path, postgres: PostgresServer) -> None:
    in_duckdb = hashes(shop, tmp_path / "duckdb", InDuckDB(tmp_path / "duckdb"))
    server = InPostgreSQL(postgres.new_database())
    in_postgresql = hashes(shop, tmp_path / "postgresql", server)

    assert len(in_duckdb) > 30
    assert {name for name in in_duckdb if in_duckdb[name] != in_postgresql.get(name)} == set()
    assert in_postgresql == in_duckdb
    assert hashes(shop, tmp_path / "postgresql", server) == in_duckdb, "a run over the last one makes the same"
    assert server.rows("select count(*) from sluis_ledger.run where state = 'published'") == [(2,)]
    with Session(server.url) as session:
        assert reached_by_readers(session) == []
