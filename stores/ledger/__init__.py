"""The ledger: what must be known of runs and stay true of people, in a database of its own (SQLAlchemy Core)."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from privacy.errors import StoreError
from stores.ledger.access import reading
from stores.ledger.frozen import Frozen
from stores.ledger.holds import Holds
from stores.ledger.lock import Lock
from stores.ledger.opening import engine_of, engine_to_look
from stores.ledger.plans import Plans
from stores.ledger.receipts import Receipts
from stores.ledger.requests import Requests
from stores.ledger.runs import Runs
from stores.ledger.schema import IDENTITY
from stores.ledger.suppressions import Suppressions


@dataclass(frozen=True)
class Ledger:
    """An open ledger: one small part for each thing that it remembers."""

    engine: sa.Engine

    @property
    def runs(self) -> Runs:
        """Runs and watermarks."""
        return Runs(self.engine)

    @property
    def lock(self) -> Lock:
        """Who may change the warehouse now."""
        return Lock(self.engine)

    @property
    def requests(self) -> Requests:
        """What people asked for, and what became of it."""
        return Requests(self.engine)

    @property
    def suppressions(self) -> Suppressions:
        """What keeps people's rows out of the warehouse."""
        return Suppressions(self.engine)

    @property
    def plans(self) -> Plans:
        """Plans of what cannot be undone, and who approved them."""
        return Plans(self.engine)

    @property
    def receipts(self) -> Receipts:
        """Signed proof of what was done."""
        return Receipts(self.engine)

    @property
    def holds(self) -> Holds:
        """Legal holds."""
        return Holds(self.engine)

    @property
    def frozen(self) -> Frozen:
        """Figures of closed months."""
        return Frozen(self.engine)

    def identity(self) -> str:
        """Give the random name by which a warehouse knows its ledger."""
        with reading(self.engine) as connection:
            return str(connection.execute(sa.select(IDENTITY.c.ledger_id)).scalar_one())


def open_ledger(url: sa.URL) -> Ledger:
    """Open the ledger, making or migrating its tables; it is refused where they cannot be."""
    return Ledger(engine_of(url))


def look_at_ledger(url: sa.URL) -> Ledger | None:
    """Open a ledger only to look: nothing is written, and none is made; None where there is none of this version."""
    engine = engine_to_look(url)
    return Ledger(engine) if engine else None


def existing_ledger(url: sa.URL) -> Ledger:
    """Open a ledger to look into it only; StoreError where there is none, or one of an earlier version."""
    ledger = look_at_ledger(url)
    if not ledger:
        raise StoreError(
            "ledger: there is none, or one of an earlier version.\n"
            "  Check --ledger; `sluis run` makes one, and migrates an earlier one."
        )
    return ledger
