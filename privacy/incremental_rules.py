"""The rules of incremental runs: what a policy must say for them, and which tables they decide wholly."""

from __future__ import annotations

from collections.abc import Iterator

from privacy.policy import Policy, Table
from privacy.policy_parts import Broken
from privacy.retention_rules import ClockOf, KeepAtMost
from privacy.subjects import identifiers_of
from privacy.treatments import Keep, Pseudonymize, Synthesize

KEY_TYPES = ("integer", "text")
"""Types of keys by which single rows are read again, and their published selves found."""


def incremental_rules(policy: Policy) -> Iterator[Broken]:
    """Give what is missing for incremental runs, where a policy wants them."""
    if policy.incremental is None:
        for name, table in policy.tables.items():
            if table.changed:
                yield ("tables", name, "changed"), "is of use with incremental: … only; declare that at the top"
        return
    for name, table in policy.tables.items():
        for path, what in _of_derived(table) if table.derived else _of_table(policy, name):
            yield ("tables", name, *path), what


def decided_wholly(policy: Policy) -> frozenset[str]:
    """Name the tables of which an incremental run decides every row, and treats those that come out differently.

    The clock of a row may be started, or set back, by rows elsewhere that moved or are gone; the token of a person's
    own key may be of a later generation; and what such tables refer to must be known of every row, too.
    """
    whole = {name for name, table in policy.tables.items() if not table.derived and _needs_all(table)}
    for name, _ in reversed([*policy.in_order()]):
        if name in whole:
            whole.update(target for target in policy.targets(name) if not policy.tables[target].derived)
    return frozenset(whole)


def own_clock(table: Table) -> KeepAtMost | None:
    """Give the rule by which rows of a table run a clock of their own, if some do."""
    rule = table.retention.otherwise if isinstance(table.retention, ClockOf) else table.retention
    return rule if isinstance(rule, KeepAtMost) else None


def _needs_all(table: Table) -> bool:
    rule = own_clock(table)
    of_people = table.source_of(table.primary_key) in identifiers_of(table).values()
    return of_people or bool(rule and rule.other_events)


def _of_table(policy: Policy, name: str) -> Iterator[Broken]:
    table, changed = policy.tables[name], policy.changed(name)
    at = ("changed",) if table.changed else ()
    if changed is None:
        yield at, "names no column that tells when a row was written; add changed: …, or incremental.changed"
    elif changed not in {*table.never_extracted, *map(table.source_of, table.columns)}:
        yield at, f"has no column {changed}, which would tell when a row was written; name its own with changed: …"
    key = table.columns.get(table.primary_key)
    if key and not (isinstance(key.treatment, Keep | Pseudonymize) and key.type.name in KEY_TYPES):
        yield ("primary_key",), "is no integer or text that is kept or pseudonymized, as incremental runs need it"
    for column, spec in table.columns.items():
        if isinstance(spec.treatment, Synthesize) and spec.treatment.looks_ahead:
            yield (
                ("columns", column, "treatment"),
                "must know all values that occur before it invents one, so that no run can be incremental; leave out "
                "incremental: …, or choose another treatment",
            )


def _of_derived(table: Table) -> Iterator[Broken]:
    if table.changed:
        yield ("changed",), "is told by the table that it is derived from; leave it out"
    rule = own_clock(table)
    if any(column.references for column in table.columns.values()) or (rule and rule.other_events):
        yield (), "is derived and refers to other tables, or they start its clock, so that no run can be incremental"
