"""Gate 0: what we rely on in the source: it is what the policy describes, or the run stops before it reads a row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from privacy.column_types import ColumnType, TypeName
from privacy.errors import DriftError
from privacy.policy import Policy, Table
from stores.source import WITH_OFFSET, WITHOUT_OFFSET, ColumnKind, Schema

READABLE: dict[TypeName, frozenset[str]] = {
    "integer": frozenset({"integer", "boolean"}),
    "decimal": frozenset({"decimal"}),
    "double": frozenset({"double", "decimal"}),
    "text": frozenset({"text"}),
    "boolean": frozenset({"boolean", "integer"}),
    "date": frozenset({"date", "text"}),
    "timestamp": frozenset({"timestamp", "text", WITH_OFFSET, WITHOUT_OFFSET}),
}
"""The kinds of source column out of which a declared type is read; each value still has to fit."""

_OTHER_CLOCK = {False: WITHOUT_OFFSET, True: WITH_OFFSET}
"""The kind that a moment is not read out of, by whether the policy says which clock it was written by."""

_WAYS_OUT = {
    "new_table": "Declare it under tables, or list it under never_extracted.",
    "missing_table": "Take it out of the policy, or give it back to the source. Of a view, name the tables behind it.",
    "missing_for": "Name it as the source does under {named_by}, or give it back to the source.",
    "new_column": "It is {found}. Declare a treatment for it under tables.{table}.columns, or list it under "
    "never_extracted there.",
    "missing_column": "Take it out of tables.{table}, name its new name with from: …, or let the account of --source "
    "read it.",
    "changed_type": "It is {found}. Declare its new type at tables.{table}.columns.{column}; see that its treatment "
    "still fits.",
}

_NO_OFFSET = (
    "It is {found}. Declare at tables.{table}.columns.{column} which clock it was written by: timestamp(utc), or "
    "timestamp(local) for that of the policy's time zone."
)
_UNREADABLE = "It is {found}, which no type of a policy reads. List it under tables.{table}.never_extracted."


@dataclass(frozen=True)
class Drift:
    """One difference between source and policy."""

    kind: str
    table: str
    column: str | None = None
    found: ColumnKind | None = None
    """What the source says the column is, where it has it."""
    named_by: str | None = None
    """The part of the policy that needs it, where that is no table."""

    @property
    def named(self) -> dict[str, str | None]:
        """Name the difference, for scripts."""
        return {"kind": self.kind, "table": self.table, "column": self.column}

    def told(self, file: str) -> str:
        """Say what, where and the way out."""
        name = f"{self.table}.{self.column}" if self.column else self.table
        what = {
            "new_table": f"in the source, but not in {file}",
            "new_column": f"in the source, but not in {file}",
            "missing_table": f"in {file}, but not in the source",
            "missing_column": f"in {file}, but not in the source",
            "changed_type": f"has another type in the source than {file} declares",
        }[self.kind]
        if self.kind == "changed_type" and self.found and self.found.family == WITHOUT_OFFSET:
            return f"{name}: {what}.\n  {_NO_OFFSET.format(**vars(self))}"
        unreadable = self.found and not any(self.found.family in families for families in READABLE.values())
        way_out = _UNREADABLE if unreadable else _WAYS_OUT["missing_for" if self.named_by else self.kind]
        return f"{name}: {what}.\n  {way_out.format(**vars(self))}"


def find_drift(policy: Policy, schema: Schema) -> list[Drift]:
    """Compare source and policy; tables that are never extracted are exempt."""
    sources = {name: table for name, table in policy.tables.items() if not table.derived}
    found = [Drift("new_table", name) for name in schema if name not in sources and name not in policy.never_extracted]
    for name, table in sources.items():
        if name not in schema:
            found.append(Drift("missing_table", name))
            continue
        found += _columns(name, table, schema[name])
    return [*found, *_for_rights(policy, schema)]


def _for_rights(policy: Policy, schema: Schema) -> Iterator[Drift]:
    """Tell what is missing of the source's own tables of requests and holds, which no table of the policy names."""
    for part, table in (("requests.table", policy.requests.table), ("holds", policy.holds)):
        if table and table.source not in schema:
            yield Drift("missing_table", table.source, named_by=part)
        elif table:
            for column in dict.fromkeys(table.columns):
                if column not in schema[table.source]:
                    yield Drift("missing_column", table.source, column, named_by=part)


def refuse_drift(policy: Policy, drift: list[Drift]) -> None:
    """Stop on any difference, each told."""
    if drift:
        error = DriftError("\n".join(item.told(policy.file) for item in drift))
        error.drift = [item.named for item in drift]
        raise error


def _columns(name: str, table: Table, present: Mapping[str, ColumnKind]) -> list[Drift]:
    declared = {table.source_of(column): spec.type for column, spec in table.columns.items()}
    known = declared.keys() | table.never_extracted.keys()
    found = [Drift("new_column", name, column, kind) for column, kind in present.items() if column not in known]
    found += [Drift("missing_column", name, column) for column in sorted(known) if column not in present]
    return found + [
        Drift("changed_type", name, column, present[column])
        for column, kind in declared.items()
        if column in present and not _readable(kind, present[column])
    ]


def _readable(declared: ColumnType, present: ColumnKind) -> bool:
    if present.family not in READABLE[declared.name] or present.family == _OTHER_CLOCK[bool(declared.clock)]:
        return False
    if declared.name != "decimal" or present.precision is None:
        return True
    return (present.precision, present.scale or 0) == (declared.precision, declared.scale)
