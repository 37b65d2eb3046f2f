"""What is a lost connection, by errors of real drivers; and that only such a one is tried again, not for long."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from privacy.connection_loss import is_connection_lost
from privacy.errors import ConnectionLostError, DriftError, GateError, PolicyError, SluisError, StoreError, is_transient
from privacy.leak_proof import cleaned, leak_proof
from stores import patience
from stores.patience import patiently
from tests.postgres import PostgresServer

CANARY = "anna.canary@example.com"


@contextlib.contextmanager
def session(url: sa.URL) -> Iterator[sa.Connection]:
    """Open a session, and leave it although it may be dead."""
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    connection = engine.connect()
    try:
        yield connection
    finally:
        with contextlib.suppress(sa.exc.DBAPIError):
            connection.close()


def ended_by_the_server(server: PostgresServer) -> None:
    with session(server.url) as connection:
        number = connection.exec_driver_sql("select pg_backend_pid()").scalar_one()
        server.execute(f"select pg_terminate_backend({number})")
        connection.exec_driver_sql(f"select '{CANARY}'")


def used_after_its_end(server: PostgresServer) -> None:
    with session(server.url) as connection:
        number = connection.exec_driver_sql("select pg_backend_pid()").scalar_one()
        server.execute(f"select pg_terminate_backend({number})")
        raw: Any = connection.connection.driver_connection
        with contextlib.suppress(Exception):
            raw.execute("select 1")
        raw.execute(f"select '{CANARY}'")


def no_server(server: PostgresServer) -> None:
    sa.create_engine(server.url.update_query_dict({"host": "/nowhere"})).connect()


def cannot_be_reached(server: PostgresServer) -> None:
    sa.create_engine("postgresql+psycopg://anna@127.0.0.1:1/ledger").connect()


def no_such_database(server: PostgresServer) -> None:
    sa.create_engine(server.url.set(database="nowhere")).connect()


def no_such_user(server: PostgresServer) -> None:
    sa.create_engine(server.url.set(username="nobody_of_ours")).connect()


def too_slow(server: PostgresServer) -> None:
    with session(server.url) as connection:
        connection.exec_driver_sql("set statement_timeout = 10")
        connection.exec_driver_sql("select pg_sleep(5)")


def wrong_value(server: PostgresServer) -> None:
    with session(server.url) as connection:
        connection.exec_driver_sql(f"select '{CANARY}'::integer")


def raised(act: Callable[[PostgresServer], None], server: PostgresServer) -> BaseException:
    with pytest.raises(Exception) as found:
        act(server)
    return found.value


@pytest.mark.parametrize("act", [ended_by_the_server, used_after_its_end, no_server, cannot_be_reached])
def test_a_connection_that_is_lost_or_not_made_is_told_as_such_without_a_value(
    postgres: PostgresServer, act: Callable[[PostgresServer], None]
) -> None:
    error = raised(act, postgres)

    assert is_connection_lost(error)
    told = cleaned(error)
    assert isinstance(told, ConnectionLostError)
    assert (told.code, told.kind) == (3, "connection")
    assert "the connection was lost, or could not be made.\n  Check that the database is up" in str(told)
    assert CANARY not in str(told)


@pytest.mark.parametrize("act", [no_such_database, no_such_user, too_slow, wrong_value])
def test_what_a_server_answers_is_no_lost_connection(
    postgres: PostgresServer, act: Callable[[PostgresServer], None]
) -> None:
    error = raised(act, postgres)

    assert not is_connection_lost(error)
    assert not isinstance(cleaned(error), ConnectionLostError)
    assert CANARY not in str(cleaned(error))


def test_a_locked_sqlite_file_is_one_and_a_broken_statement_is_none(tmp_path: Path) -> None:
    file = tmp_path / "shop.sqlite"
    with contextlib.closing(sqlite3.connect(file)) as other, contextlib.closing(sqlite3.connect(file, 0)) as ours:
        other.execute("begin exclusive")
        with pytest.raises(sqlite3.OperationalError) as locked:
            ours.execute("create table anything (one)")
        other.rollback()
        with pytest.raises(sqlite3.OperationalError) as broken:
            ours.execute("selekt")

    assert is_connection_lost(locked.value)
    assert not is_connection_lost(broken.value)


def of(module: str, *arguments: object, **attributes: object) -> Exception:
    """Make an error as a driver that need not be installed raises it."""
    return type("OperationalError", (Exception,), {"__module__": module, **attributes})(*arguments)


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (of("pymysql.err", 2013, "Lost connection to MySQL server during query"), True),
        (of("pymysql.err", 2003, "Can't connect"), True),
        (of("pymysql.err", 1045, "Access denied"), False),
        (of("pymysql.err", 3024, "Query execution was interrupted, maximum statement execution time exceeded"), False),
        (of("adbc_driver_manager", "x", sqlstate="57P01", status_code=10), True),
        (of("adbc_driver_manager", "x", sqlstate="22P02", status_code=10), False),
        (of("adbc_driver_manager", "x", sqlstate=None, status_code=10), True),
        (of("adbc_driver_manager", "x", sqlstate=None, status_code=5), False),
        (ConnectionResetError(104, "x"), True),
        (PermissionError(13, "x"), False),
    ],
)
def test_other_drivers_are_known_by_what_their_errors_carry(error: Exception, lost: bool) -> None:
    assert is_connection_lost(error) is lost
    assert isinstance(cleaned(error), ConnectionLostError) is lost


def test_great_expectations_tells_a_lost_connection_in_words_of_its_own_and_it_is_one(
    postgres: PostgresServer,
) -> None:
    import great_expectations as gx

    url = postgres.url.update_query_dict({"host": "/nowhere"}).render_as_string(hide_password=False)

    with pytest.raises(Exception, match="Attempt to connect to datasource failed") as told:
        gx.get_context(mode="ephemeral").data_sources.add_sql("warehouse", connection_string=url)

    assert type(told.value).__module__.startswith("great_expectations")
    assert is_connection_lost(told.value)


# ── again ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def failing(times: int, error: Exception) -> Callable[[], int]:
    """Fail some times, then tell how often it was tried."""
    tries = iter(range(1, 1000))

    def connect() -> int:
        if (number := next(tries)) <= times:
            raise error
        return number

    return connect


def test_a_connection_that_is_there_again_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSE", 0.01)

    assert patiently(failing(3, ConnectionRefusedError())) == 4


@pytest.mark.parametrize(
    "error", [DriftError("x"), GateError("x"), PolicyError("x"), StoreError("x"), ValueError("x"), PermissionError()]
)
def test_everything_else_is_final(error: Exception) -> None:
    connect = failing(1, error)

    with pytest.raises(type(error)):
        patiently(connect)

    assert connect() == 2, "it was tried once"
    assert not is_transient(error)


def test_after_its_time_the_error_itself_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "SECONDS", 0.5)
    began = time.monotonic()

    with pytest.raises(SluisError) as told:
        leak_proof(lambda: patiently(failing(1000, ConnectionRefusedError(111, CANARY))))()

    assert time.monotonic() - began < 2
    assert is_transient(told.value)
    assert CANARY not in str(told.value)
    assert (told.value.__cause__, told.value.__context__) == (None, None)
