"""Tables of a candidate in PostgreSQL: made in our own words, filled from Arrow, with a key and what analysts read."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from privacy.errors import StoreError
from stores.quoting import identifier, literal
from stores.warehouse import Comments
from stores.warehouse.postgresql_session import Session
from stores.warehouse.postgresql_trouble import PostgreSQLError
from stores.warehouse.postgresql_types import sql_type

LONGEST_NAME = 55
"""Of 63 letters that PostgreSQL keeps; the rest is for what is named after a table."""

NOT_UNIQUE, NULL = "23505", "23502"


def create(session: Session, schema: str, table: str, columns: pa.Schema, unlogged: bool = False) -> str:
    """Make an empty table; give its name with its schema."""
    session.execute(definition(schema, table, columns, unlogged=unlogged))
    return f"{schema}.{identifier(table)}"


def create_private(session: Session, schema: str, table: str, columns: pa.Schema) -> str:
    """Make an empty table of what analysts never see."""
    session.execute(definition(schema, table, columns, private=True))
    return f"{schema}.{identifier(table)}"


def definition(schema: str, table: str, columns: pa.Schema, private: bool = False, unlogged: bool = False) -> str:
    """Say how an empty table is made; PostgreSQL would cut a name that is too long.

    private: the server keeps no sample of its values as statistics.
    """
    if too_long := [name for name in (table, *columns.names) if len(name) > LONGEST_NAME]:
        raise StoreError(
            f"warehouse: PostgreSQL has no room for a name as long as {too_long[0]}; {LONGEST_NAME} letters are "
            "the most.\n  Publish it under a shorter one: `publish_as`, or `from` beside a shorter column."
        )
    name = f"{schema}.{identifier(table)}"
    typed = ", ".join(f"{identifier(field.name)} {sql_type(field.type)}" for field in columns)
    made = f"create {'unlogged ' * unlogged}table {name} ({typed})"
    return f"{made}; {_without_statistics(name, columns.names)}" if private else made


def without_statistics(session: Session, name: str, columns: Iterable[str]) -> None:
    """Let the server keep no sample of any column's values."""
    session.execute(_without_statistics(name, columns))


def _without_statistics(name: str, columns: Iterable[str]) -> str:
    return f"alter table {name} {', '.join(f'alter {identifier(column)} set statistics 0' for column in columns)}"


def add_key(session: Session, schema: str, table: str, key: str, in_its_order: bool = False) -> None:
    """Make the key a primary key, bring rows into its order; where it is none, they stay so, and the gate tells."""
    name, index = f"{schema}.{identifier(table)}", identifier(f"{table} key")
    try:
        session.execute(f"alter table {name} add constraint {index} primary key ({identifier(key)})")
        if in_its_order:
            session.execute(f"cluster {name} using {index}")
    except PostgreSQLError as error:
        if error.state not in (NOT_UNIQUE, NULL):
            raise


def finish(session: Session, name: str, comments: Comments) -> None:
    """Write what analysts read beside a table and its columns; let the server know it for one that never changes."""
    session.execute(f"comment on table {name} is {literal(comments.table)}")
    for column, text in comments.columns.items():
        session.execute(f"comment on column {name}.{identifier(column)} is {literal(text)}")
    session.execute(f"vacuum (freeze, analyze) {name}")


def comments_of(session: Session, name: str) -> Comments:
    """Read what analysts read beside a table and its columns."""
    found = session.rows(
        "select attname, description from pg_description left join pg_attribute on attrelid = objoid "
        "and attnum = objsubid and objsubid > 0 where classoid = 'pg_class'::regclass and objoid = %s::regclass",
        [name],
    )
    columns = {column or "": str(text) for column, text in found}
    return Comments(columns.pop("", ""), columns)


def tables_in(session: Session, *schemas: str) -> list[str]:
    """Name the tables of some schemas, each with its schema, as they stand in a statement."""
    found = session.rows(
        "select format('%%I.%%I', schemaname, tablename) from pg_tables where schemaname = any(%s) order by 1",
        [list(schemas)],
    )
    return [table for (table,) in found]
