"""How the ledger is read and written: one writer at a time, and trouble told without a value, a URL or a password."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

import sqlalchemy as sa

from privacy.connection_loss import is_connection_lost
from privacy.errors import ConnectionLostError, SluisError, StoreError, UsageError
from privacy.leak_proof import raise_alone
from stores.patience import patiently
from stores.turned_away import turned_away

T = TypeVar("T")

_WRITERS = 0x51D15
"""The number of the lock by which writers in PostgreSQL wait for each other."""

_NO_DISK = (10, 13)
"""SQLITE_IOERR and SQLITE_FULL, the low bytes of a result code."""

_DISK_FULL = "53100"
"""The SQLSTATE by which PostgreSQL says so."""

_AT_ONCE = 10_000
"""How many values stand in one question; databases bound them."""


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a connection that only reads."""
    with unusable_told(), patiently(engine.connect) as connection:
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a transaction that no other writer overlaps, so that what it looked up is still true when it writes."""
    with unusable_told(), patiently(engine.connect) as connection, connection.begin():
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("begin immediate")
        else:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITERS)))
        yield connection


def portions(values: Iterable[T]) -> Iterator[list[T]]:
    """Give values in portions that fit into one question; each value once."""
    left = iter(dict.fromkeys(values))
    while portion := list(islice(left, _AT_ONCE)):
        yield portion


@contextmanager
def unusable_told() -> Iterator[None]:
    """Tell a ledger that cannot be used without quoting its URL or what stands in it."""
    problem: SluisError | None = None
    try:
        yield
    except (sa.exc.ArgumentError, ImportError):
        problem = UsageError(
            "--ledger names a kind of database that is not installed;\n"
            "  sqlite:///ledger.sqlite and postgresql+psycopg://user@host/database are."
        )
    except sa.exc.SQLAlchemyError as error:
        problem = _unusable(error)
    if problem:
        raise_alone(problem)


def _unusable(error: sa.exc.SQLAlchemyError) -> StoreError:
    if is_connection_lost(error):
        return ConnectionLostError(
            f"ledger: the connection was lost, or could not be made ({type(error).__name__}).\n"
            "  Check --ledger: a server must be up and reachable, a file not kept locked by another program. Then run "
            "again."
        )
    driver = getattr(error, "orig", None)
    if getattr(driver, "sqlite_errorcode", 0) & 0xFF in _NO_DISK or getattr(driver, "sqlstate", None) == _DISK_FULL:
        return StoreError(
            f"ledger: its disk is full, or cannot be read or written ({type(error).__name__}).\n"
            "  Make room or bring the disk back, and run again. Nothing is half-published."
        )
    if driver and (why := turned_away(driver)):
        return StoreError(f"ledger: {why}.\n  Check --ledger.")
    if type(error) is sa.exc.DatabaseError:
        return StoreError(
            "ledger: the file is damaged, or is no database.\n"
            "  Put its backup back, or name another file with --ledger, which will know nothing of earlier runs."
        )
    return StoreError(
        f"ledger: cannot be used ({type(error).__name__}).\n"
        "  Check --ledger: the folder of a file must exist and be writable, a server must answer and let its user in."
    )
