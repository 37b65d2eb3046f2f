"""What a driver says of a source is told by its kind: its message may quote a person."""

from __future__ import annotations

import adbc_driver_manager
import psycopg
import pymysql
import pytest
import sqlalchemy as sa

from privacy.errors import ConnectionLostError, StoreError
from stores.source_trouble import trouble_told

QUOTED = "Key (email)=(anna.canary@example.com)"


def adbc(state: str) -> adbc_driver_manager.Error:
    return adbc_driver_manager.ProgrammingError(
        QUOTED, status_code=adbc_driver_manager.AdbcStatusCode.INVALID_ARGUMENT, sqlstate=state
    )


TROUBLE = [
    (psycopg.errors.UniqueViolation(QUOTED), "UniqueViolation 23505", StoreError),
    (psycopg.errors.QueryCanceled(QUOTED), "Raise statement_timeout", StoreError),
    (adbc("42501"), "only some of its columns or rows", StoreError),
    (adbc("22021"), "a text in it cannot be told in UTF-8", StoreError),
    (adbc("55P03"), "somebody else holds it locked", StoreError),
    (pymysql.err.OperationalError(1969, QUOTED), "Raise max_statement_time", StoreError),
    (pymysql.err.ProgrammingError(1146, QUOTED), "ProgrammingError 1146", StoreError),
    (pymysql.err.OperationalError(1045, QUOTED), "the name or password of the account is wrong", StoreError),
    (pymysql.err.OperationalError(2026, QUOTED), "its server speaks no TLS", StoreError),
    (sa.exc.DataError("select", {}, pymysql.err.DataError(1292, QUOTED)), "DataError 1292", StoreError),
    (sa.exc.CompileError(QUOTED), "CompileError", StoreError),
    (pymysql.err.OperationalError(2013, QUOTED), "the connection was lost", ConnectionLostError),
    (psycopg.errors.AdminShutdown(QUOTED), "the connection was lost", ConnectionLostError),
    (ConnectionResetError(QUOTED), "the connection was lost", ConnectionLostError),
]


@pytest.mark.parametrize(("error", "said", "kind"), TROUBLE, ids=[said for _, said, _ in TROUBLE])
def test_it_is_told_by_its_kind_and_nothing_of_it_is_left(error: Exception, said: str, kind: type[StoreError]) -> None:
    with pytest.raises(StoreError) as told, trouble_told("sale"):
        raise error
    assert type(told.value) is kind
    assert said in str(told.value)
    assert "sale" in str(told.value)
    assert "canary" not in str(told.value)
    assert told.value.__cause__ is None
    assert told.value.__context__ is None


def test_what_is_no_trouble_of_a_driver_passes() -> None:
    with pytest.raises(ZeroDivisionError), trouble_told("sale"):
        raise ZeroDivisionError
