"""A SQLite shop copied into PostgreSQL or MariaDB, with the types, keys and foreign keys that a shop has there.

Moments become timestamptz in one and TIMESTAMP in the other, days date, yes and no boolean, money decimal. Foreign keys
are declared; rows that break them, as the demo shop's orphans do, are let in as a shop's old ones would be.
"""

from __future__ import annotations

import contextlib
import datetime
import re
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

MOMENT = re.compile(r"(.*_)?(at|from|until)$")
"""Names of columns that hold moments …"""
DAY = re.compile(r".*_date$")
"""… days …"""
FLAG = re.compile(r".*_opt_in$")
"""… and yes or no."""


@dataclass(frozen=True)
class Column:
    """A column of a shop, by what it holds."""

    name: str
    type: sa.types.TypeEngine[Any]
    primary: bool
    refers_to: str | None

    @property
    def written(self) -> Callable[[Any], str]:
        """Give the function that writes a value of this column as text that both databases load."""
        return _moment if isinstance(self.type, sa.DateTime) else _escaped


@dataclass
class Shop:
    """The tables of a SQLite shop."""

    connection: sqlite3.Connection
    tables: dict[str, list[Column]] = field(default_factory=dict)

    @classmethod
    def of(cls, file: Path) -> Shop:
        """Read what is in a file."""
        shop = cls(sqlite3.connect(f"file:{file}?mode=ro", uri=True))
        names = shop.connection.execute("select name from sqlite_master where type = 'table' order by rowid").fetchall()
        shop.tables = {name: shop._columns(name) for (name,) in names}
        return shop

    def _columns(self, table: str) -> list[Column]:
        keys = self.connection.execute(f"pragma foreign_key_list({table})").fetchall()
        referring = {column: other for _, _, other, column, *_ in keys}
        found = self.connection.execute(f"pragma table_info({table})").fetchall()
        return [
            Column(name, _type(name, declared), bool(primary), referring.get(name))
            for _, name, declared, _, _, primary in found
        ]

    def key_of(self, table: str) -> str:
        """Give a table's primary key."""
        return next(column.name for column in self.tables[table] if column.primary)

    def lines(self, table: str) -> Iterator[str]:
        """Give a table's rows as lines of text, tabs between values, as COPY and LOAD DATA read them."""
        columns = self.tables[table]
        writers = [column.written for column in columns]
        for row in self.connection.execute(f"select {', '.join(c.name for c in columns)} from {table}"):
            yield "\t".join(write(value) for write, value in zip(writers, row, strict=True)) + "\n"


def copy_shop(file: Path, url: sa.URL) -> None:
    """Copy a SQLite shop into an empty database of PostgreSQL or MariaDB."""
    shop = Shop.of(file)
    with contextlib.closing(shop.connection):
        load = {"postgresql": _load_postgresql, "mysql": _load_mariadb, "mariadb": _load_mariadb}
        more = {} if url.get_backend_name() == "postgresql" else {"connect_args": {"local_infile": True}}
        engine = sa.create_engine(url, poolclass=sa.pool.NullPool, **more)
        with engine.begin() as connection:
            _tables(shop).create_all(connection, checkfirst=False)
            load[url.get_backend_name()](shop, connection)


def _type(name: str, declared: str) -> sa.types.TypeEngine[Any]:
    if money := re.match(r"decimal\((\d+), ?(\d+)\)", declared, re.IGNORECASE):
        return sa.Numeric(int(money[1]), int(money[2]))
    if FLAG.match(name):
        return sa.Boolean()
    if declared.upper() == "INTEGER":
        return sa.Integer()
    if MOMENT.match(name):
        return sa.DateTime(timezone=True).with_variant(mysql.TIMESTAMP(), "mysql", "mariadb")
    return sa.Date() if DAY.match(name) else sa.Text()


def _tables(shop: Shop) -> sa.MetaData:
    metadata = sa.MetaData()
    for name, columns in shop.tables.items():
        described = [
            sa.Column(
                c.name,
                c.type,
                primary_key=c.primary,
                autoincrement=False,
                nullable=not c.primary,
                index=bool(c.refers_to),
            )
            for c in columns
        ]
        sa.Table(name, metadata, *described)
    return metadata


def _foreign_keys(shop: Shop) -> Iterator[tuple[str, str, str]]:
    for table, columns in shop.tables.items():
        for column in columns:
            if other := column.refers_to:
                yield table, column.name, f"{other} ({shop.key_of(other)})"


def _load_postgresql(shop: Shop, connection: sa.Connection) -> None:
    cursor = connection.connection.cursor()
    for table in shop.tables:
        with cursor.copy(f"copy {table} from stdin") as into:
            for line in shop.lines(table):
                into.write(line)
    for table, column, referred in _foreign_keys(shop):
        cursor.execute(f"alter table {table} add foreign key ({column}) references {referred} not valid")


def _load_mariadb(shop: Shop, connection: sa.Connection) -> None:
    connection.exec_driver_sql("set time_zone = '+00:00', foreign_key_checks = 0")
    for table in shop.tables:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="") as file:
            file.writelines(shop.lines(table))
            file.flush()
            connection.exec_driver_sql(f"load data local infile '{file.name}' into table {table} character set utf8mb4")
    for table, column, referred in _foreign_keys(shop):
        connection.exec_driver_sql(f"alter table {table} add foreign key ({column}) references {referred}")


def _moment(value: str | None) -> str:
    if not value:
        return r"\N"
    return datetime.datetime.fromisoformat(value).astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")


def _escaped(value: Any) -> str:
    if value is None:
        return r"\N"
    return str(value).replace("\\", r"\\").replace("\n", r"\n").replace("\r", r"\r").replace("\t", r"\t")
