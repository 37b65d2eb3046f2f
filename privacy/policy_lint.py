"""Joins that a policy breaks, or opens between purposes: things that are allowed and deserve a second look.

A finding must be worth an officer's time. An end that is suppressed or never extracted is a decision, and so are two
ends made coarser; elsewhere `because` says that it is meant. Where A joins B and B joins C, A and C meet as well: only
the direct joins are told, for with their reasons the others have one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

from privacy.policy import Column, Policy
from privacy.treatments import Keep, Pseudonymize
from privacy.treatments.domains import DomainTreatment

ForeignKey = tuple[str, str, str, str]
"""A table and column of the source, and the table and column that they refer to there."""


@dataclass(frozen=True)
class End:
    """One end of a join: a column that is read and published, by the policy's names."""

    table: str
    name: str
    column: Column

    def __str__(self) -> str:
        return f"{self.table}.{self.name}"

    @property
    def domain(self) -> str | None:
        """Name the domain within which equal values point at one subject, if there is one."""
        treatment = self.column.treatment
        points = isinstance(treatment, Pseudonymize) or treatment.tells_subject
        return treatment.domain if isinstance(treatment, DomainTreatment) and points else None

    @property
    def tells_apart(self) -> bool:
        """Whether values that differ still do, so that it can be joined by."""
        return isinstance(self.column.treatment, Keep | Pseudonymize)

    @property
    def treated(self) -> str:
        """Say how it is treated, in two or three words."""
        return f"domain {self.domain}" if self.domain else self.column.treatment.kind

    def joins(self, other: End) -> bool:
        """Whether equal values of both are equal once treated, and unequal ones are not."""
        return self.tells_apart and self.column.treatment == other.column.treatment


@dataclass(frozen=True)
class Join:
    """A join that a policy breaks or opens, told at its first end: `what`, and the way out."""

    kind: Literal["breaks_join", "opens_join"]
    end: End
    other: End
    what: str

    @property
    def path(self) -> tuple[str, ...]:
        """Give the place in the policy at which it is told."""
        return ("tables", self.end.table, "columns", self.end.name)


def lint(policy: Policy, foreign_keys: Iterable[ForeignKey]) -> Iterator[Join]:
    """Give the joins that are broken or opened."""
    for link in dict.fromkeys([*foreign_keys, *_namesakes(policy)]):
        yield from _broken(policy, *link)
    yield from _opened(policy)


def _namesakes(policy: Policy) -> Iterator[ForeignKey]:
    """Give tokens that bear the name of one table's tokenised key: many sources declare no foreign keys."""
    owners: dict[str, list[str]] = defaultdict(list)
    tokens = [(end, policy.tables[end.table].source_of(end.name)) for end in _keyed(policy) if end.tells_apart]
    for end, source in tokens:
        if _is_key(policy, end) and not policy.tables[end.table].derived:
            owners[source].append(end.table)
    for end, source in tokens:
        if not _is_key(policy, end) and len(owners[source]) == 1:
            yield end.table, source, owners[source][0], source


def _broken(policy: Policy, table: str, source: str, other_table: str, other_source: str) -> Iterator[Join]:
    pairs = list(product(_published(policy, table, source), _published(policy, other_table, other_source)))
    joined = [(end, other) for end, other in pairs if end.joins(other)]
    if joined and not any(end.column.references for end, _ in pairs):
        yield from _unreferenced(policy, *joined[0])
    apart = not joined and any(end.tells_apart or other.tells_apart for end, other in pairs)
    if apart and not any(end.column.because and not end.column.kept for end, _ in pairs):
        yield _apart(policy, *pairs[0])


def _apart(policy: Policy, end: End, other: End) -> Join:
    alike = f"references: {other.table}" if _is_key(policy, other) else "the same treatment"
    meant = "" if end.column.kept else ", or add because: … where that is meant"
    return Join(
        "breaks_join",
        end,
        other,
        f"belongs to {other} by a foreign key or its name, and does not join it once treated "
        f"({end.treated}; there {other.treated}); "
        f"give it {alike}, suppress it{meant}",
    )


def _unreferenced(policy: Policy, end: End, other: End) -> Iterator[Join]:
    """Tell a token that no references: … empties where the row that it leads to is not published."""
    if not _is_key(policy, other) or _leads_to(policy, other.table, end.table):
        return
    yield Join(
        "breaks_join",
        end,
        other,
        f"belongs to {other} by a foreign key or its name, and stays when that row is not published; "
        f"add references: {other.table}",
    )


def _opened(policy: Policy) -> Iterator[Join]:
    """Tell what leaves the purpose of the table whose key it is (of the first table, where it is no key)."""
    domains: dict[str | None, list[End]] = defaultdict(list)
    for end in _keyed(policy):
        domains[end.domain].append(end)
    for domain, ends in domains.items():
        home = next((end for end in ends if _is_key(policy, end) and not end.column.references), ends[0])
        for end in ends:
            here, there = policy.tables[end.table].purpose, policy.tables[home.table].purpose
            personal = {end.column.role, home.column.role} != {"non_personal"}
            if here != there and personal and not end.column.because:
                what = (
                    f"joins {home} by the domain {domain}, across purposes (here {here}, there {there}), "
                    "and gives no reason; add because: …, or choose a domain of its own"
                )
                yield Join("opens_join", end, home, what)


def _keyed(policy: Policy) -> Iterator[End]:
    for name, table in policy.tables.items():
        ends = (End(name, column, spec) for column, spec in table.columns.items())
        yield from (end for end in ends if end.domain)


def _published(policy: Policy, name: str, source: str) -> list[End]:
    """Give what is read and published of a source column."""
    table = policy.tables.get(name)
    if table is None or table.derived:
        return []
    named = [End(name, column, spec) for column, spec in table.columns.items() if table.source_of(column) == source]
    return [end for end in named if end.column.extracted]


def _is_key(policy: Policy, end: End) -> bool:
    return end.name == policy.tables[end.table].primary_key


def _leads_to(policy: Policy, start: str, goal: str) -> bool:
    """Whether references lead from one table to another; a reference back would close a circle, which is refused."""
    return start == goal or any(_leads_to(policy, target, goal) for target in policy.targets(start))
