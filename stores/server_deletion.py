"""Deletion in a shop that is in PostgreSQL or MariaDB: one transaction, which keeps other writers out from the start.

It begins before the plan is made again, and ends when all rows are gone: nobody can have written in between, and
readers are not kept waiting. Either all rows of a plan go or none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager

import psycopg
import sqlalchemy as sa

from privacy.errors import SluisError, StoreError
from stores.mariadb_connection import connect
from stores.patience import patiently
from stores.postgresql_connection import connection_string
from stores.quoting import identifier
from stores.source_trouble import DRIVERS, trouble_told
from stores.tls import demand_tls

LOCK_SECONDS = 30
"""How long others' transactions are waited for."""

_VERSIONED = (
    "select 1 from information_schema.tables "
    "where table_schema = database() and table_name = %s and table_type = 'SYSTEM VERSIONED'"
)
"""MariaDB's tables that keep what is deleted."""

Lock = Callable[[sa.Connection, str], None]


@contextmanager
def server_deletion(url: sa.URL, tables: Iterable[str]) -> Iterator[ServerDeletion]:
    """Open a source for writing, and keep others from writing to these tables until all is done."""
    demand_tls(url, "source")
    postgresql = url.get_backend_name() == "postgresql"
    engine, lock = (_postgresql(url), _lock_table) if postgresql else (_mariadb(url), _lock_rows)
    with trouble_told("a connection"):
        connection = engine.connect()
    with closing(connection):
        for table in tables:
            with trouble_told(f"{table}, which others must be kept from writing to,"):
                lock(connection, table)
        yield ServerDeletion(connection)


class ServerDeletion:
    """One transaction, in which nobody else writes to the tables that the plan was made of."""

    all_or_nothing = True

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Go on with the transaction; on any failure undo all of it."""
        with _refusal_told():
            try:
                yield self._connection
            except BaseException:
                self._connection.rollback()
                raise

    def finish(self) -> None:
        """Commit. What the server keeps of deleted rows (dead rows, logs, backups) is out of reach from here."""
        with _refusal_told():
            self._connection.commit()


def _postgresql(url: sa.URL) -> sa.Engine:
    settings = {"timezone": "UTC", "client_encoding": "UTF8", "row_security": "off"}
    login = connection_string(url, "sluis", settings | {"lock_timeout": f"{LOCK_SECONDS}s"})
    return sa.create_engine(
        "postgresql+psycopg://",
        creator=lambda: patiently(lambda: psycopg.connect(login)),
        poolclass=sa.pool.NullPool,
        hide_parameters=True,
    )


def _mariadb(url: sa.URL) -> sa.Engine:
    def creator() -> object:
        connection = connect(url, read_only=False)
        with connection.cursor() as cursor:
            cursor.execute(f"set session innodb_lock_wait_timeout = {LOCK_SECONDS}")
        connection.autocommit(False)
        return connection

    return sa.create_engine("mysql+pymysql://", creator=creator, poolclass=sa.pool.NullPool, hide_parameters=True)


def _lock_table(connection: sa.Connection, table: str) -> None:
    connection.exec_driver_sql(f"lock table {identifier(table)} in share row exclusive mode")


def _lock_rows(connection: sa.Connection, table: str) -> None:
    """Lock every row and every gap between: a lock on the table would keep readers out, the plan's among them."""
    if connection.exec_driver_sql(_VERSIONED, (table,)).first():
        raise StoreError(
            f"source: {table} keeps every row that was ever in it (system versioning): a delete would take none away.\n"
            "  Delete there by hand, and then its history (delete history), or drop its system versioning."
        )
    connection.exec_driver_sql(f"select count(*) from {identifier(table)} for update")


@contextmanager
def _refusal_told() -> Iterator[None]:
    """Tell what the server refused by its kind only: its messages quote values."""
    problem: SluisError | None = None
    try:
        yield
    except DRIVERS as error:
        if isinstance(getattr(error, "orig", error), OSError):
            raise
        cause = type(getattr(error, "orig", None) or error).__name__
        problem = StoreError(
            f"source: its own rules (a foreign key or a trigger), or the rights of this account, refuse the deletion "
            f"of some rows ({cause}).\n  Nothing was deleted; make a new plan, and see which rows still refer to them."
        )
    if problem:
        raise problem
