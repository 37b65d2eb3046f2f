"""The DVD shop of the Sakila sample database, which nobody made for Sluis: a policy of every table, run end to end."""

from __future__ import annotations

import contextlib
import datetime
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml

from stores.keyring_file import create_keyring
from tests.conftest import Place
from tests.in_chamber import run_in_chamber

ROOT = Path(__file__).parents[2]
SAKILA = Path(os.environ.get("SLUIS_TEST_SAKILA", ROOT.parent / "shared" / "data" / "databases" / "sakila.sqlite"))
AS_OF = datetime.date(2008, 1, 1)

pytestmark = pytest.mark.skipif(
    not SAKILA.is_file(),
    reason="no sakila.sqlite in ../shared/data/databases: name the file with SLUIS_TEST_SAKILA",
)


@pytest.fixture
def dvd_shop(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    policy = yaml.safe_load((ROOT / "docs" / "tutorial" / "sakila.yaml").read_text("utf-8"))
    rest = yaml.safe_load((ROOT / "tests" / "sakila_rest.yaml").read_text("utf-8"))
    policy |= {"never_extracted": rest["never_extracted"], "tables": policy["tables"] | rest["tables"]}
    made.policy.write_text(yaml.safe_dump(policy, sort_keys=False), encoding="utf-8")
    made.source.write_bytes(SAKILA.read_bytes())
    create_keyring(made.keyring, AS_OF)
    return made


def count(place: Place, query: str) -> Any:
    with contextlib.closing(sqlite3.connect(place.source)) as connection:
        return connection.execute(query).fetchone()[0]


def test_every_table_is_published_or_left_out_with_a_reason(dvd_shop: Place) -> None:
    record = run_in_chamber(dvd_shop, AS_OF)

    published = {name: counts.as_json()["published"] for name, counts in record.tables.items()}
    assert {"actors", "categories", "cities", "countries", "films", "languages", "stores"} < set(published)
    assert (published["films"], published["discs"], published["cities"], published["stores"]) == (1000, 4581, 600, 2)
    # what was lent on 30 July 2005 must be gone on 31 January 2008, and leaves on the first of that month
    kept = count(dvd_shop, "select count(*) from rental where rental_date >= '2005-07-31'")
    assert 0 < kept < count(dvd_shop, "select count(*) from rental")
    assert published["rentals"] == kept
    assert published["payments"] == count(
        dvd_shop,
        "select count(*) from payment join rental using (rental_id) where rental_date >= '2005-07-31'",
    )
    assert record.tables["rentals"].as_json()["quarantined"] == 0


def test_money_adds_up_and_nobody_is_named(dvd_shop: Place) -> None:
    run_in_chamber(dvd_shop, AS_OF)

    cents = count(
        dvd_shop,
        "select sum(cast(round(amount * 100) as integer)) from payment join rental using (rental_id) "
        "where rental_date >= '2005-07-31'",
    )
    assert dvd_shop.rows("select cast(sum(amount) * 100 as bigint) from analytics.payments") == [(cents,)]
    assert dvd_shop.rows("select count(*) from analytics.customers where last_name is not null") == [(0,)]
    assert b"SMITH" not in dvd_shop.warehouse.read_bytes()
