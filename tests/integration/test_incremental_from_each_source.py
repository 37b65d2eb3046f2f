"""The demo shop from a source of each kind: one row in a thousand changes, and the run is as a full one would be."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from stores.opening import open_source
from stores.settings import Settings
from tests.conftest import Place
from tests.demo_place import demo_place
from tests.in_chamber import run_in_chamber
from tests.mariadb import MariadbServer
from tests.place_in_postgresql import PlaceInPostgreSQL
from tests.postgres import PostgresServer
from tests.shop_copies import copy_shop

pytestmark = pytest.mark.long

COMPARED = ("analytics", "marts", "sluis_private", "sluis_quarantine")
TODAY = datetime.date.today()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Make the demo shop; nothing has run yet."""
    return demo_place(tmp_path_factory.mktemp("demo"), 2_000, TODAY)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_one_row_in_a_thousand_changes(
    kind: str, demo: Place, tmp_path: Path, postgres: PostgresServer, request: pytest.FixtureRequest
) -> None:
    demo.copied(tmp_path / "shop")
    shop = PlaceInPostgreSQL.made(tmp_path / "shop", postgres)
    url = sa.make_url(f"sqlite:///{shop.source}")
    if kind != "sqlite":
        server: PostgresServer | MariadbServer = request.getfixturevalue({"postgresql": "postgres"}.get(kind, kind))
        copy_shop(demo.source, url := server.new_database())
    from_there = {**shop.environment, "SLUIS_SOURCE": url.render_as_string(hide_password=False)}
    settings = Settings.from_environment(from_there)
    assert run_in_chamber(settings).mode == "full"
    change(url)

    record = run_in_chamber(settings)

    assert (record.mode, record.why_full) == ("incremental", None)
    assert record.tables["order_lines"].extracted < record.tables["order_lines"].source_rows / 10
    found = shop.seen.hashes(*COMPARED)
    run_in_chamber(settings, full=True)
    assert {name for name, is_now in shop.seen.hashes(*COMPARED).items() if found[name] != is_now} == set()


def change(url: sa.URL) -> None:
    """Let the shop change some rows of each table, take in a few, and delete some."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    tables = {name for name in open_source(url).schema() if name not in ("privacy_request", "legal_hold")}
    stamp = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M:%S}"
    with engine.begin() as connection:
        for name in sorted(tables):
            key = "order_id" if name == "orders" else f"{name}_id"
            connection.execute(sa.text(f"update {name} set updated_at = '{stamp}' where {key} % 1000 = 3"))
        for said in (
            f"update orders set total = total + 1, updated_at = '{stamp}' where order_id % 500 = 7",
            f"update order_line set quantity = quantity + 1, updated_at = '{stamp}' where order_line_id % 500 = 9",
            f"update orders set placed_at = (select max(created_at) from (select created_at from customer) as c), "
            f"updated_at = '{stamp}' where order_id % 700 = 11",
            "delete from order_line where order_line_id % 900 = 5",
            "delete from web_session where web_session_id % 300 = 5",
        ):
            connection.execute(sa.text(said))
    engine.dispose()
