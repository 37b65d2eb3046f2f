"""The warehouse in one DuckDB file: the candidate is a new file, and publishing is one rename.

Beside `warehouse.duckdb` stand `warehouse.duckdb.private-<run>` (0600: quarantine and whose each row is; named by
`sluis_meta.run`), `….lock` and, during a run, `….work/` (0700: candidate and spill files), which the next run removes
if this one is killed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import pyarrow as pa

from privacy.policy_rights import Identifies
from stores.lock import exclusive
from stores.warehouse import Found, Suppressed
from stores.warehouse.duckdb_candidate import DuckDBCandidate
from stores.warehouse.duckdb_links import known, links
from stores.warehouse.duckdb_live import LiveFile
from stores.warehouse.duckdb_proof import look_for
from stores.warehouse.duckdb_remains import DuckDBRemains


class DuckDBWarehouse(LiveFile):
    """The live file, held, refilled and asked."""

    def exclusive(self, run_id: str) -> AbstractContextManager[None]:
        """Hold the warehouse for one run."""
        return exclusive(self.live, run_id)

    @contextmanager
    def candidate(self, run_id: str) -> Iterator[DuckDBCandidate]:
        """Begin a candidate; left without publishing, it is gone."""
        with self.clear() as work, contextlib.closing(DuckDBCandidate(self, work, run_id)) as candidate:
            yield candidate

    @contextmanager
    def remains(self, run_id: str) -> Iterator[DuckDBRemains]:
        """Begin what the published file leaves without some rows; left without publishing, it is gone."""
        with self.clear() as work, contextlib.closing(DuckDBRemains(self, work, run_id)) as remains:
            yield remains

    def look_for(self, suppressed: Iterable[Suppressed], keys: Mapping[str, pa.Array]) -> Found:
        """Look for people who were to be gone, and for the keys of rows that left."""
        return look_for(self, list(suppressed), keys)

    def links(self, identifies: Identifies, macs: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Give each pair of an account's MAC and an e-mail address's that one indexed row carries, of those sought."""
        return links(self, identifies, list(macs))

    def known(self, identifies: Identifies, macs: Iterable[bytes]) -> set[bytes]:
        """Give those of the MACs that an indexed row carries; nobody is known where nothing is published."""
        return known(self, identifies, list(macs)) if self.live.exists() else set()
