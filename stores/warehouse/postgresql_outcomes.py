"""What became of rows, asked of a published state in PostgreSQL by their keys while changes of it are made."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import sqlalchemy as sa

from privacy.errors import StoreError
from privacy.treat import EXPIRES_ON
from stores.quoting import identifier
from stores.warehouse import ANALYTICS, INDEX
from stores.warehouse.catalogue import tables_of
from stores.warehouse.postgresql_layout import SCRATCH
from stores.warehouse.postgresql_merge import Changed
from stores.warehouse.postgresql_session import Session
from stores.warehouse.postgresql_staging import Staging
from stores.warehouse.postgresql_types import sql_type

_KEYS = f"""\
select relname::text, attname::text from pg_index join pg_class c on c.oid = indrelid
join pg_attribute on attrelid = c.oid and attnum = indkey[0]
where indisprimary and relnamespace = to_regnamespace('{ANALYTICS}') order by 1"""


class Outcomes(Staging):
    """The published tables, of which some rows may be staged anew."""

    def __init__(self, url: sa.URL, holding: Session) -> None:
        super().__init__(url, holding)
        self._numbers = itertools.count(1)
        indexed = tables_of(holding.rows, INDEX)
        self._tables = {table: Changed(table, key, table in indexed) for table, key in holding.rows(_KEYS)}

    def outcomes(self, table: str, keys: pa.Array | None = None) -> pa.Table:
        """Tell what became of rows: those published, with the day on which they leave, and those set aside."""
        place = self._place(table)
        if keys is None:
            with self._loader() as session:
                return session.arrow(_outcomes(place, "is not null"))
        with self._sought(keys) as (session, sought):
            return session.arrow(_outcomes(place, f"in (select key from {sought})"))

    def keys(self, table: str) -> pa.Array:
        """Give the keys of all rows that are published or set aside, each once."""
        place = self._place(table)
        key = identifier(place.key)
        there = f"exists (select 1 from {place.published} as p where p.{key} = q.{key})"
        with self._loader() as session:
            return _only(
                session.arrow(
                    f"select {key} as key from {place.published} union all "
                    f"select distinct q.{key} from {place.aside} as q where q.{key} is not null and not {there}"
                )
            )

    def referring(self, table: str, column: str, keys: pa.Array) -> pa.Array:
        """Give the keys of rows, published or set aside, whose reference in a column is one of `keys`, each once."""
        place = self._place(table)
        key = identifier(place.key)
        with self._sought(keys) as (session, sought):
            where = f"where {identifier(column)} in (select key from {sought})"
            return _only(
                session.arrow(
                    f"select {key} as key from {place.published} {where} "
                    f"union select {key} from {place.aside} {where} and {key} is not null"
                )
            )

    def _place(self, table: str) -> Changed:
        if place := self._tables.get(table):
            return place
        raise StoreError(f"warehouse: no {table} with a key is published.\n  Run `sluis run --full`.")

    @contextmanager
    def _sought(self, keys: pa.Array) -> Iterator[tuple[Session, str]]:
        """Make a table of keys for as long as something is asked of it."""
        with self._loader() as session:
            name = list_keys(session, f"sought {next(self._numbers)}", keys)
            yield session, name
            session.execute(f"drop table {name}")


def _outcomes(place: Changed, sought: str) -> str:
    key = identifier(place.key)
    return (
        f"select {key} as key, {EXPIRES_ON} as expires_on, false as set_aside from {place.published} "
        f"where {key} {sought} union all "
        f"select {key}, min({EXPIRES_ON}), true from {place.aside} where {key} {sought} group by {key}"
    )


def list_keys(session: Session, name: str, keys: pa.Array) -> str:
    """Make a table of keys (`key`), each once; give its name in a statement."""
    listed, kind = f"{SCRATCH}.{identifier(name)}", keys.type
    distinct = (keys.storage if isinstance(keys, pa.ExtensionArray) else keys).unique().drop_null()
    if isinstance(keys, pa.ExtensionArray):
        distinct = pa.ExtensionArray.from_storage(kind, distinct)
    session.execute(f"create unlogged table {listed} (key {sql_type(kind)} primary key)")
    if len(distinct):
        session.append(SCRATCH, name, pa.table({"key": distinct}))
    session.execute(f"analyze {listed}")
    return listed


def _only(rows: pa.Table) -> pa.Array:
    """Give the one column of rows."""
    return rows.column(0).combine_chunks()
