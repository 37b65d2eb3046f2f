"""Which tables and columns there are: asked in the words that every database of the standard understands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stores.quoting import literal

Ask = Callable[[str], list[tuple[Any, ...]]]
"""A query in, its rows out: all that a question common to DuckDB and PostgreSQL needs to know of either."""


def tables_with(ask: Ask, schema: str, *columns: str) -> list[str]:
    """Name the tables of a schema (of this database, or `database.schema`) that have all of some columns."""
    found = ask(
        f"select table_name from information_schema.columns where {_within(schema)} "
        f"and column_name in ({', '.join(map(literal, columns))}) "
        f"group by table_name having count(*) = {len(columns)} order by table_name"
    )
    return [table for (table,) in found]


def tables_of(ask: Ask, schema: str) -> list[str]:
    """Name all tables of a schema."""
    found = ask(f"select table_name from information_schema.tables where {_within(schema)} order by table_name")
    return [table for (table,) in found]


def columns_of(ask: Ask, schema: str, table: str) -> dict[str, str]:
    """Name the columns of a table in their order, with their types as the database names them."""
    found = ask(
        f"select column_name, data_type from information_schema.columns where {_within(schema)} "
        f"and table_name = {literal(table)} order by ordinal_position"
    )
    return {name: kind.lower() for name, kind in found}


def _within(schema: str) -> str:
    database, _, name = schema.rpartition(".")
    catalog = literal(database) if database else "current_database()"
    return f"table_catalog = {catalog} and table_schema = {literal(name)}"
