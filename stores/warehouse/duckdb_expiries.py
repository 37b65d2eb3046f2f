"""When rows of a published file leave: counts by table and `_expires_on`."""

from __future__ import annotations

import datetime

import duckdb

from privacy.treat import EXPIRES_ON
from stores.quoting import identifier
from stores.warehouse import ANALYTICS

RowsByExpiry = dict[str, dict[datetime.date | None, int]]
"""By published table, rows by the day on which they leave; None where no clock runs."""


def rows_by_expiry(connection: duckdb.DuckDBPyConnection) -> RowsByExpiry:
    """Count the rows of every published table by the day from which they must be absent."""
    tables = connection.execute(
        "select distinct table_name from duckdb_columns() "
        "where schema_name = ? and database_name = current_database() and column_name = ? order by 1",
        [ANALYTICS, EXPIRES_ON],
    ).fetchall()
    return {name: dict(connection.execute(_counts(name)).fetchall()) for (name,) in tables}


def _counts(table: str) -> str:
    return f"select {EXPIRES_ON}, count(*) from {ANALYTICS}.{identifier(table)} group by 1"
