"""Which tables there are: asked in the words that every database of the standard understands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stores.quoting import literal

Ask = Callable[[str], list[tuple[Any, ...]]]
"""A query in, its rows out: all that a question common to DuckDB and PostgreSQL needs to know of either."""


def tables_with(ask: Ask, schema: str, *columns: str) -> list[str]:
    """Name the tables of a schema (of this database, or `database.schema`) that have all of some columns."""
    database, _, name = schema.rpartition(".")
    where = f"table_catalog = {literal(database) if database else 'current_database()'}"
    found = ask(
        f"select table_name from information_schema.columns where {where} and table_schema = {literal(name)} "
        f"and column_name in ({', '.join(map(literal, columns))}) "
        f"group by table_name having count(*) = {len(columns)} order by table_name"
    )
    return [table for (table,) in found]
