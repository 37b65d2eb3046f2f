"""An account that may read some columns only: with those that the policy reads a run works, and others are told."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from privacy.column_types import ColumnType
from privacy.errors import DriftError, StoreError
from stores.opening import open_source
from stores.source import Reading
from tests.conftest import Place
from tests.elsewhere import Elsewhere, moved, seen_in_part
from tests.in_chamber import run_in_chamber
from tests.mariadb import MariadbServer
from tests.postgres import PostgresServer

EXTRACTED = {"buyer": "buyer_id, name, email, birth_date, joined_at"}
"""All columns of the corner shop's buyers that its policy reads: all but their passphrase."""


@pytest.fixture
def shop(place: Place, server: PostgresServer | MariadbServer, tmp_path: Path) -> Elsewhere:
    return moved(place, tmp_path, server.new_database())


def test_a_run_that_may_read_what_the_policy_reads_publishes_what_it_would_by_all_rights(shop: Elsewhere) -> None:
    by_all_rights = run_in_chamber(shop).content
    partly = seen_in_part(shop, EXTRACTED)
    if shop.url.get_backend_name() != "postgresql":  # MariaDB shows nobody a column that they may not read
        shop.change_policy("    never_extracted: {passphrase: Nobody reads it.}\n", "")

    assert run_in_chamber(partly).content == by_all_rights


def test_foreign_keys_are_known_as_far_as_both_ends_may_be_read(shop: Elsewhere) -> None:
    known = open_source(seen_in_part(shop, EXTRACTED).url).schema()

    assert known["line"]["sale_id"].refers_to == (("sale", "sale_id"),)
    assert open_source(shop.url).schema()["sale"]["buyer_id"].refers_to == (("buyer", "buyer_id"),)


def test_a_column_that_the_policy_reads_and_the_account_may_not_is_told(shop: Elsewhere) -> None:
    partly = seen_in_part(shop, {"buyer": "buyer_id, name, birth_date, joined_at"})
    if shop.url.get_backend_name() == "postgresql":
        with pytest.raises(StoreError, match=r"buyer cannot be read .*42501.*or only some of its columns or rows"):
            run_in_chamber(partly)
        return
    with pytest.raises(DriftError) as refused:
        run_in_chamber(partly)
    told = "buyer.email: in {}, but not in the source.\n  Take it out of tables.buyer, name its new name with from: …, "
    assert told.format(partly.policy) + "or let the account of --source read it." in str(refused.value)


def test_a_table_of_which_some_columns_may_be_read_keeps_its_shape_while_a_snapshot_is_open(
    place: Place, postgres: PostgresServer, tmp_path: Path
) -> None:
    shop = moved(place, tmp_path, postgres.new_database())
    reading = Reading("buyer", {"buyer_id": ColumnType("integer")})
    with open_source(seen_in_part(shop, EXTRACTED).url).snapshot() as snapshot:
        for statement in ("truncate buyer cascade", "alter table buyer drop column name"):
            with (
                pytest.raises(sa.exc.OperationalError, match="lock timeout"),
                sa.create_engine(shop.url, poolclass=sa.pool.NullPool).begin() as connection,
            ):
                connection.exec_driver_sql("set lock_timeout = '300ms'")
                connection.exec_driver_sql(statement)
        assert snapshot.totals(reading).rows == 3
    shop.change_source("truncate buyer cascade")
