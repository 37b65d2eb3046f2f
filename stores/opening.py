"""Open what a URL names: which kinds of database can be a source, and which a warehouse."""

from __future__ import annotations

from contextlib import AbstractContextManager

import sqlalchemy as sa

from privacy.errors import UsageError
from stores.source import Source
from stores.source_deletion import Deletion
from stores.sqlite_deletion import sqlite_deletion
from stores.sqlite_source import SqliteSource
from stores.warehouse import Warehouse
from stores.warehouse.duckdb import DuckDBWarehouse
from stores.warehouse.postgresql import PostgreSQLWarehouse


def open_source(url: sa.URL | None) -> Source:
    """Open a source; UsageError for none, and for a kind of database that cannot be read."""
    if url is None:
        raise UsageError("not set: --source or SLUIS_SOURCE.")
    if url.get_backend_name() == "sqlite":
        return SqliteSource(url)
    raise UsageError(f"--source: {url.get_backend_name()} cannot be read; sqlite can.")


def open_source_for_deletion(url: sa.URL) -> AbstractContextManager[Deletion]:
    """Open a source to delete rows in it, for `sluis retention apply` alone."""
    if url.get_backend_name() == "sqlite":
        return sqlite_deletion(url)
    raise UsageError(f"--source: in {url.get_backend_name()} nothing can be deleted; in sqlite it can.")


def open_warehouse(url: sa.URL) -> Warehouse:
    """Open a warehouse; UsageError for a kind of database that cannot be one."""
    if url.get_backend_name() == "duckdb":
        return DuckDBWarehouse(url)
    if url.get_backend_name() == "postgresql":
        return PostgreSQLWarehouse(url)
    raise UsageError(f"--warehouse: {url.get_backend_name()} cannot be one; duckdb and postgresql can.")
