"""The rules of events that start clocks: each is a date or timestamp that can be read, here or in a referring row."""

from __future__ import annotations

from collections.abc import Iterator

from privacy.policy import Policy, Table
from privacy.policy_parts import Broken
from privacy.retention_rules import Latest, others_of, own_of


def broken_events(
    policy: Policy, name: str, after: str | Latest, at: tuple[str, ...], in_source: bool = False
) -> Iterator[Broken]:
    """Give each event of a table from which no clock can start; one in the source may be of a suppressed column."""
    table = policy.tables[name]
    for event in own_of(after):
        yield from _event(table, event, event, at, in_source)
    for other, column in others_of(after):
        referring = policy.tables.get(other)
        if referring is None or not link_to(referring, name):
            yield at, f"{other}.{column} is not a column of a table that refers to {name}"
        else:
            yield from _event(referring, column, f"{other}.{column}", at, in_source)


def _event(table: Table, column: str, called: str, at: tuple[str, ...], in_source: bool) -> Iterator[Broken]:
    if column not in table.columns or table.columns[column].type.name not in ("date", "timestamp"):
        yield at, f"{called} is not a date or timestamp among the columns"
    elif not (in_source or table.columns[column].extracted):
        yield at, f"{called} is suppressed, so that the clock cannot read it"


def link_to(referring: Table, name: str) -> str | None:
    """Name the column by which a table refers to another, None if it does not."""
    return next((column for column, spec in referring.columns.items() if spec.references == name), None)
