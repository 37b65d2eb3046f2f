"""Open a ledger: bring its tables to the present schema, or refuse it."""

from __future__ import annotations

import contextlib
import functools
import secrets
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from privacy.errors import StoreError, UsageError
from stores.ledger.access import unusable_told, writing
from stores.ledger.schema import IDENTITY, RUN
from stores.patience import patiently
from stores.postgresql_connection import CONNECT_SECONDS, options
from stores.settings import file_of
from stores.tls import demand_tls

HEAD = "0003"
"""The revision of stores/ledger/schema.py."""

SCHEMA = "sluis_ledger"
"""Where its tables stand in PostgreSQL, where a warehouse may share the database; an older ledger's are in public."""

_OLDER = (None, "0001", "0002")
_VERSION = sa.table("alembic_version", sa.column("version_num"))


def engine_of(url: sa.URL) -> sa.Engine:
    """Give an engine on a ledger whose tables are those of this version, making or migrating them."""
    with unusable_told():
        engine = _engine(url)
        with patiently(engine.connect) as connection:
            ready = _revision(connection) == HEAD
    if not ready:
        _make_ready(engine)
    return engine


def engine_to_look(url: sa.URL) -> sa.Engine | None:
    """Give an engine that writes nothing; None where there is no ledger, or one that no run of this version wrote."""
    with unusable_told():
        if url.get_backend_name() == "sqlite":
            file = file_of(url, "ledger").absolute()
            if not file.exists():
                return None
            read_only = functools.partial(sqlite3.connect, f"file:{quote(str(file))}?mode=ro", uri=True)
            engine = sa.create_engine("sqlite://", creator=read_only, poolclass=sa.pool.NullPool)
        else:
            engine = _engine(url).execution_options(postgresql_readonly=True)
        with engine.connect() as connection:
            return engine if _revision(connection) == HEAD else None


def _engine(url: sa.URL) -> sa.Engine:
    backend = url.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise UsageError("--ledger: a ledger is kept in SQLite or PostgreSQL; sqlite:///ledger.sqlite names a file.")
    if backend == "sqlite":
        file = file_of(url, "ledger")  # one in memory would forget everything with the connection
    more: dict[str, Any] = {}
    if backend == "postgresql":
        said = options(url, {"search_path": f"{SCHEMA},public"})
        more = {"connect_args": {"connect_timeout": CONNECT_SECONDS, "options": said}}
    engine = sa.create_engine(url, hide_parameters=True, poolclass=sa.pool.NullPool, **more)
    demand_tls(url, "ledger")
    if backend == "sqlite":
        sa.event.listen(engine, "connect", _prepare)
        with contextlib.suppress(OSError):  # it is there, or SQLite says why it cannot be
            file.touch(mode=0o600, exist_ok=False)
    return engine


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    """Let SQLite overwrite what is deleted, wait for others, and keep its own rules on references."""
    for pragma in ("secure_delete = on", "busy_timeout = 30000", "foreign_keys = on"):
        connection.execute(f"pragma {pragma}")


def _make_ready(engine: sa.Engine) -> None:
    """Make or migrate the tables, all of them or none, once although two processes may begin at the same time."""
    with writing(engine) as connection:
        if _revision(connection) != HEAD:
            _migrate(connection)
        if connection.execute(sa.select(IDENTITY.c.ledger_id)).first() is None:
            connection.execute(sa.insert(IDENTITY).values(ledger_id=secrets.token_hex(16)))


def _revision(connection: sa.Connection) -> str | None:
    """Tell the revision of a ledger: None for an empty one, 0001 for one of before there were migrations."""
    inspector = sa.inspect(connection)
    if not inspector.has_table(_VERSION.name):
        return "0001" if inspector.has_table(RUN.name) else None
    revision = connection.execute(sa.select(_VERSION.c.version_num)).scalar()
    if revision not in (*_OLDER, HEAD):
        raise StoreError(
            "ledger: a newer version of Sluis wrote it.\n  Use that version, or name another ledger with --ledger."
        )
    return revision


def _migrate(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    new = _revision(connection) is None
    if new and connection.dialect.name == "postgresql" and not sa.inspect(connection).has_schema(SCHEMA):
        connection.execute(sa.schema.CreateSchema(SCHEMA))
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    if _revision(connection) == "0001" and not sa.inspect(connection).has_table(_VERSION.name):
        command.stamp(config, "0001")
    command.upgrade(config, "head")
