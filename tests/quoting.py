"""Errors as libraries really raise them, each quoting a value: what must not get past the clean-error layer."""

from __future__ import annotations

import contextlib
import io
import sqlite3
import struct
from collections.abc import Callable

import adbc_driver_sqlite.dbapi as adbc
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pydantic
import sqlalchemy as sa

EMAIL = "anna.canary@example.com"


def by_pandas() -> None:
    pd.to_datetime(pd.Series([EMAIL]), format="%Y-%m-%d")


def by_pandas_reading() -> None:
    pd.read_csv(io.StringIO(f"when\n{EMAIL}\n"), dtype={"when": "int64"})


def by_pyarrow() -> None:
    pa.array([EMAIL]).cast(pa.int64())


def by_pyarrow_reading() -> None:
    typed = pyarrow.csv.ConvertOptions(column_types={"n": pa.int64()})
    pyarrow.csv.read_csv(io.BytesIO(f"n\n{EMAIL}\n".encode()), convert_options=typed)


def by_sqlalchemy() -> None:
    with sa.create_engine("sqlite://").connect() as connection:
        connection.execute(sa.text("select * from nowhere where email = :email"), {"email": EMAIL})


def by_pymysql() -> None:
    """The packet is as a server sends it: number, state, words."""
    import pymysql.err

    words = f"Duplicate entry '{EMAIL}' for key 'email'".encode()
    pymysql.err.raise_mysql_exception(b"\xff" + struct.pack("<h", 1062) + b"#23000" + words)


def by_connectorx() -> None:
    import connectorx

    connectorx.read_sql("sqlite://:memory:", f"select {EMAIL}")


def by_adbc() -> None:
    with contextlib.closing(adbc.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"select '{EMAIL}' from nowhere where {EMAIL}")


def by_duckdb() -> None:
    duckdb.connect().execute(f"select cast('{EMAIL}' as integer)")


def by_great_expectations() -> None:
    import great_expectations

    great_expectations.get_context(mode="ephemeral").suites.get(EMAIL)


class _Row(pydantic.BaseModel):
    number: int


def by_pydantic() -> None:
    _Row.model_validate({"number": EMAIL})


def by_polars() -> None:
    pl.Series([EMAIL]).cast(pl.Int64, strict=True)


def by_sqlite() -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f'select * from "{EMAIL}"')


def by_decoding() -> None:
    """The text looks clean; the arguments hold the bytes."""
    (EMAIL.encode() + b"\xff").decode()


def by_a_group() -> None:
    try:
        raise KeyError(EMAIL)
    except KeyError as cause:
        raise ExceptionGroup(f"two of {EMAIL}", [ValueError(EMAIL), cause]) from cause


QUOTING: dict[str, Callable[[], None]] = {
    name.removeprefix("by_").replace("_", " "): provoke
    for name, provoke in list(globals().items())
    if name.startswith("by_")
}
