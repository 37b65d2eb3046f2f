"""Tables of a candidate in PostgreSQL: made in our own words, filled from Arrow, with a key and what analysts read."""

from __future__ import annotations

import pyarrow as pa

from stores.quoting import identifier, literal
from stores.warehouse import Comments
from stores.warehouse.postgresql_session import PostgreSQLError, Session
from stores.warehouse.postgresql_types import sql_type

NOT_UNIQUE, NULL = "23505", "23502"


def create(session: Session, schema: str, table: str, columns: pa.Schema, unlogged: bool = False) -> str:
    """Make an empty table; give its name with its schema."""
    name = f"{schema}.{identifier(table)}"
    typed = ", ".join(f"{identifier(field.name)} {sql_type(field.type)}" for field in columns)
    session.execute(f"create {'unlogged ' * unlogged}table {name} ({typed})")
    return name


def create_private(session: Session, schema: str, table: str, columns: pa.Schema) -> str:
    """Make an empty table of what analysts never see: the server keeps no sample of its values as statistics."""
    name = create(session, schema, table, columns)
    without = ", ".join(f"alter {identifier(field.name)} set statistics 0" for field in columns)
    session.execute(f"alter table {name} {without}")
    return name


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


def tables_in(session: Session, *schemas: str) -> list[str]:
    """Name the tables of some schemas, each with its schema, as they stand in a statement."""
    found = session.rows(
        "select format('%%I.%%I', schemaname, tablename) from pg_tables where schemaname = any(%s) order by 1",
        [list(schemas)],
    )
    return [table for (table,) in found]
