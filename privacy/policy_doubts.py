"""What a careful officer would ask about a policy that is valid: few things, each with a way to settle it."""

from __future__ import annotations

from collections.abc import Iterator

from privacy.policy import Policy, Table
from privacy.policy_parts import Broken
from privacy.retention_rules import Unlimited


def doubts(policy: Policy) -> Iterator[Broken]:
    """Give what is doubtful, and where."""
    for name, table in policy.tables.items():
        for path, what in _of_table(table):
            yield ("tables", name, *path), what


def _of_table(table: Table) -> Iterator[Broken]:
    personal = [name for name, column in table.columns.items() if column.extracted and column.role != "non_personal"]
    if not table.recipients:
        yield (), "names no recipients; say who gets these data (GDPR Article 30(1)(d))"
    if personal and not (table.subject.found_by or table.subject.via):
        yield (
            ("subject",),
            f"finds nobody, although {', '.join(personal)} tell of people by their role; add found_by or via, "
            "or what is asked for cannot be looked up or erased",
        )
    if personal and isinstance(table.retention, Unlimited):
        yield ("retention",), f"has no limit, although {', '.join(personal)} tell of people by their role; add a period"
    for name, column in table.columns.items():
        if column.kept and column.role == "direct_identifier":
            yield (
                ("columns", name),
                "publishes a direct identifier as it is; pseudonymize it, mask it, or mend its role",
            )
