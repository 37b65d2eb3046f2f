"""Changes are made to what is published in PostgreSQL: some rows leave, staged ones come, no other is touched.

All of it is done in the caller's transaction, and no row leaves the server; that nothing else was touched is shown
there as well (postgresql_touched).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from stores.quoting import identifier
from stores.warehouse import ANALYTICS, INDEX, QUARANTINE
from stores.warehouse.postgresql_layout import SCRATCH, STAGED
from stores.warehouse.postgresql_session import Session
from stores.warehouse.postgresql_touched import Moved, refuse_unlike


class Counted(NamedTuple):
    """How many rows a table has before it changes, how many leave it, and come; and how many its private index has."""

    before: int
    left: int
    came: int
    indexed: int


@dataclass(frozen=True)
class Changed:
    """A published table of which rows are replaced."""

    table: str
    key: str
    """The name of its primary key."""
    columns: Mapping[str, Sequence[str]]
    """Those of the table, its private index (none, where it is not known whose its rows are) and its quarantine."""
    aside_comes: bool = False
    """Whether rows are to be set aside."""

    @property
    def published(self) -> str:
        """Name the published table in a statement."""
        return f"{ANALYTICS}.{identifier(self.table)}"

    @property
    def staged(self) -> str:
        """Name the table of the rows that come."""
        return f"{STAGED[ANALYTICS]}.{identifier(self.table)}"

    @property
    def aside(self) -> str:
        """Name the table of the rows that were set aside."""
        return f"{QUARANTINE}.{identifier(self.table)}"

    @property
    def leaving(self) -> str:
        """Name the table of the keys (`key`) of all rows that leave, if they are there."""
        return f"{SCRATCH}.{identifier(f'{self.table} leaving')}"

    @property
    def whole(self) -> str:
        """Give all rows as they will be."""
        return f"(select l.* from {self.published} as l where {self._stays} union all select * from {self.staged})"

    @property
    def gone(self) -> str:
        """Give the keys that are published now and will not be, in the key's column."""
        key = identifier(self.key)
        there = f"exists (select 1 from {self.published} as l where l.{key} = g.key)"
        comes = f"exists (select 1 from {self.staged} as s where s.{key} = g.key)"
        return f"(select g.key as {key} from {self.leaving} as g where {there} and not {comes})"

    def count(self, session: Session, changed: bool) -> Counted:
        """Count the rows that are published, those of them that leave, those that come, and those of the index."""
        leave = f"(select count(*) from {self.published} where {self._leave(self.key)})" if changed else "0"
        come = f"(select count(*) from {self.staged})" if changed else "0"
        rows = f"(select count(*) from {self.published})"
        indexed = f"(select count(*) from {self._index})" if changed and self._is_indexed else "before"
        counted = f"select before, {leave}, {come}, {indexed} from (select {rows} as before) as there"
        return Counted(*session.rows(counted)[0])

    def count_aside(self, session: Session, changed: bool, groups: bool) -> int:
        """Count the rows that will be set aside, of a derived table groups."""
        key = identifier(self.key)
        aside = f"select {key} from {self.aside} as l" + f" where {self._stays}" * changed
        aside += f" union all select {key} from {self._staged_aside}" if self.aside_comes else ""
        counted = f"count(distinct {key})" if groups else "count(*)"
        return int(session.rows(f"select {counted} from ({aside}) as aside")[0][0])

    @property
    def _staged_aside(self) -> str:
        return f"{STAGED[QUARANTINE]}.{identifier(self.table)}"

    @property
    def _stays(self) -> str:
        return f"not exists (select 1 from {self.leaving} as g where g.key = l.{identifier(self.key)})"

    def merge(self, session: Session, counted: Counted) -> Iterator[Moved]:
        """Let rows leave and come; tell of each table how many were to, as they were counted."""
        before, left, came, indexed = counted
        refuse_unlike(self.table, before, indexed)
        yield from self._move(session, ANALYTICS, self.key, Moved(self.published, self.table, before, left, came))
        if self._is_indexed:  # it has a line for each row
            told = f"index of {self.table}"
            yield from self._move(session, INDEX, "key", Moved(self._index, told, before, left, came))
        aside = session.rows(
            f"select count(*), count(*) filter (where {self._leave(self.key)}), "
            f"(select count(*) from {self._staged_aside if self.aside_comes else f'{self.aside} where false'}) "
            f"from {self.aside}"
        )
        yield from self._move(
            session, QUARANTINE, self.key, Moved(self.aside, f"{self.table} in quarantine", *aside[0])
        )

    def _move(self, session: Session, schema: str, key: str, moved: Moved) -> Iterator[Moved]:
        """Delete and insert in one table, if anything is to be."""
        if moved.left:
            session.execute(f"delete from {moved.place} where {self._leave(key)}")
        if moved.came:
            names = ", ".join(map(identifier, self.columns[schema]))
            staged = f"{STAGED[schema]}.{identifier(self.table)}"
            session.execute(
                f"insert into {moved.place} ({names}) select {names} from {staged} order by {identifier(key)}"
            )
        if moved.left or moved.came:
            yield moved

    @property
    def _index(self) -> str:
        return f"{INDEX}.{identifier(self.table)}"

    @property
    def _is_indexed(self) -> bool:
        return INDEX in self.columns

    def _leave(self, key: str) -> str:
        return f"{identifier(key)} in (select key from {self.leaving})"


def places_of(session: Session) -> dict[str, Changed]:
    """Give every published table that has a key, as one that may change."""
    columns: dict[str, dict[str, list[str]]] = {}
    for schema, table, names in session.rows(_COLUMNS, [[ANALYTICS, INDEX, QUARANTINE]]):
        columns.setdefault(table, {})[schema] = names
    keys = dict(session.rows(_KEYS))
    return {table: Changed(table, key, columns[table]) for table, key in keys.items()}


_COLUMNS = """\
select nspname::text, relname::text, array_agg(attname::text order by attnum) from pg_attribute
join pg_class c on c.oid = attrelid join pg_namespace n on n.oid = relnamespace
where relkind = 'r' and attnum > 0 and not attisdropped and nspname = any(%s) group by 1, 2"""

_KEYS = f"""\
select relname::text, attname::text from pg_index join pg_class c on c.oid = indrelid
join pg_attribute on attrelid = c.oid and attnum = indkey[0]
where indisprimary and relnamespace = to_regnamespace('{ANALYTICS}') order by 1"""
