"""A warehouse in PostgreSQL: who reads it, who may write it, what is not overwritten, and who holds it."""

from __future__ import annotations

import contextlib
import os
import random
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pyarrow as pa
import pytest

from privacy.errors import ConnectionLostError, LockError, StoreError
from privacy.fates import Fate
from privacy.policy import Derived
from privacy.treat import EXPIRES_ON, FATE, REASON, staged_schema
from stores.arrow_stream import readable
from stores.warehouse import Comments
from stores.warehouse.postgresql_layout import READER, SCRATCH, STAGED, WRITER
from tests.postgres import PostgresServer
from tests.small_warehouse import SEAL, SHOP, batch_of, policy, publish, record, row
from tests.warehouses import InPostgreSQL

TABLES = sorted(table.publish_as for _, table in policy().in_order())


@pytest.fixture
def there(postgres: PostgresServer) -> InPostgreSQL:
    """Give a database in which nothing is published."""
    return InPostgreSQL(postgres.new_database())


@pytest.fixture
def published(there: InPostgreSQL) -> InPostgreSQL:
    """Give one in which the small warehouse is."""
    publish(there.open(), SHOP, {"buyer": [row(buyer_id=3, customer=3, email=203)]})
    return there


# ── readers ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_reader_reads_every_published_table_also_of_the_next_run(published: InPostgreSQL) -> None:
    for _ in range(2):
        counted = {name: published.rows(f"select count(*) from analytics.{name}", READER)[0][0] for name in TABLES}
        assert counted == {table.publish_as: len(SHOP[name]) for name, table in policy().in_order()}
        publish(published.open(), SHOP)


@pytest.fixture(scope="module")
def under_way(postgres: PostgresServer) -> Iterator[InPostgreSQL]:
    """Give a database in which a state is published, the next one is staged, and somebody's ledger stands."""
    there = InPostgreSQL(postgres.new_database())
    publish(there.open(), SHOP)
    there.rows("create schema ledgers; create table ledgers.request (mac uuid)")
    warehouse = there.open()
    with warehouse.exclusive("run-2"), warehouse.candidate("run-2") as candidate:
        batch = batch_of(staged_schema(policy(), policy().tables["buyer"]), SHOP["buyer"])
        candidate.stage("buyers", batch.schema, iter([batch]), 2, "buyer_id", Comments("", {}))
        candidate.quarantine("buyers", pa.Table.from_batches([batch]))
        candidate.seal(record("run-2"), SEAL)
        yield there


@pytest.mark.parametrize(
    "statement",
    [
        "select from sluis_meta.run",
        "select from sluis_meta.candidate",
        "select from sluis_private.buyers",
        "select from sluis_quarantine.buyers",
        "select from sluis_staging.buyers",
        "select from sluis_staging_private.buyers",
        "select from sluis_staging_quarantine.buyers",
        "select from ledgers.request",
        "update analytics.buyers set _expires_on = null",
        "delete from analytics.buyers",
        "truncate analytics.buyers",
        "drop table analytics.buyers",
        "alter table analytics.buyers add column one integer",
        "create table analytics.mine (one integer)",
        "create table public.mine (one integer)",
        "create schema mine",
        "grant sluis_writer to current_user",
        "set role sluis_writer",
        "copy analytics.buyers to program 'true'",
        "copy analytics.buyers to '/tmp/buyers'",
        "select pg_read_file('pg_hba.conf')",
        "select count(*) from pg_statistic",
    ],
)
def test_the_reader_does_nothing_else(under_way: InPostgreSQL, statement: str) -> None:
    analyst = as_somebody(under_way, "analyst", f"grant {READER} to analyst")
    assert analyst.rows("select count(*) from analytics.buyers") == [(2,)]

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        analyst.rows(statement)


def as_somebody(there: InPostgreSQL, name: str, *grants: str) -> InPostgreSQL:
    """Come as a user who is no superuser and has been granted this."""
    known = there.rows(f"select 1 from pg_roles where rolname = '{name}'")
    there.rows("; ".join(["" if known else f"create role {name} login", *grants]))
    return InPostgreSQL(there.url.set(username=name))


# ── the writer ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_writes_needs_no_more_than_an_administrator_is_told_to_grant(there: InPostgreSQL) -> None:
    loader = as_somebody(there, "loader")
    with pytest.raises(StoreError) as refused:
        publish(loader.open(), SHOP)
    assert there.schemas() == {"public", "information_schema"}

    said = str(refused.value).replace("WAREHOUSE", there.url.database or "").replace("USER", "loader")
    for statement in said.partition("both:\n")[2].replace("\n", " ").split(";")[:-1]:
        with contextlib.suppress(psycopg.errors.DuplicateObject):
            there.rows(statement)
    publish(loader.open(), SHOP)

    assert there.rows("select count(*) from analytics.buyers", READER) == [(2,)]
    assert there.rows("select rolsuper or rolcreaterole from pg_roles where rolname = 'loader'") == [(False,)]
    owners = "select distinct tableowner::text from pg_tables where schemaname in ('analytics', 'sluis_private')"
    assert there.rows(owners) == [(WRITER,)]


