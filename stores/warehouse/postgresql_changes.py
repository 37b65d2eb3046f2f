"""Changes of a published state in PostgreSQL: rows that come are staged, keys of rows that leave are listed.

Nothing published is touched before the publish, which is one transaction. What it supersedes stays in the pages of the
tables as dead rows, so that they are vacuumed at once.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pyarrow as pa
import sqlalchemy as sa

from privacy.errors import StoreError
from privacy.policy import Derived
from stores.warehouse import Grouped, Readable
from stores.warehouse.changes import Standing
from stores.warehouse.postgresql_layout import RUN
from stores.warehouse.postgresql_merge import Changed
from stores.warehouse.postgresql_outcomes import Outcomes, list_keys
from stores.warehouse.postgresql_rights import let_read, refuse_what_is_of_others
from stores.warehouse.postgresql_session import Session
from stores.warehouse.postgresql_staging import stage_groups, stage_rows
from stores.warehouse.postgresql_state import WAIT

SWEPT_LATER = (
    "{place}: {left} are still in its pages, because a transaction that began before may look at them, or the "
    "connection was lost. Autovacuum sweeps them, or `vacuum`; until then nobody sees them in a query."
)


class PostgreSQLChanges(Outcomes):
    """Rows of published tables that others will replace."""

    def __init__(self, url: sa.URL, holding: Session) -> None:
        super().__init__(url, holding)
        self._changed: dict[str, Changed] = {}
        self._untouched: dict[str, tuple[pa.Schema, str]] = {}
        self._grouped: set[str] = set()
        if not self._tables:
            self.close()
            raise StoreError(f"warehouse: nothing is published in {url.database} yet, so nothing of it can change.")

    def replace(
        self, table: str, leaving: pa.Array, schema: pa.Schema, batches: Iterator[pa.RecordBatch], rows: int, key: str
    ) -> None:
        """Let the rows with these keys leave, and treated ones come; where there are neither, nothing is made."""
        come = _unless_empty(batches)
        if come is None and not len(leaving):
            self._untouched[table] = (schema, key)
            return
        with self._beginning(table, leaving) as session:
            session.execute(f"analyze {stage_rows(session, table, schema, come or iter(()), rows, key)}")

    def replace_groups(self, table: str, leaving: pa.Array, batches: pa.RecordBatchReader, derived: Derived) -> Grouped:
        """Let the groups with these keys leave a derived table; make anew those that rows are given of."""
        self._grouped.add(table)
        come = _unless_empty(batches)
        if come is None and not len(leaving):
            return Grouped({}, {})
        with self._beginning(table, leaving) as session:
            rows = pa.RecordBatchReader.from_batches(batches.schema, come or iter(()))
            target, grouped = stage_groups(session, table, rows, derived)
            session.execute(f"analyze {target}")
        return grouped

    def quarantine(self, table: str, rows: pa.Table) -> None:
        """Set rows aside; where none of a table are, and no other row of it is replaced, nothing is made."""
        if table in self._untouched:
            if not len(rows):
                return
            schema, key = self._untouched.pop(table)
            nobody = pa.array([], schema.field(key).type)
            with self._beginning(table, nobody) as session:
                stage_rows(session, table, schema, iter(()), 0, key)
        super().quarantine(table, rows)

    def standing(self, table: str) -> Standing:
        """Count the rows of a table as it will be, of a derived one groups."""
        place = self._place(table)
        counted = place.counted(changed=table in self._changed, groups=table in self._grouped)
        return Standing(*self._holding.rows(counted)[0])

    def readable(self) -> Readable:
        """Say where the gate reads the rows that come, and whole tables as they will be."""
        whole = {
            name: place.whole if name in self._changed else place.published for name, place in self._tables.items()
        }
        gone = {name: place.gone for name, place in self._changed.items()}
        return dataclasses.replace(super().readable(), whole=whole, gone=gone)

    def publish(self) -> None:
        """Change all tables at once, then let the server sweep up what that superseded."""
        super().publish()
        for place in itertools.chain.from_iterable(changed.places for changed in self._changed.values()):
            self._sweep(place)

    def _publish(self) -> None:
        session = self._holding
        with session.transaction():
            session.execute(f"set local lock_timeout = '{WAIT}'")
            refuse_what_is_of_others(session)
            for place in self._changed.values():
                place.merge(session)
            session.execute(f"drop table {RUN}")
            self._name_run(session)
            let_read(session)

    def _sweep(self, place: str) -> None:
        """Vacuum a table; say so where dead rows stay in it, because somebody may still look at what was there."""
        try:
            self._holding.execute(f"vacuum (index_cleanup on, truncate off) {place}")
            ((dead,),) = self._holding.rows("select pg_stat_get_dead_tuples(%s::regclass)", [place])
            left = f"{dead:,} superseded rows" if dead else ""
        except StoreError:
            left = "superseded rows"
        if left:
            self.warnings.append(SWEPT_LATER.format(place=place.replace('"', ""), left=left))

    @contextmanager
    def _beginning(self, table: str, leaving: pa.Array) -> Iterator[Session]:
        """Begin to replace rows of a table: list the keys of those that leave."""
        place = self._place(table)
        with self._loader() as session:
            list_keys(session, place.leaving_name, leaving)
            yield session
        self._changed[table] = place


def _unless_empty(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch] | None:
    """Give batches from the first on that holds rows; None where none does."""
    coming = iter(batches)
    first = next((batch for batch in coming if len(batch)), None)
    return None if first is None else itertools.chain([first], coming)
