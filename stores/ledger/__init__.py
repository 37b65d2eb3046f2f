"""The ledger: what must be known of runs and stay true of people, in a database of its own (SQLAlchemy Core)."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from privacy.evidence import PublishedRun
from stores.ledger.opening import engine_of, engine_to_look, unusable_told
from stores.ledger.runs import Runs
from stores.ledger.schema import IDENTITY


@dataclass(frozen=True)
class Ledger:
    """An open ledger: one small part for each thing that it remembers."""

    engine: sa.Engine

    @property
    def runs(self) -> Runs:
        """Runs and watermarks."""
        return Runs(self.engine)

    def identity(self) -> str:
        """Give the random name by which a warehouse knows its ledger."""
        with self.engine.connect() as connection:
            return str(connection.execute(sa.select(IDENTITY.c.ledger_id)).scalar_one())


def open_ledger(url: sa.URL) -> Ledger:
    """Open the ledger, making or migrating its tables; it is refused where they cannot be."""
    return Ledger(engine_of(url))


def last_published(url: sa.URL) -> PublishedRun | None:
    """Look up the last published run; nothing is written, and no ledger is made where there is none."""
    with unusable_told():
        engine = engine_to_look(url)
        return Runs(engine).last_published() if engine else None
