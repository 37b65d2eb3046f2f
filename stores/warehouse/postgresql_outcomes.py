"""What became of rows, asked of a published state in PostgreSQL by their keys while changes of it are made."""

from __future__ import annotations

import pyarrow as pa
import sqlalchemy as sa

from privacy.errors import StoreError
from privacy.treat import EXPIRES_ON
from stores.quoting import identifier, literal
from stores.warehouse.postgresql_merge import Changed, places_of
from stores.warehouse.postgresql_session import Session
from stores.warehouse.postgresql_staging import Staging
from stores.warehouse.postgresql_types import sql_type


class Outcomes(Staging):
    """The published tables, of which some rows may be staged anew."""

    def __init__(self, url: sa.URL, holding: Session) -> None:
        super().__init__(url, holding)
        self._tables = places_of(holding)

    def outcomes(self, table: str, keys: pa.Array | None = None) -> pa.Table:
        """Tell what became of rows: those published, with the day on which they leave, and those set aside."""
        place = self._place(table)
        with self._loader() as session:
            return session.arrow(_outcomes(place, "is not null" if keys is None else _is_any(keys)))

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
        where = f"where {identifier(column)} {_is_any(keys)}"
        with self._loader() as session:
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


def _outcomes(place: Changed, sought: str) -> str:
    key = identifier(place.key)
    return (
        f"select {key} as key, {EXPIRES_ON} as expires_on, false as set_aside from {place.published} "
        f"where {key} {sought} union all "
        f"select {key}, min({EXPIRES_ON}), true from {place.aside} where {key} {sought} group by {key}"
    )


def _is_any(keys: pa.Array) -> str:
    """Say that a column is any of some keys."""
    return f"= any({array_of(keys)})"


def array_of(keys: pa.Array) -> str:
    """Give keys as an array of PostgreSQL's."""
    stored = keys.storage if isinstance(keys, pa.ExtensionArray) else keys
    listed = ((key.hex() if isinstance(key, bytes) else str(key)) for key in stored.to_pylist() if key is not None)
    quoted = (key.replace("\\", r"\\").replace('"', r"\"") for key in listed)
    array = ", ".join(f'"{key}"' for key in quoted)
    kind = "text" if pa.types.is_string(keys.type) else sql_type(keys.type)
    return f"{literal(f'{{{array}}}')}::{kind}[]"


def _only(rows: pa.Table) -> pa.Array:
    """Give the one column of rows."""
    return rows.column(0).combine_chunks()
