"""A server of the shop or of the warehouse that is slow, shut to writing, or gone in a query: told, and outlived."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.faults.homes import Ended, OnServer
from tests.faults.meeting import run
from tests.faults.shop import CANARIES, do
from tests.postgres import PostgresServer

pytestmark = pytest.mark.long


@pytest.fixture
def home(on_server: tuple[OnServer, str], tmp_path: Path) -> OnServer:
    return on_server[0].copied(tmp_path / "shop")


def address(home: OnServer, of: str) -> str:
    return home.urls[of].set(drivername="postgresql").render_as_string(False)


@contextlib.contextmanager
def table_locked(home: OnServer) -> Iterator[None]:
    """Let somebody hold a table of the shop, as a change of its shape does."""
    with psycopg.connect(address(home, "source")) as connection:
        connection.execute("lock table line in access exclusive mode")
        yield


def end_what_waits(home: OnServer, server: PostgresServer) -> None:
    """End the session that waits for the table, once there is one."""
    waiting = f"datname = '{home.urls['source'].database}' and wait_event_type = 'Lock'"
    with psycopg.connect(address(home, "source"), autocommit=True) as connection:
        for _ in range(600):
            query = f"select count(pg_terminate_backend(pid)) from pg_stat_activity where {waiting}"
            if connection.execute(query.encode()).fetchone() != (0,):
                return
            time.sleep(0.1)
    pytest.fail("nobody waits for the table")


def check_what_is_left(home: OnServer, ended: Ended, before: object, *words: str) -> None:
    """See that nothing was published, that the words help and tell nothing of anybody."""
    assert home.state() == before
    assert ended.code == 3, ended
    assert all(word in ended.said for word in words), ended
    assert not any(canary in ended.said.lower() for canary in CANARIES), ended


def test_a_shop_that_is_gone_in_the_midst_of_a_query(home: OnServer, server: PostgresServer) -> None:
    before = home.state()

    with table_locked(home), ThreadPoolExecutor(1) as pool:
        running = pool.submit(do, home.environment, "run", "")
        end_what_waits(home, server)
        ended = running.result()

    assert ended.kind == "connection", ended
    check_what_is_left(home, ended, before, "source: ", "\n  ")
    assert run(home).published
    assert home.left_behind() == []


def test_a_shop_that_takes_longer_than_a_statement_may_take(home: OnServer, server: PostgresServer) -> None:
    before = home.state()
    server.execute(f"alter database {home.urls['source'].database} set statement_timeout = '300ms'")

    with table_locked(home):
        began = time.monotonic()
        ended = do(home.environment, "run", "")

    assert ended.kind == "store", "it is no lost connection, and is not tried again"
    assert time.monotonic() - began < 60
    check_what_is_left(home, ended, before, "source: ", "\n  ")
    server.execute(f"alter database {home.urls['source'].database} reset statement_timeout")
    assert run(home).published
    assert home.left_behind() == []


@pytest.mark.parametrize("which", ["warehouse", "ledger"])
def test_a_database_that_cannot_be_written(home: OnServer, server: PostgresServer, which: str) -> None:
    before = home.state()
    server.execute(f"alter database {home.urls[which].database} set default_transaction_read_only = on")

    ended = do(home.environment, "run", "")

    assert ended.kind == "store", ended
    check_what_is_left(home, ended, before, f"{which}: ", "\n  ")
    server.execute(f"alter database {home.urls[which].database} reset default_transaction_read_only")
    assert run(home).published
    assert home.left_behind() == []
