"""One shop in three databases, published in two: the same tables, value for value and type for type."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest
import sqlalchemy as sa

from demo.shop import build_shop
from stores.keyring_file import create_keyring
from tests.conftest import Place
from tests.in_chamber import run_in_chamber
from tests.shop_copies import copy_shop
from tests.warehouses import KINDS, AnyWarehouse, InDuckDB, warehouse_of

SOURCES = ("sqlite", "postgresql", "mariadb")
SERVERS = {"postgresql": "postgres", "mariadb": "mariadb"}

Hashes = dict[str, str]


@dataclass(frozen=True)
class Between(Place):
    """A place whose shop and warehouse are wherever their URLs say."""

    shop: sa.URL
    published: AnyWarehouse
    made: Place

    @property
    def policy(self) -> Path:
        return self.made.policy

    @property
    def keyring(self) -> Path:
        return self.made.keyring

    @property
    def environment(self) -> dict[str, str]:
        urls = {"SLUIS_SOURCE": self.shop, "SLUIS_WAREHOUSE": self.published.url}
        named = {name: url.render_as_string(hide_password=False) for name, url in urls.items()}
        return {**super().environment, **named}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Make a demo shop of 400 orders with its policy and keys."""
    made, today = Place(tmp_path_factory.mktemp("shop")), datetime.date.today()
    build_shop(made.source, orders=400, seed=1, today=today, truth=made.folder / "truth.jsonl")
    made.policy.write_bytes(files("policies").joinpath("autopar.yaml").read_bytes())
    create_keyring(made.keyring, today)
    return made


@pytest.fixture(scope="module")
def embedded(made: Place) -> Hashes:
    """Give the hashes of what is published from SQLite in DuckDB."""
    run_in_chamber(made)
    return InDuckDB(made.folder).hashes()


@pytest.mark.parametrize("warehouse", KINDS)
@pytest.mark.parametrize("source", SOURCES)
def test_every_combination_publishes_the_same_tables(
    source: str, warehouse: str, made: Place, embedded: Hashes, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    shop = sa.make_url(f"sqlite:///{made.source}")
    if source in SERVERS:
        shop = request.getfixturevalue(SERVERS[source]).new_database()
        copy_shop(made.source, shop)
    place = Between(
        tmp_path, shop, warehouse_of(warehouse, tmp_path, lambda: request.getfixturevalue("postgres")), made
    )

    record = run_in_chamber(place)

    assert record.published
    assert len(embedded) > 19
    assert place.published.hashes() == embedded
