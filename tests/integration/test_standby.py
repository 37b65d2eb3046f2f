"""A shop that is read from a standby gives what the primary server gives, or the run ends and says why."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from privacy.column_types import ColumnType
from privacy.errors import ConnectionLostError, StoreError
from stores.opening import open_source
from stores.source import READERS, Reading
from tests.postgres import PostgresServer, running, standby

READING = Reading("t", {"i": ColumnType("integer"), "v": ColumnType("text")})


@pytest.fixture(scope="module")
def primary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Run a server with one table of twenty megabytes, more than is ever on its way to a reader."""
    with running(tmp_path_factory.mktemp("primary")) as server:
        server.execute("create table t as select n as i, repeat('x', 1000) as v from generate_series(1, 20000) as n")
        yield server


@pytest.fixture(scope="module")
def follower(primary: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Run a server that follows it, and waits for no reader."""
    with standby(primary, tmp_path_factory.mktemp("standby") / "data") as server:
        server.execute("alter system set max_standby_streaming_delay = 0")
        server.execute("select pg_reload_conf()")
        yield server


def follows(follower: PostgresServer, primary: PostgresServer) -> None:
    """Wait until it is where the other is, or has all that gets it there and stands still for a second."""
    with engine(primary).connect() as connection:
        here = connection.exec_driver_sql("select pg_current_wal_lsn()::text").scalar_one()
    look = (
        f"select pg_last_wal_receive_lsn() >= '{here}', pg_last_wal_replay_lsn() >= '{here}', "
        "pg_last_wal_replay_lsn()::text"
    )
    replayed: list[str] = []
    with engine(follower).connect() as connection:
        for _ in range(300):
            time.sleep(0.1)  # here: a query that waits there may be ended for what it would let follow
            received, reached, last = connection.exec_driver_sql(look).one()
            replayed.append(last)
            if reached or (received and len(replayed) >= 10 and len(set(replayed[-10:])) == 1):
                return
    pytest.fail("the standby does not follow")


def engine(server: PostgresServer) -> sa.Engine:
    return sa.create_engine(server.url, poolclass=sa.pool.NullPool)


def test_a_standby_is_read_like_its_primary(primary: PostgresServer, follower: PostgresServer) -> None:
    follows(follower, primary)
    for server in (primary, follower):
        with open_source(server.url).snapshot() as snapshot:
            assert snapshot.connections == READERS
            assert snapshot.totals(READING).rows == 20_000
            assert sum(map(len, snapshot.batches(READING, 5_000))) == 20_000


def test_a_standby_that_must_let_go_of_rows_ends_the_run_and_says_so(
    primary: PostgresServer, follower: PostgresServer
) -> None:
    with open_source(follower.url).snapshot() as snapshot:
        batches = snapshot.batches(READING, 1_000)
        next(batches)
        primary.execute("delete from t")
        primary.execute("vacuum t")
        follows(follower, primary)  # it stands still while a reader has not taken what it was sent
        with pytest.raises(StoreError, match=r"t cannot be read .*40001.*it is a standby") as told:
            list(batches)
    assert not isinstance(told.value, ConnectionLostError), "it is not tried again by itself"
    assert "Turn on hot_standby_feedback there" in str(told.value)
