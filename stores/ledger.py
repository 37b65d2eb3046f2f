"""The ledger: what must be known of runs, in a database of its own (SQLAlchemy Core). Names, counts and hashes only."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import sqlite3
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from privacy.errors import SluisError, StoreError, UsageError
from privacy.evidence import PublishedRun, RunRecord
from stores.settings import file_of

METADATA = sa.MetaData()

RUN = sa.Table(
    "run",
    METADATA,
    sa.Column("run_id", sa.String, primary_key=True),
    sa.Column("actor", sa.String, nullable=False, comment="who ran it, as far as the operating system knows"),
    sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("ended_at", sa.DateTime(timezone=True)),
    sa.Column(
        "state",
        sa.String,
        nullable=False,
        comment="running, published, refused (by a gate), failed, abandoned (killed)",
    ),
    sa.Column("as_of", sa.Date),
    sa.Column("policy_version", sa.String),
    sa.Column("policy_digest", sa.String),
    sa.Column("key_fingerprint", sa.String),
    sa.Column("record", sa.JSON, comment="the run record: names, counts, hashes"),
)

WATERMARK = sa.Table(
    "watermark",
    METADATA,
    sa.Column("table_name", sa.String, primary_key=True, comment="published name"),
    sa.Column("run_id", sa.String, nullable=False, comment="the run that published it last"),
    sa.Column("read_at", sa.DateTime(timezone=True), nullable=False, comment="time of the source snapshot"),
    sa.Column("rows", sa.Integer, nullable=False),
)


class Ledger:
    """Runs and watermarks."""

    def __init__(self, url: sa.URL) -> None:
        self._engine = sa.create_engine(url, hide_parameters=True, poolclass=sa.pool.NullPool)
        METADATA.create_all(self._engine)

    def start(self, run_id: str, actor: str, now: datetime.datetime) -> None:
        """Open a run; runs still marked running were killed, for the lock is ours now."""
        with self._engine.begin() as connection:
            connection.execute(sa.update(RUN).where(RUN.c.state == "running").values(state="abandoned", ended_at=now))
            connection.execute(sa.insert(RUN).values(run_id=run_id, actor=actor, started_at=now, state="running"))

    def end(self, record: RunRecord, state: str, read_at: datetime.datetime, now: datetime.datetime) -> None:
        """Close a run with its record; watermarks move only with a publish."""
        values: dict[str, Any] = {
            "ended_at": now,
            "state": state,
            "as_of": record.as_of,
            "policy_version": record.policy_version,
            "policy_digest": record.policy_digest,
            "key_fingerprint": record.key_fingerprint,
            "record": record.to_keep(),
        }
        rows = [
            {"table_name": name, "run_id": record.run_id, "read_at": read_at, "rows": counts.extracted}
            for name, counts in record.tables.items()
        ]
        with self._engine.begin() as connection:
            connection.execute(sa.update(RUN).where(RUN.c.run_id == record.run_id).values(values))
            if state == "published":
                connection.execute(sa.delete(WATERMARK))
                connection.execute(sa.insert(WATERMARK), rows)

    def last_fingerprint(self) -> str | None:
        """Give the key fingerprint of the last published run."""
        query = sa.select(RUN.c.key_fingerprint).where(RUN.c.state == "published").order_by(RUN.c.started_at.desc())
        with self._engine.connect() as connection:
            return connection.execute(query.limit(1)).scalar()

    def last_rows(self) -> dict[str, int]:
        """Give how many rows the last published run read for each published table."""
        with self._engine.connect() as connection:
            return dict(connection.execute(sa.select(WATERMARK.c.table_name, WATERMARK.c.rows)).all())


def last_published(url: sa.URL) -> PublishedRun | None:
    """Look up the last published run; nothing is written, and no ledger is made where there is none."""
    problem: SluisError | None = None
    try:
        return _last_published(url)
    except (sa.exc.ArgumentError, ImportError):
        problem = _not_installed()
    except sa.exc.SQLAlchemyError as error:
        problem = _unusable(error)
    raise problem


def _last_published(url: sa.URL) -> PublishedRun | None:
    engine = sa.create_engine(url, hide_parameters=True, poolclass=sa.pool.NullPool)
    if url.get_backend_name() == "sqlite":
        file = file_of(url, "ledger").absolute()
        if not file.exists():
            return None
        read_only = functools.partial(sqlite3.connect, f"file:{quote(str(file))}?mode=ro", uri=True)
        engine = sa.create_engine("sqlite://", creator=read_only, poolclass=sa.pool.NullPool)
    if not sa.inspect(engine).has_table(RUN.name):
        return None
    columns = [RUN.c[field.name] for field in dataclasses.fields(PublishedRun)]
    query = sa.select(*columns).where(RUN.c.state == "published").order_by(RUN.c.started_at.desc())
    with engine.connect() as connection:
        found = connection.execute(query.limit(1)).mappings().first()
    return found and PublishedRun(**found)


def open_ledger(url: sa.URL) -> Ledger:
    """Open the ledger, making its tables where they are not there; it is refused where they cannot be."""
    problem: SluisError | None = None
    try:
        return Ledger(url)
    except (sa.exc.ArgumentError, ImportError):
        problem = _not_installed()
    except sa.exc.SQLAlchemyError as error:
        problem = _unusable(error)
    raise problem


def _not_installed() -> UsageError:
    return UsageError("--ledger names a kind of database that is not installed; sqlite:///ledger.sqlite is.")


def _unusable(error: sa.exc.SQLAlchemyError) -> StoreError:
    if type(error) is sa.exc.DatabaseError:
        return StoreError(
            "ledger: the file is damaged, or is no database.\n"
            "  Put its backup back, or name another file with --ledger, which will know nothing of earlier runs."
        )
    return StoreError(
        f"ledger: cannot be opened ({type(error).__name__}).\n  Check --ledger: its folder must exist and be writable."
    )
