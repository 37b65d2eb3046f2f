"""Open what a URL names: which kinds of database can be a source, and which a warehouse."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager

import sqlalchemy as sa

from privacy.errors import UsageError
from stores.mariadb_source import MariadbSource
from stores.postgresql_source import PostgresqlSource
from stores.server_deletion import server_deletion
from stores.source import Source
from stores.source_deletion import Deletion
from stores.sqlalchemy_source import SqlalchemySource
from stores.sqlite_deletion import sqlite_deletion
from stores.sqlite_source import SqliteSource
from stores.tls import demand_tls
from stores.warehouse import Warehouse
from stores.warehouse.duckdb import DuckDBWarehouse
from stores.warehouse.postgresql import PostgreSQLWarehouse


def open_source(url: sa.URL | None) -> Source:
    """Open a source, by the reader made for its kind of database, or else by what SQLAlchemy speaks.

    UsageError for none, for one that nothing here speaks, and for one on another machine without TLS.
    """
    url = _named(url)
    match url.get_backend_name():
        case "sqlite":
            return SqliteSource(url)
        case "postgresql":
            return PostgresqlSource(url)
        case "mysql" | "mariadb":
            return MariadbSource(url)
    return SqlalchemySource(url)


def open_source_for_deletion(url: sa.URL | None, tables: Iterable[str]) -> AbstractContextManager[Deletion]:
    """Open a source to delete rows in it, for `sluis retention apply` alone.

    tables: those by which it was decided, and to which nobody else may have written meanwhile.
    """
    url = _named(url)
    match url.get_backend_name():
        case "sqlite":
            return sqlite_deletion(url)
        case "postgresql" | "mysql" | "mariadb":
            return server_deletion(url, tables)
    raise UsageError(
        f"--source: in {url.get_backend_name()} nothing can be deleted; in sqlite, postgresql and mariadb it can."
    )


def _named(source: sa.URL | None) -> sa.URL:
    if source is None:
        raise UsageError("not set: --source or SLUIS_SOURCE.")
    return source


def open_warehouse(url: sa.URL) -> Warehouse:
    """Open a warehouse; UsageError for a kind of database that cannot be one."""
    refuse_other_warehouses(url)
    if url.get_backend_name() == "duckdb":
        return DuckDBWarehouse(url)
    demand_tls(url, "warehouse")
    return PostgreSQLWarehouse(url)


def refuse_other_warehouses(url: sa.URL) -> None:
    """Refuse a kind of database that cannot be a warehouse, without opening anything."""
    if url.get_backend_name() not in ("duckdb", "postgresql"):
        raise UsageError(f"--warehouse: {url.get_backend_name()} cannot be one; duckdb and postgresql can.")
