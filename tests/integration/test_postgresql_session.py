"""A connection to a warehouse in PostgreSQL: rows come out as they went in, and trouble is told without a value."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterator
from decimal import Decimal

import pyarrow as pa
import pytest
import sqlalchemy as sa

from privacy.errors import StoreError
from stores.warehouse.postgresql_rights import prepare
from stores.warehouse.postgresql_session import Session
from stores.warehouse.postgresql_types import sql_type
from tests.postgres import PostgresServer

NOON = datetime.datetime(2026, 3, 10, 12, tzinfo=datetime.UTC)

ROWS = pa.table(
    {
        "key": pa.array([uuid.UUID(int=n).bytes for n in (1, 2, 3)], pa.uuid()),
        "small": pa.array([1, None, -3], pa.int16()),
        "number": pa.array([1, None, -(2**60)], pa.int64()),
        "money": pa.array([Decimal("1.20"), None, Decimal("-9999999999.99")], pa.decimal128(12, 2)),
        "day": pa.array([datetime.date(2026, 3, 10), None, datetime.date(1, 1, 1)]),
        "moment": pa.array([NOON, None, NOON], pa.timestamp("us", "UTC")),
        "yes": pa.array([True, None, False]),
        "text": pa.array(["ë\t\\N\n", None, ""]),
        "share": pa.array([0.1, None, -2.5]),
    }
)
COLUMNS = ", ".join(f'"{field.name}" {sql_type(field.type)}' for field in ROWS.schema)


@pytest.fixture
def url(postgres: PostgresServer) -> sa.URL:
    return postgres.new_database()


@pytest.fixture
def session(url: sa.URL) -> Iterator[Session]:
    with Session(url) as made:
        prepare(made)
        yield made


def test_rows_that_are_appended_come_out_as_arrow_as_they_were(session: Session) -> None:
    session.execute("create schema made")
    session.execute(f"create table made.some ({COLUMNS})")

    session.append("made", "some", ROWS)
    session.append("made", "some", ROWS.schema.empty_table())

    found = session.arrow("select * from made.some order by key")
    assert found.schema.remove_metadata().equals(ROWS.schema)
    assert found.to_pydict() == ROWS.to_pydict()


def test_rows_that_are_listed_are_read_as_they_were_and_replace_those_of_before(session: Session) -> None:
    session.listed("sought", ROWS)
    session.listed("sought", ROWS)

    found = session.rows("select * from sought order by key")

    expected = [tuple(row.values()) for row in ROWS.to_pylist()]
    assert [(row[0], *row[1:]) for row in found] == expected


def test_a_transaction_that_fails_leaves_nothing(session: Session) -> None:
    session.execute("create schema made; create table made.some (number integer)")

    with pytest.raises(ZeroDivisionError), session.transaction():
        session.execute("insert into made.some values (1)")
        raise ZeroDivisionError

    assert session.rows("select * from made.some") == []


def test_a_session_keeps_its_own_clock_and_looks_nowhere_by_itself(url: sa.URL, postgres: PostgresServer) -> None:
    postgres.execute(f"alter database {url.database} set timezone to 'Pacific/Auckland'")

    with Session(url) as session:
        assert session.rows("select current_setting('timezone'), current_setting('search_path')") == [("UTC", "")]
        assert session.rows("select timestamptz '2026-03-10 12:00+00'")[0][0].utcoffset() == datetime.timedelta()


def test_trouble_is_told_without_the_value_the_statement_and_the_password(session: Session, url: sa.URL) -> None:
    told = []
    for statement in ("select 'anna@example.org'::integer", "select * from made.nothing"):
        with pytest.raises(StoreError) as failure:
            session.rows(statement)
        told.append(failure.value)
        with pytest.raises(StoreError) as failure:
            session.arrow(statement)
        told.append(failure.value)
    with pytest.raises(StoreError) as failure:
        Session(url.set(username="nobody", password="hunter2", host="127.0.0.1", port=1, query={}))
    told.append(failure.value)

    for error in told:
        assert not any(word in str(error) for word in ("anna", "nothing", "select", "hunter2", "nobody", "127.0"))
        assert "What was published stays" in str(error)
        assert error.__cause__ is None
        assert error.__context__ is None
    assert "SQLSTATE 22P02" in str(told[0])
