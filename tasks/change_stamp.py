"""The column by which an incremental run knows that a row was written."""

from __future__ import annotations

from privacy.column_types import ColumnType
from privacy.policy import Policy
from stores.source import Schema


def change_stamp(policy: Policy, schema: Schema, table: str) -> tuple[str, ColumnType] | None:
    """Give a table's, and the type as which it is read; None where it holds no moments, by its type in the source."""
    rules, column = policy.tables[table], str(policy.changed(table))
    kinds = {rules.source_of(name): spec.type for name, spec in rules.columns.items()}
    family = schema[table][column].family
    kind = kinds.get(column) or ColumnType("date" if family == "date" else "timestamp")
    comparable = "date" in family or "time" in family or family == "text"
    return (column, kind) if comparable and kind.name in ("date", "timestamp") else None
