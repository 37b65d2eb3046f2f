"""Proof that the holder of the ledger's lock lives: the system's word, which no killed process and no clock can spoil.

Beside a file it is `flock` on `….lock`, which the kernel drops when the process ends; in PostgreSQL an advisory lock of
a session, which the server drops when the connection ends.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from stores.ledger.access import unusable_told
from stores.lock import file_locked, is_held
from stores.patience import patiently

_HOLDER = 0x51D16
"""The number of the advisory lock in PostgreSQL."""

_SESSION = {"idle_session_timeout": "0", "tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10"}
"""Settings of the session: it may idle through a long run, and a machine that vanished is noticed within minutes."""


@contextmanager
def alive(engine: sa.Engine) -> Iterator[bool]:
    """Prove that this process lives for as long as the block lasts; False where another process proves that it does."""
    if engine.dialect.name == "sqlite":
        with file_locked(_beside(engine)) as handle:
            yield handle is not None
    else:
        with _in_session(engine) as ours:
            yield ours


def anybody_alive(engine: sa.Engine) -> bool:
    """Tell whether some process proves that it lives, without getting into its way."""
    if engine.dialect.name == "sqlite":
        return is_held(_beside(engine))
    held = (
        "select exists (select from pg_locks join pg_database on database = pg_database.oid where locktype = 'advisory'"
        f" and datname = current_database() and classid = 0 and objid = {_HOLDER} and granted)"
    )
    with unusable_told(), engine.connect() as connection:
        return bool(connection.exec_driver_sql(held).scalar())


def _beside(engine: sa.Engine) -> Path:
    """Name the database's file as SQLite itself does: the same for whatever path or link leads to it."""
    with unusable_told(), engine.connect() as connection:
        return Path(
            connection.exec_driver_sql("select file from pragma_database_list where name = 'main'").scalar_one()
        )


@contextmanager
def _in_session(engine: sa.Engine) -> Iterator[bool]:
    with contextlib.ExitStack() as stack:
        with unusable_told():
            connection = stack.enter_context(patiently(engine.connect))
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            for name, value in _SESSION.items():
                setting = sa.text("select set_config(name, :value, false) from pg_settings where name = :name")
                connection.execute(setting, {"name": name, "value": value})
            ours = connection.execute(sa.select(sa.func.pg_try_advisory_lock(_HOLDER))).scalar_one()
        yield bool(ours)
