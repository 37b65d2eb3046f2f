"""The warehouse in a PostgreSQL database: a candidate stands in schemas of its own, a publish is one transaction."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import pyarrow as pa

from privacy.errors import StoreError
from stores.warehouse import Found, Suppressed
from stores.warehouse.postgresql_candidate import PostgreSQLCandidate
from stores.warehouse.postgresql_changes import PostgreSQLChanges
from stores.warehouse.postgresql_live import LiveState
from stores.warehouse.postgresql_lock import exclusive
from stores.warehouse.postgresql_proof import look_for
from stores.warehouse.postgresql_remains import PostgreSQLRemains
from stores.warehouse.postgresql_session import Session


class PostgreSQLWarehouse(LiveState):
    """The published schemas, held, refilled and asked."""

    _holding: Session | None = None

    @contextmanager
    def exclusive(self, run_id: str) -> Iterator[None]:
        """Hold the warehouse for one run."""
        with exclusive(self.url, run_id) as self._holding:
            try:
                yield
            finally:
                self._holding = None

    @contextmanager
    def candidate(self, run_id: str) -> Iterator[PostgreSQLCandidate]:
        """Begin a candidate; left without publishing, it is gone."""
        with contextlib.closing(PostgreSQLCandidate(self.url, self.holding)) as candidate:
            yield candidate

    @contextmanager
    def changes(self, run_id: str) -> Iterator[PostgreSQLChanges]:
        """Begin changes of the published state; left without publishing, they are gone."""
        with contextlib.closing(PostgreSQLChanges(self.url, self.holding)) as changes:
            yield changes

    @contextmanager
    def remains(self, run_id: str) -> Iterator[PostgreSQLRemains]:
        """Begin what the published state leaves without some rows; left without publishing, it is gone."""
        with contextlib.closing(PostgreSQLRemains(self.url, self.holding)) as remains:
            yield remains

    def look_for(self, suppressed: Iterable[Suppressed], keys: Mapping[str, pa.Array]) -> Found:
        """Look for people who were to be gone, and for the keys of rows that left."""
        with self._asked_of_published() as session:
            return look_for(session, list(suppressed), keys)

    @property
    def holding(self) -> Session:
        """Give the session that holds the warehouse; what it can no longer do, its run may not."""
        if self._holding is None:
            raise StoreError("warehouse: no run holds it, so that nothing can be changed in it.")
        return self._holding
