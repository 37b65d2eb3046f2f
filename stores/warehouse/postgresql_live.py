"""What is published in a PostgreSQL database, and what it can be asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from privacy.errors import StoreError
from privacy.policy_rights import Identifies
from stores.warehouse import INDEX, Published
from stores.warehouse.expiries import RowsByExpiry, rows_by_expiry
from stores.warehouse.links import SOUGHT, known, links, sought
from stores.warehouse.postgresql_layout import RUN
from stores.warehouse.postgresql_leftovers import leftovers
from stores.warehouse.postgresql_rights import keep_out, refuse_what_is_of_others
from stores.warehouse.postgresql_session import Session
from stores.warehouse.run_row import published_of

RUN_FIRST = "Run `sluis run` once; it builds the warehouse from the source."


class LiveState:
    """The published schemas of a database; nothing may be published there yet."""

    def __init__(self, url: sa.URL) -> None:
        self.url = url

    def published(self) -> Published | None:
        """Read what the published state says of itself, None where there is none; StoreError if it is not ours."""
        with self.session() as session:
            return _of_itself(session)

    def rows_by_expiry(self) -> RowsByExpiry | None:
        """Count the published rows by table and the day on which they leave, None where nothing is published."""
        with self._asked() as session:
            return rows_by_expiry(session.rows) if _of_itself(session) else None

    def links(self, identifies: Identifies, macs: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
        """Give each pair of an account's MAC and an e-mail address's that one indexed row carries, of those sought."""
        with self._asked_of_published() as session:
            session.listed(SOUGHT, sought(macs))
            return links(session.rows, INDEX, identifies)

    def known(self, identifies: Identifies, macs: Iterable[bytes]) -> set[bytes]:
        """Give those of the MACs that an indexed row carries; nobody is known where nothing is published."""
        with self._asked() as session:
            if not _of_itself(session):
                return set()
            session.listed(SOUGHT, sought(macs))
            return known(session.rows, INDEX, identifies)

    def beyond_reach(self) -> tuple[str, ...]:
        """Tell, place by place, what may still hold rows that have left, and until when."""
        with self.session() as session:
            return tuple(leftovers(session))

    def shut_readers_out(self) -> bool:
        """Let nobody read what is published until the next publish, which grants it again."""
        with self._asked() as session:
            keep_out(session)
        return True

    @contextmanager
    def _asked(self) -> Iterator[Session]:
        """Give a session in one transaction: a publish waits until all is asked."""
        with self.session() as session, session.transaction():
            yield session

    @contextmanager
    def _asked_of_published(self) -> Iterator[Session]:
        """Give the same; StoreError where nothing is published."""
        with self._asked() as session:
            if not _of_itself(session):
                raise StoreError(f"warehouse: nothing is published in {self.url.database} yet.\n  {RUN_FIRST}")
            yield session

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Give a session of its own."""
        with Session(self.url) as session:
            yield session


def _of_itself(session: Session) -> Published | None:
    """Read the row of the published run, in one statement: a publish between two would be read half."""
    refuse_what_is_of_others(session)
    names = [name for (name,) in session.rows(_COLUMNS)]
    if not names:
        return None
    found = session.rows(f"select {', '.join(names)} from {RUN}")
    return published_of(names, found[0]) if found else None


_COLUMNS = (
    f"select attname::text from pg_attribute where attrelid = to_regclass('{RUN}') and attnum > 0 and not attisdropped "
    "order by attnum"
)
