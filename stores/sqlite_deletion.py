"""Deletion in a shop that is one SQLite file: what is deleted is overwritten, and nobody else may have written since.

A SQLite connection is told by `data_version` whether another one has committed. Inside a transaction that keeps other
writers out, an unchanged number says that the rows are those which the plan was made of.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import sqlalchemy as sa

from privacy.errors import SluisError, StalePlanError, StoreError
from stores.settings import file_of

_PRAGMAS = ("busy_timeout = 30000", "secure_delete = on", "foreign_keys = on")
"""Wait for other writers; overwrite what is deleted; let the shop's own foreign keys have the last word."""


@contextmanager
def sqlite_deletion(url: sa.URL) -> Iterator[SqliteDeletion]:
    """Open the file for writing; it must be there already."""
    file = file_of(url, "source").absolute()
    if not file.is_file():
        raise StoreError(f"source: there is no file {file.name} in {file.parent}.\n  Check --source.")
    uri = f"file:{quote(str(file))}?mode=rw"
    engine = sa.create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(uri, uri=True, isolation_level=None),
        poolclass=sa.pool.StaticPool,
        hide_parameters=True,
    )
    try:
        with _failure_told("opened for deletion"):
            source = SqliteDeletion(engine)
        yield source
    finally:
        engine.dispose()


class SqliteDeletion:
    """One connection that may write, and the state of the file when it was opened."""

    all_or_nothing = False

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        with engine.connect() as connection:
            for pragma in _PRAGMAS:
                connection.exec_driver_sql(f"pragma {pragma}")
            self._version = _version(connection)

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Keep other writers out; commit at the end, undo on any failure."""
        with _failure_told("deleted from"), self._engine.connect() as connection:
            connection.exec_driver_sql("begin immediate")
            try:
                if _version(connection) != self._version:
                    raise StalePlanError(
                        "Somebody else wrote to the source meanwhile, so that the plan may no longer hold.\n"
                        "  Make a new plan with `sluis retention plan`, and apply it while the shop is quiet."
                    )
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def finish(self) -> None:
        """Empty the write-ahead file, in which deleted rows may stand; of a file without one this does nothing."""
        with _failure_told("tidied"), self._engine.connect() as connection:
            connection.exec_driver_sql("pragma wal_checkpoint(truncate)")


def _version(connection: sa.Connection) -> int:
    return int(connection.exec_driver_sql("pragma data_version").scalar_one())


@contextmanager
def _failure_told(what: str) -> Iterator[None]:
    """Tell what SQLite refused by its kind only: its messages may quote values."""
    problem: SluisError | None = None
    try:
        yield
    except sa.exc.IntegrityError:
        problem = StoreError(
            "source: its own rules (a foreign key or a trigger) refuse the deletion of some rows.\n"
            "  That batch was undone, earlier ones stand; make a new plan, and see which rows still refer to them."
        )
    except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
        cause = type(getattr(error, "orig", None) or error).__name__
        problem = StoreError(
            f"source: it cannot be {what} ({cause}).\n"
            "  Check that the file is whole, that you may write to it, and that no other program holds it."
        )
    if problem:
        raise problem
