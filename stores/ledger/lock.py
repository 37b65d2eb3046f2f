"""The lock of ledger and warehouse: one change at a time. A row says who holds it; that they live, the system proves.

So a killed run's lock is taken over at once, however the clocks run; and a run whose lock was taken over, because it
was not heard of, cannot publish any more.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields

import sqlalchemy as sa

from privacy.errors import LockError, SluisError, StoreError
from stores.ledger.access import reading, unusable_told, writing
from stores.ledger.liveness import alive, anybody_alive
from stores.ledger.schema import LOCK
from stores.patience import before_long

BEAT = 5.0
"""Seconds between two signs of life in the row; for people to read, nothing is decided by them."""

ENDING = 0.5
"""Seconds that a process may take to end: a server sees the end of a connection a moment later."""


@dataclass(frozen=True)
class Holder:
    """Who holds the lock."""

    run_id: str
    actor: str
    host: str
    process: int
    taken_at: datetime.datetime
    heard_at: datetime.datetime

    def __str__(self) -> str:
        return (
            f"run {self.run_id} of {self.actor} (process {self.process} on {self.host}, since "
            f"{self.taken_at:%Y-%m-%d %H:%M:%S} UTC, last heard of {self.heard_at:%Y-%m-%d %H:%M:%S} UTC)"
        )


class Lock:
    """Who may change the warehouse now."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Keep every other change of this ledger out; LockError names whoever is at it."""
        with contextlib.ExitStack() as stack:
            if not self._taken_soon(stack):
                raise LockError(
                    f"The warehouse is held by {self._noted_holder() or 'another run'}.\n"
                    "  Wait until it ends, or end that process: what a killed run held is taken over at once."
                )
            yield

    @contextmanager
    def noted(self, run_id: str, actor: str) -> Iterator[None]:
        """Say who holds the lock that is taken, in place of whoever was killed with it; and every few seconds again."""
        now = datetime.datetime.now(datetime.UTC)
        holder = Holder(run_id, actor, socket.gethostname(), os.getpid(), now, now)
        with writing(self._engine) as connection:
            connection.execute(sa.delete(LOCK))
            connection.execute(sa.insert(LOCK).values(vars(holder)))
        over = threading.Event()
        beating = threading.Thread(target=self._beat, args=(run_id, over), name="sluis-lock", daemon=True)
        beating.start()
        try:
            yield
        finally:
            over.set()
            beating.join()
            with contextlib.suppress(SluisError), writing(self._engine) as connection:
                connection.execute(sa.delete(LOCK).where(LOCK.c.run_id == run_id))

    def refuse_if_lost(self, run_id: str) -> None:
        """See that nobody has taken the lock over; StoreError names whoever did."""
        holder = self._noted_holder()
        if holder is None or holder.run_id != run_id:
            taker = f" by {holder}" if holder else ""
            raise StoreError(
                f"ledger: the lock of this run was taken over{taker}: its process was not heard of any more. Nothing "
                "was published.\n  Run again when the other has ended."
            )

    def holder(self) -> Holder | None:
        """Give who holds the lock and lives; a row that a killed run left says nothing."""
        return self._noted_holder() if anybody_alive(self._engine) else None

    def _taken_soon(self, stack: contextlib.ExitStack) -> bool:
        def tried() -> bool:
            with contextlib.ExitStack() as attempt:
                if ours := attempt.enter_context(alive(self._engine)):
                    stack.push(attempt.pop_all())
                return ours

        return before_long(tried, ENDING, ENDING / 5)

    def _noted_holder(self) -> Holder | None:
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(*(LOCK.c[field.name] for field in fields(Holder)))).first()
        return Holder(*row) if row else None

    def _beat(self, run_id: str, over: threading.Event) -> None:
        while not over.wait(BEAT):
            heard = sa.update(LOCK).where(LOCK.c.run_id == run_id).values(heard_at=datetime.datetime.now(datetime.UTC))
            # a beat that cannot be written is no reason to end: what counts is asked before the publish
            with contextlib.suppress(SluisError), unusable_told(), self._engine.begin() as connection:
                connection.execute(heard)
