"""Changes of a published state in PostgreSQL: rows that come are staged, keys of rows that leave are listed.

Nothing published is touched before the publish, which is one transaction. What it supersedes stays in the pages of the
tables as dead rows, so that they are vacuumed at once.
"""

from __future__ import annotations

import dataclasses
import itertools
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pyarrow as pa
import sqlalchemy as sa

from privacy.errors import StoreError
from privacy.policy import Derived
from stores.warehouse import Grouped, Readable
from stores.warehouse.changes import Standing
from stores.warehouse.postgresql_layout import RUN
from stores.warehouse.postgresql_merge import Changed, Counted
from stores.warehouse.postgresql_outcomes import Outcomes, array_of
from stores.warehouse.postgresql_rights import let_read, refuse_what_is_of_others
from stores.warehouse.postgresql_session import Session
from stores.warehouse.postgresql_staging import stage_groups, stage_rows
from stores.warehouse.postgresql_state import WAIT
from stores.warehouse.postgresql_touched import Moved, refuse_others, touched
from stores.warehouse.postgresql_types import sql_type

SWEPT_LATER = (
    "{place}: {rows} are still in its pages, because a transaction that began before may look at them, or the "
    "connection was lost. Autovacuum sweeps them, or `vacuum`; until then nobody sees them in a query."
)

_DEAD = "select place, dead from unnest(%s::text[]) place, pg_stat_get_dead_tuples(place::regclass) dead where dead > 0"


class PostgreSQLChanges(Outcomes):
    """Rows of published tables that others will replace."""

    def __init__(self, url: sa.URL, holding: Session) -> None:
        super().__init__(url, holding)
        self._changed: dict[str, Changed] = {}
        self._untouched: dict[str, tuple[pa.Schema, str]] = {}
        self._counted: dict[str, Counted] = {}
        self._grouped: set[str] = set()
        self._left: list[str] = []
        self._one_at_a_time = threading.Lock()
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
            stage_rows(session, table, schema, come or iter(()), rows, key)

    def replace_groups(self, table: str, leaving: pa.Array, batches: pa.RecordBatchReader, derived: Derived) -> Grouped:
        """Let the groups with these keys leave a derived table; make anew those that rows are given of."""
        self._grouped.add(table)
        come = _unless_empty(batches)
        if come is None and not len(leaving):
            return Grouped({}, {})
        with self._beginning(table, leaving) as session:
            rows = pa.RecordBatchReader.from_batches(batches.schema, come or iter(()))
            _, grouped = stage_groups(session, table, rows, derived)
        self._changed[table] = dataclasses.replace(self._changed[table], aside_comes=True)
        return grouped

    def quarantine(self, table: str, rows: pa.Table) -> None:
        """Set rows aside; where none of a table are, nothing is made."""
        if not len(rows):
            return
        if table in self._untouched:
            schema, key = self._untouched.pop(table)
            with self._beginning(table, pa.array([], schema.field(key).type)) as session:
                stage_rows(session, table, schema, iter(()), 0, key)
        super().quarantine(table, rows)
        self._changed[table] = dataclasses.replace(self._changed[table], aside_comes=True)

    def standing(self, table: str) -> Standing:
        """Count the rows of a table as it will be, of a derived one groups."""
        changed, place = table in self._changed, self._changed.get(table) or self._place(table)
        before, left, came, _ = self._counted[table] = place.count(self._holding, changed)
        aside = place.count_aside(self._holding, changed, groups=table in self._grouped)
        return Standing(before - left + came, aside)

    def readable(self) -> Readable:
        """Say where the gate reads the rows that come, and whole tables as they will be."""
        whole = {
            name: place.whole if name in self._changed else place.published for name, place in self._tables.items()
        }
        gone = {name: place.gone for name, place in self._changed.items()}
        leaving = {name: place.leaving for name, place in self._changed.items()}
        return dataclasses.replace(super().readable(), whole=whole, gone=gone, leaving=leaving)

    def publish(self) -> None:
        """Change all tables at once, then let the server sweep up what that superseded."""
        super().publish()
        if self._left:
            self._sweep()

    def _publish(self) -> None:
        session = self._holding
        with session.transaction():
            session.execute(f"set local lock_timeout = '{WAIT}'")
            refuse_what_is_of_others(session)
            before = touched(session)
            moved = [moved for table in self._changed for moved in self._merge(session, table)]
            refuse_others(moved, before, touched(session))
            self._left = [one.place for one in moved if one.left]
            session.execute(f"drop table {RUN}")
            self._name_run(session)
            let_read(session)

    def _merge(self, session: Session, table: str) -> Iterator[Moved]:
        """Change a table by what was counted of it before the gate, or is now."""
        place = self._changed[table]
        return place.merge(session, self._counted.get(table) or place.count(session, changed=True))

    def _sweep(self) -> None:
        """Vacuum what rows left; say so where they stay as dead ones, because somebody may still look at them."""
        try:
            self._holding.execute(f"vacuum (index_cleanup on, truncate off) {', '.join(self._left)}")
            found = dict(self._holding.rows(_DEAD, [self._left]))
        except StoreError:
            found = dict.fromkeys(self._left, None)
        for place, dead in found.items():
            rows = "superseded rows" if dead is None else f"{dead:,} superseded rows"
            self.warnings.append(SWEPT_LATER.format(place=place.replace('"', ""), rows=rows))

    @contextmanager
    def _loader(self) -> Iterator[Session]:
        """Give one session to one after the other: where few rows come, to connect costs more than to wait."""
        with self._one_at_a_time, super()._loader() as session:
            yield session

    @contextmanager
    def _beginning(self, table: str, leaving: pa.Array) -> Iterator[Session]:
        """Begin to replace rows of a table: list the keys of those that leave."""
        place = self._place(table)
        with self._loader() as session:
            _list_keys(session, place, leaving)
            yield session
        self._changed[table] = place
        self._counted.pop(table, None)


def _list_keys(session: Session, place: Changed, keys: pa.Array) -> None:
    """Make a table of keys (`key`), each once; by its index the server knows how many they are, and finds each."""
    distinct = f"select distinct key from unnest({array_of(keys)}) as key where key is not null"
    session.execute(
        f"create unlogged table {place.leaving} (key {sql_type(keys.type)}); "
        f"insert into {place.leaving} {distinct}; alter table {place.leaving} add primary key (key)"
    )


def _unless_empty(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch] | None:
    """Give batches from the first on that holds rows; None where none does."""
    coming = iter(batches)
    first = next((batch for batch in coming if len(batch)), None)
    return None if first is None else itertools.chain([first], coming)
