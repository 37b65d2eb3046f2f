"""One run at a time in a PostgreSQL warehouse: a lock of the server's, which it takes from a run whose connection ends.

The session that holds it is the one that publishes: a run that lost it can publish nothing. Sessions that load share a
second lock, so that no run begins while one that was cut off still writes.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from privacy.errors import ConnectionLostError, LockError
from stores.patience import before_long
from stores.warehouse.postgresql_layout import HOLDER
from stores.warehouse.postgresql_session import Session

LOADERS = HOLDER + 1

LETTING_GO, PAUSE = 3, 0.05
"""Seconds in which a server notices that the connection of a run that has ended is gone; and between two questions."""

_HELD_BY = """\
select application_name from pg_stat_activity join pg_locks using (pid)
where locktype = 'advisory' and objid = %s and objsubid = 1 and granted and pg_locks.database =
(select oid from pg_database where datname = current_database()) and pid <> pg_backend_pid()"""

_HOLDS = "select 1 from pg_locks where locktype = 'advisory' and objid = %s and granted and pid = %s"


@contextmanager
def exclusive(url: sa.URL, run_id: str) -> Iterator[Session]:
    """Hold the warehouse for one run; LockError names the run that holds it."""
    with Session(url, f"run {run_id} (process {os.getpid()} on {socket.gethostname()})") as session:
        for lock in (HOLDER, LOADERS):
            if not _taken(session, lock):
                raise LockError(
                    f"{url.database} is held by {holder(session, lock) or 'another run'}.\n"
                    "  Wait until it ends; a killed run holds nothing."
                )
        session.execute("select pg_advisory_unlock(%s)", [LOADERS])
        yield session


def _taken(session: Session, lock: int) -> bool:
    """Take a lock; tell whether it could be had before long."""

    def tried() -> bool:
        ((ours,),) = session.rows("select pg_try_advisory_lock(%s)", [lock])
        return bool(ours)

    return before_long(tried, LETTING_GO, PAUSE)


def holder(session: Session, lock: int = HOLDER) -> str:
    """Name the run that holds the warehouse now; empty if none does."""
    return next((str(name) for (name,) in session.rows(_HELD_BY, [lock])), "")


@contextmanager
def loader(url: sa.URL, holding: Session) -> Iterator[Session]:
    """Give a session that writes into a candidate: no run begins before it ends."""
    with Session(url, "sluis, loading") as session:
        # both of its connections: that of statements, and that of rows
        session.execute(f"select pg_advisory_lock_shared({LOADERS})")
        session.arrow(f"select 1 as locked from pg_advisory_lock_shared({LOADERS})")
        _refuse_if_lost(session, holding)
        yield session


def _refuse_if_lost(session: Session, holding: Session) -> None:
    """Refuse to load where the session that held the warehouse ended before no other run could begin."""
    if not session.rows(_HOLDS, [HOLDER, holding.process]):
        raise ConnectionLostError(
            "warehouse: the connection that held it was lost. What was published stays.\n  Run again."
        )