def test_tables_have_keys_comments_and_types_of_their_own(published: InPostgreSQL) -> None:
    columns = (
        "select format_type(atttypid, atttypmod), attnotnull, col_description(attrelid, attnum) from pg_attribute "
    )
    of = "where attrelid = 'analytics.sales'::regclass and attname = "
    assert published.rows(f"{columns}{of}'sale_id'") == [("uuid", True, None)]
    assert published.rows(f"{columns}{of}'_expires_on'") == [("date", False, "It's the day.")]
    assert published.rows("select obj_description('analytics.sales'::regclass)") == [("All sales.",)]
    key = "select pg_get_constraintdef(oid) from pg_constraint where contype = 'p' and conrelid = "
    assert published.rows(f"{key}'analytics.sales'::regclass") == [("PRIMARY KEY (sale_id)",)]


def test_the_server_keeps_no_sample_of_what_analysts_do_not_see(published: InPostgreSQL) -> None:
    published.rows("analyze")

    sampled = {schema for (schema,) in published.rows("select schemaname::text from pg_stats")}
    assert "analytics" in sampled
    assert not sampled & {"sluis_private", "sluis_quarantine"}


# ── what stands in the way ────────────────────────────────────────────────────────────────────────────────────────

IN_THE_WAY = {
    "analytics": "create schema analytics; create table analytics.precious as select 1 as one",
    "sluis_staging": "create schema sluis_staging; create table sluis_staging.precious as select 1 as one",
}


@pytest.mark.parametrize("schema", IN_THE_WAY)
def test_a_schema_of_somebody_else_is_not_overwritten(there: InPostgreSQL, schema: str) -> None:
    there.rows(IN_THE_WAY[schema])
    before = there.schemas()

    for deed in (lambda: publish(there.open(), SHOP), there.open().published):
        with pytest.raises(
            StoreError, match=rf"{schema}, {schema}\.precious stand .* not overwritten.\n  Name another"
        ):
            deed()

    assert there.rows(f"select * from {schema}.precious") == [(1,)]
    assert there.schemas() == before


def test_a_table_of_somebody_else_among_the_published_ones_is_not_overwritten(published: InPostgreSQL) -> None:
    published.rows("create table analytics.precious as select 1 as one")

    with pytest.raises(StoreError, match=r"analytics\.precious stand"):
        publish(published.open(), SHOP)

    assert published.rows("select * from analytics.precious") == [(1,)]


def test_a_view_on_a_published_table_is_told_before_a_run_begins(published: InPostgreSQL) -> None:
    published.rows("create view public.report as select count(*) from analytics.sales")

    with pytest.raises(StoreError, match=r"public\.report are views on published tables.*\n  Drop them"):
        publish(published.open(), SHOP)

    assert published.rows("select * from report") == [(4,)]
    assert published.open().published() is not None, "whoever only asks is answered"


# ── one at a time ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_second_run_is_told_who_holds_the_warehouse(there: InPostgreSQL) -> None:
    with (
        there.open().exclusive("20260310T020000Z-first"),
        pytest.raises(LockError) as refused,
        there.open().exclusive("second"),
    ):
        raise AssertionError
    with there.open().exclusive("third"):
        pass

    assert f"is held by run 20260310T020000Z-first (process {os.getpid()} on " in str(refused.value)
    assert "Wait until it ends; a killed run holds nothing." in str(refused.value)


def end_connections(there: InPostgreSQL, which: str) -> None:
    """End connections from the server's side, as a server that is shut down does."""
    of = f"datname = current_database() and pid <> pg_backend_pid() and application_name like '{which}'"
    while there.rows(f"select pg_terminate_backend(pid) from pg_stat_activity where {of}"):
        pass


def test_a_run_that_lost_the_warehouse_loads_and_publishes_nothing(published: InPostgreSQL) -> None:
    before = published.open().published()
    warehouse = published.open()
    batch = batch_of(staged_schema(policy(), policy().tables["buyer"]), SHOP["buyer"])

    with (
        pytest.raises(ConnectionLostError, match="What was published stays"),
        warehouse.exclusive("run-2"),
        warehouse.candidate("run-2") as candidate,
    ):
        candidate.quarantine("buyers", pa.Table.from_batches([batch]))
        candidate.seal(record("run-2"), SEAL)
        end_connections(published, "run %")
        with pytest.raises(ConnectionLostError, match="the connection that held it was lost"):
            candidate.stage("buyers", batch.schema, iter([batch]), 2, "buyer_id", Comments("", {}))
        candidate.publish()

    assert published.open().published() == before
    assert "sluis_staging" in published.schemas(), "it could not tidy up"
    publish(published.open(), SHOP)
    assert not published.schemas() & {*STAGED.values(), SCRATCH}


