"""How incremental runs know what changed: whether those columns can be read and compared, and are found by an index."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import sqlalchemy as sa

from cli.doctor.findings import OUT_OF_ORDER, Check, Environment, Finding, bad, doubtful, good
from cli.doctor.places import policy_of
from stores.opening import open_source
from stores.settings import database_url
from stores.source import Schema, Source
from stores.sqlite_source import SqliteSource
from tasks.change_stamp import change_stamp

NAMED = 3

Stamps = list[tuple[str, str]]
"""Tables and columns of the source."""


def change_stamps(environment: Environment) -> Finding:
    """See whether they are there, hold moments and may be read; advise an index where one is of use."""
    policy, source = policy_of(environment), open_source(database_url("source", environment))
    if policy.incremental is None:
        return good("none: every run reads all rows")
    schema = source.schema()
    tables = [name for name, table in policy.tables.items() if not table.derived and name in schema]
    stamps = [(name, str(policy.changed(name))) for name in tables]
    if missing := [stamp for stamp in stamps if stamp[1] not in schema[stamp[0]]]:
        return bad(f"not there: {_named(missing)}", "Name others with changed, or grant select on them: a run stops.")
    if shut := unreadable(source, stamps):
        return bad(f"the account may not read: {_named(shut)}", "Grant it select on them: a run stops.", OUT_OF_ORDER)
    if unfit := [stamp for stamp in stamps if change_stamp(policy, schema, stamp[0]) is None]:
        hint = "Every run reads all rows. Name columns of moments with changed, or leave out incremental."
        return doubtful(f"no moments, by their type: {_named(unfit)}", hint)
    if bare := _without_index(source, schema, stamps):
        hint = "Advice: an index on each spares the server a reading of the table, if it is large."
        return Finding("ok", f"{len(stamps)} can be read and compared; without an index: {_named(bare)}", hint)
    return good(f"{len(stamps)} can be read and compared")


def unreadable(source: Source, columns: Iterable[tuple[str, str]]) -> Stamps:
    """Give the columns that the account may not read. No row is asked for: the right is looked at all the same."""
    refused = []
    with source.engine().connect() as connection:
        for table, column in columns:
            named, of = sa.sql.quoted_name(column, True), sa.sql.quoted_name(table, True)
            try:
                connection.execute(sa.select(sa.column(named)).select_from(sa.table(of)).where(sa.false())).close()
            except sa.exc.DBAPIError:
                refused.append((table, column))
            connection.rollback()
    return refused


def _without_index(source: Source, schema: Schema, stamps: Stamps) -> Stamps:
    """Give those that no index begins with, where one is of use: SQLite, and texts, are looked at row by row anyhow.

    None where that cannot be known: MariaDB shows the indexes of a table to whoever may read all of its columns.
    """
    if isinstance(source, SqliteSource):
        return []
    with contextlib.suppress(NotImplementedError, sa.exc.DBAPIError), source.engine().connect() as connection:
        inspector = sa.inspect(connection)
        of_moments = [(table, column) for table, column in stamps if schema[table][column].family != "text"]
        return [(table, column) for table, column in of_moments if column not in _indexed(inspector, table)]
    return []


def _indexed(inspector: sa.Inspector, table: str) -> set[str | None]:
    """Name the columns with which the indexes of a table begin."""
    return {index["column_names"][0] for index in inspector.get_indexes(table) if index["column_names"]}


def _named(stamps: Stamps) -> str:
    more = f" and {len(stamps) - NAMED} more" if len(stamps) > NAMED else ""
    return ", ".join(f"{table}.{column}" for table, column in stamps[:NAMED]) + more


CHECKS = (Check("change stamps", change_stamps, ("policy", "source"), after=("policy", "source")),)
