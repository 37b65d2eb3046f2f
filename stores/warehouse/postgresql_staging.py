"""Treated rows become tables of the staging schemas in PostgreSQL: what is published, its private index, quarantine."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from privacy.policy import Derived
from stores.arrow_stream import in_tables
from stores.quoting import identifier
from stores.token_order import in_token_order
from stores.warehouse import ANALYTICS, INDEX, QUARANTINE, Grouped
from stores.warehouse.groups import Groups, indexed_names, least, published_names
from stores.warehouse.postgresql_layout import SCRATCH, STAGED
from stores.warehouse.postgresql_session import Session
from stores.warehouse.postgresql_state import NewState
from stores.warehouse.postgresql_tables import add_key, create, create_private, definition

ROWS_AN_INSERT = 65_536


class Staging(NewState):
    """A new state, or part of one, made of treated rows."""

    def quarantine(self, table: str, rows: pa.Table) -> None:
        """Write rows that were set aside where analysts do not look."""
        made = definition(STAGED[QUARANTINE], table, rows.schema, private=True)
        with self._loader() as session, session.filling(made):
            session.append(STAGED[QUARANTINE], table, rows)


def stage_rows(
    session: Session, table: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch], rows: int, key: str
) -> str:
    """Write rows in the order of their key, and beside them whose they are; give the name of their table."""
    has_tokens = schema.field(key).type == pa.uuid()
    published, indexed = published_names(schema.names), indexed_names(key, schema.names)
    parts = {STAGED[ANALYTICS]: _part(schema, published)}
    if indexed:
        parts[STAGED[INDEX]] = _part(schema, [*indexed], [*indexed.values()])
    names = {STAGED[ANALYTICS]: published, STAGED[INDEX]: [*indexed]}
    with tempfile.TemporaryDirectory() as folder:
        if has_tokens:
            batches = in_token_order(batches, schema, key, rows, Path(folder))
        made = (definition(place, table, part, private=place == STAGED[INDEX]) for place, part in parts.items())
        with session.filling(*made):
            for some in in_tables(batches, ROWS_AN_INSERT):
                for place, part in parts.items():
                    session.append(place, table, some.select(names[place]).rename_columns(part.names))
        add_key(session, STAGED[ANALYTICS], table, key, in_its_order=not has_tokens)
    return f"{STAGED[ANALYTICS]}.{identifier(table)}"


def stage_groups(session: Session, table: str, batches: pa.RecordBatchReader, derived: Derived) -> tuple[str, Grouped]:
    """Write one row per key of those that may be published, and whose they are; give the name of their table."""
    rows, fates, schema = f"{table} rows", f"{SCRATCH}.{identifier(f'{table} fates')}", batches.schema
    groups = Groups(create(session, SCRATCH, rows, schema, unlogged=True), fates, schema, derived, _least)
    with_key = (batch.filter(batch.column(derived.one_row_per).is_valid()) for batch in batches)
    for some in in_tables(with_key, ROWS_AN_INSERT):
        session.append(SCRATCH, rows, some)
    target = create(session, STAGED[ANALYTICS], table, _part(schema, groups.names))
    session.execute(f"insert into {target} {groups.published}")
    if groups.index:
        indexed = indexed_names(derived.one_row_per, schema.names)
        index = create_private(session, STAGED[INDEX], table, _part(schema, [*indexed], [*indexed.values()]))
        session.execute(f"insert into {index} {groups.index}")
    session.execute(f"create unlogged table {fates} as {groups.fates}")
    grouped = groups.count(session.rows)
    aside = create_private(session, STAGED[QUARANTINE], table, _part(schema, groups.names_aside))
    session.execute(f"insert into {aside} {groups.set_aside}")
    session.execute(f"drop table {SCRATCH}.{identifier(rows)}, {fates}")
    add_key(session, STAGED[ANALYTICS], table, derived.one_row_per, in_its_order=True)
    return target, grouped


def _part(schema: pa.Schema, names: Sequence[str], renamed: Sequence[str] = ()) -> pa.Schema:
    """Give some fields of a schema, under other names where there are some."""
    fields = [schema.field(name) for name in names]
    return pa.schema([field.with_name(name) for field, name in zip(fields, renamed or names, strict=True)])


def _least(field: pa.Field) -> str:
    """Give the least value of a column, also of types without a `min`."""
    name = identifier(field.name)
    if field.type == pa.uuid():
        return f'min({name}::text collate "C")::uuid'
    return f"bool_and({name})" if pa.types.is_boolean(field.type) else least(field)
