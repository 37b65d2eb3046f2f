"""Hold ledger and warehouse, so that one change is made at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from stores.actor import Actor
from stores.ledger import Ledger
from stores.warehouse import Warehouse


@contextmanager
def exclusively(warehouse: Warehouse, ledger: Ledger, run_id: str, actor: Actor) -> Iterator[None]:
    """Keep every other change out for as long as the block lasts; LockError names whoever is at it.

    The ledger's lock tells those with the same ledger; the warehouse's own keeps out those with another one, who must
    not take this one's name away: so the name is written last.
    """
    with ledger.lock.taken(), warehouse.exclusive(run_id), ledger.lock.noted(run_id, actor.name):
        yield