def test_a_connection_that_is_lost_while_loading_leaves_the_state_before(published: InPostgreSQL) -> None:
    before, hashes = published.open().published(), published.hashes("analytics", "sluis_private")
    batch = batch_of(staged_schema(policy(), policy().tables["buyer"]), SHOP["buyer"])

    def batches() -> Iterator[pa.RecordBatch]:
        yield batch
        end_connections(published, "sluis, loading")

    warehouse = published.open()
    with (
        pytest.raises(ConnectionLostError, match="the connection to PostgreSQL was lost"),
        warehouse.exclusive("run-2"),
        warehouse.candidate("run-2") as candidate,
    ):
        candidate.stage("buyers", batch.schema, batches(), 2, "buyer_id", Comments("", {}))

    assert published.open().published() == before
    assert published.hashes("analytics", "sluis_private") == hashes
    assert not published.schemas() & {*STAGED.values(), SCRATCH}


@pytest.mark.parametrize(
    ("setting", "way_out"),
    [
        ("statement_timeout = '1ms'", "raise `statement_timeout`"),
        ("default_transaction_read_only = on", "may only read"),
    ],
)
def test_a_server_that_does_not_let_a_run_end_is_told_with_the_way_out(
    published: InPostgreSQL, postgres: PostgresServer, setting: str, way_out: str
) -> None:
    before = published.open().published()
    published.rows(f"alter database {published.url.database} set {setting}")

    with pytest.raises(StoreError, match=way_out):
        publish(published.open(), SHOP)

    postgres.execute(f"alter database {published.url.database} reset all")
    assert published.open().published() == before
    publish(published.open(), SHOP)


def test_a_run_waits_a_moment_for_one_that_is_letting_go(there: InPostgreSQL) -> None:
    with ExitStack() as stack:
        stack.enter_context(there.open().exclusive("20260310T020000Z-first"))
        ending = threading.Timer(1, stack.pop_all().close)
        ending.start()
        with there.open().exclusive("second"):
            ending.join()


def test_a_name_that_postgresql_would_cut_is_refused(there: InPostgreSQL) -> None:
    warehouse, long = there.open(), "n" * 56

    with (
        pytest.raises(StoreError, match=r"no room for a name as long as nnn.*\n  Publish it under a shorter one"),
        warehouse.exclusive("run-1"),
        warehouse.candidate("run-1") as candidate,
    ):
        candidate.quarantine("buyers", pa.table({long: [1]}))


def test_no_run_begins_while_one_that_was_cut_off_still_writes(there: InPostgreSQL) -> None:
    cut_off = there.open()
    with contextlib.suppress(StoreError), cut_off.exclusive("run-1"), cut_off.candidate("run-1") as candidate:
        candidate.quarantine("buyers", pa.table({"reason": ["strange"]}))
        end_connections(there, "run %")
        with pytest.raises(LockError, match="is held by sluis, loading"), there.open().exclusive("run-2"):
            raise AssertionError
    with there.open().exclusive("run-3"):
        pass


def test_rows_of_unequal_width_stand_in_the_order_of_their_tokens(there: InPostgreSQL) -> None:
    """A server writes into what earlier pages have left, where it may; by their place rows would be told apart."""
    rows = 4_000
    width = random.Random(1)
    batch = pa.record_batch(
        {
            "id": pa.array([width.randbytes(16) for _ in range(rows)], pa.uuid()),
            "text": pa.array(["x" * width.randrange(90) for _ in range(rows)]),
        }
    )
    derived = Derived.model_validate({"from": "sale", "where_null": "buyer", "one_row_per": "id"})
    with_fate = batch.append_column(EXPIRES_ON, pa.nulls(rows, pa.date32())).append_column(
        FATE, pa.array([Fate.PUBLISHED] * rows, pa.uint8())
    )
    with_fate = with_fate.append_column(REASON, pa.nulls(rows, pa.string()))
    warehouse = there.open()
    with warehouse.exclusive("run-1"), warehouse.candidate("run-1") as candidate:
        candidate.stage("tokens", batch.schema, iter([batch]), rows, "id", Comments("", {}))
        with readable(with_fate.schema, iter([with_fate])) as reader:
            candidate.stage_groups("groups", reader, derived, Comments("", {}))

        for table in ("tokens", "groups"):
            before = f"select id, lag(id) over (order by ctid) as before from sluis_staging.{table}"
            assert there.rows(f"select count(*), count(*) filter (where id <= before) from ({before})") == [(rows, 0)]
