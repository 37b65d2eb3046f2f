"""The warehouse in a PostgreSQL database: a candidate stands in schemas of its own, a publish is one transaction."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import pyarrow as pa

from privacy.errors import StoreError, UsageError
from stores.warehouse import Found, Remains, Suppressed
from stores.warehouse.postgresql_candidate import PostgreSQLCandidate
from stores.warehouse.postgresql_live import LiveState
from stores.warehouse.postgresql_lock import exclusive
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

    def remains(self, run_id: str) -> AbstractContextManager[Remains]:
        """Begin what the published state leaves without some rows; left without publishing, it is gone."""
        raise UsageError("--warehouse: nothing can be taken out of postgresql yet; of duckdb it can.")

    def look_for(self, suppressed: Iterable[Suppressed], keys: Mapping[str, pa.Array]) -> Found:
        """Look for people who were to be gone, and for the keys of rows that left."""
        raise UsageError("--warehouse: postgresql cannot be searched for what was taken out yet; duckdb can.")

    @property
    def holding(self) -> Session:
        """Give the session that holds the warehouse; what it can no longer do, its run may not."""
        if self._holding is None:
            raise StoreError("warehouse: no run holds it, so that nothing can be changed in it.")
        return self._holding
