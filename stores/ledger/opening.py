"""Open a ledger: bring its tables to the present schema, or refuse it."""

from __future__ import annotations

import functools
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa

from privacy.errors import SluisError, StoreError, UsageError
from stores.ledger.schema import IDENTITY, RUN
from stores.settings import file_of

HEAD = "0002"
"""The revision of stores/ledger/schema.py."""

_VERSION = sa.table("alembic_version", sa.column("version_num"))


def engine_of(url: sa.URL) -> sa.Engine:
    """Give an engine on a ledger whose tables are those of this version, making or migrating them."""
    with unusable_told():
        engine = _engine(url)
        with engine.begin() as connection:
            if _revision(connection) != HEAD:
                _migrate(connection)
            if connection.execute(sa.select(IDENTITY.c.ledger_id)).first() is None:
                connection.execute(sa.insert(IDENTITY).values(ledger_id=secrets.token_hex(16)))
    return engine


def engine_to_look(url: sa.URL) -> sa.Engine | None:
    """Give an engine that writes nothing; None where there is no ledger, or one that no run of this version wrote."""
    with unusable_told():
        engine = _engine(url)
        if url.get_backend_name() == "sqlite":
            file = file_of(url, "ledger").absolute()
            if not file.exists():
                return None
            read_only = functools.partial(sqlite3.connect, f"file:{quote(str(file))}?mode=ro", uri=True)
            engine = sa.create_engine("sqlite://", creator=read_only, poolclass=sa.pool.NullPool)
        with engine.connect() as connection:
            return engine if _revision(connection) == HEAD else None


def _engine(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url, hide_parameters=True, poolclass=sa.pool.NullPool)
    if url.get_backend_name() == "sqlite":
        sa.event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    """Let SQLite overwrite what is deleted, wait for others, and keep its own rules on references."""
    for pragma in ("secure_delete = on", "busy_timeout = 30000", "foreign_keys = on"):
        connection.execute(f"pragma {pragma}")


def _revision(connection: sa.Connection) -> str | None:
    """Tell the revision of a ledger: None for an empty one, 0001 for one of before there were migrations."""
    inspector = sa.inspect(connection)
    if inspector.has_table(_VERSION.name):
        return str(connection.execute(sa.select(_VERSION.c.version_num)).scalar())
    return "0001" if inspector.has_table(RUN.name) else None


def _migrate(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    if _revision(connection) == "0001" and not sa.inspect(connection).has_table(_VERSION.name):
        command.stamp(config, "0001")
    command.upgrade(config, "head")


@contextmanager
def unusable_told() -> Iterator[None]:
    """Tell a ledger that cannot be used without quoting its URL or what stands in it."""
    problem: SluisError | None = None
    try:
        yield
    except (sa.exc.ArgumentError, ImportError):
        problem = UsageError("--ledger names a kind of database that is not installed; sqlite:///ledger.sqlite is.")
    except sa.exc.SQLAlchemyError as error:
        problem = _unusable(error)
    if problem:
        raise problem


def _unusable(error: sa.exc.SQLAlchemyError) -> StoreError:
    if type(error) is sa.exc.DatabaseError:
        return StoreError(
            "ledger: the file is damaged, or is no database.\n"
            "  Put its backup back, or name another file with --ledger, which will know nothing of earlier runs."
        )
    return StoreError(
        f"ledger: cannot be opened ({type(error).__name__}).\n  Check --ledger: its folder must exist and be writable."
    )
