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
from stores.warehouse.catalogue import Ask
from stores.warehouse.duckdb_candidate import DuckDBCandidate
from stores.warehouse.duckdb_live import LiveFile, asking
from stores.warehouse.duckdb_proof import PRIVATE_INDEX, look_for
from stores.warehouse.duckdb_remains import DuckDBRemains
from stores.warehouse.links import SOUGHT, known, links, sought

LEFTOVERS = (
    "Files of the warehouse: nothing. Each publish writes new ones, and the old ones are deleted.",
    "Backups, snapshots of the file system, and copies of the file that readers made: until whoever keeps them "
    "destroys them. After one is put back, `sluis replay` takes out again whoever had left.",
    "The disk: blocks of deleted files, until the file system writes over them.",
)


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

    def changes(self, run_id: str) -> None:
        """Take none: in a file that is changed, what was superseded stays."""

    @contextmanager
    def remains(self, run_id: str) -> Iterator[DuckDBRemains]:
        """Begin what the published file leaves without some rows; left without publishing, it is gone."""
        with self.clear() as work, contextlib.closing(DuckDBRemains(self, work, run_id)) as remains:
            yield remains

    def look_for(self, suppressed: Iterable[Suppressed], keys: Mapping[str, pa.Array]) -> Found:
        """Look for people who were to be gone, and for the keys of rows that left."""
        return look_for(self, list(suppressed), keys)

    def beyond_reach(self) -> tuple[str, ...]:
        """Tell, place by place, what may still hold rows that have left, and until when."""
        return LEFTOVERS

    def shut_readers_out(self) -> bool:
        """Let be: who has a file has it, and who has copied it cannot be stopped."""
        return False

    def links(self, identifies: Identifies, macs: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
        """Give each pair of an account's MAC and an e-mail address's that one indexed row carries, of those sought."""
        with self._seeking(macs) as ask:
            return links(ask, PRIVATE_INDEX, identifies)

    def known(self, identifies: Identifies, macs: Iterable[bytes]) -> set[bytes]:
        """Give those of the MACs that an indexed row carries; nobody is known where nothing is published."""
        if not self.live.exists():
            return set()
        with self._seeking(macs) as ask:
            return known(ask, PRIVATE_INDEX, identifies)

    @contextmanager
    def _seeking(self, macs: Iterable[bytes]) -> Iterator[Ask]:
        with self.opened() as connection:
            connection.register(SOUGHT, sought(macs))
            yield asking(connection)
