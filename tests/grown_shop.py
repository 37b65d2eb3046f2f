"""A large demo shop out of a small one, by SQL: the same shape many times over, with other keys and people."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

ONCE = ("product", "live_chat", "access_log", "privacy_request", "legal_hold")
"""What does not grow with a shop, or is never read."""

WITHOUT_EQUALS = {
    "email": "replace({column}, '@', {copy} || '@')",
    "order_number": "{column} || {copy}",
    "invoice_number": "{column} || {copy}",
    "cookie_id": "{column} || {copy}",
}
"""Columns whose values tell people, papers and browsers apart, and how a copy's are made."""

ORPHANS_REACH = 2_000
"""How far beyond the last key most orphans refer, at most; a handful refers farther, and finds a parent in a copy."""


def grow(small: Path, large: Path, times: int) -> None:
    """Write a shop of `times` copies of `small`, the first as it is."""
    with closing(sqlite3.connect(large)) as connection:
        connection.executescript("pragma journal_mode = off; pragma synchronous = off; pragma temp_store = memory")
        connection.execute("attach ? as small", [str(small)])
        connection.execute(
            "create temp table copies as with recursive numbers(copy) as "
            "(select 0 union all select copy + 1 from numbers where copy + 1 < ?) select copy from numbers",
            [times],
        )
        tables = dict(connection.execute("select name, sql from small.sqlite_master where type = 'table'").fetchall())
        keys = {table: key for table in tables for _, key, *_, is_key in columns(connection, table) if is_key}
        for table, sql in tables.items():
            connection.execute(sql)
            selected = ", ".join(copied(connection, table, name, keys) for _, name, *_ in columns(connection, table))
            once = " where copy = 0" if table in ONCE else ""
            connection.execute(f"insert into main.{table} select {selected} from copies cross join small.{table}{once}")
        connection.commit()


def copied(connection: sqlite3.Connection, table: str, column: str, keys: dict[str, str]) -> str:
    """Give the SQL of a copy's column: a key moves beyond those of the copies before, and references with it."""
    referred = {row[3]: row[2] for row in connection.execute(f"pragma small.foreign_key_list({table})")}
    target = table if column == keys[table] else referred.get(column)
    if target and target not in ONCE:
        (last,) = connection.execute(f"select max({keys[target]}) from small.{target}").fetchone()
        return f"{column} + copy * {last + ORPHANS_REACH}"
    if column in WITHOUT_EQUALS:
        return f"iif(copy, {WITHOUT_EQUALS[column].format(column=column, copy='copy')}, {column})"
    return column


def columns(connection: sqlite3.Connection, table: str) -> list[tuple[int, str, str, int, object, int]]:
    """Give what SQLite tells of a table's columns: number, name, type, not null, default, key."""
    return connection.execute(f"pragma small.table_info({table})").fetchall()
