"""The rules of a policy's section on the source: every table has its rule there, and every rule what it needs."""

from __future__ import annotations

from collections.abc import Iterator

from privacy.event_rules import broken_events
from privacy.policy import Policy
from privacy.policy_parts import Broken
from privacy.policy_source import Minimum, NeverDeleted, NoMinimum, SourceRules, WithParent
from privacy.retention_rules import Via


def source_rules(policy: Policy) -> Iterator[Broken]:
    """Give every rule on the source that the policy breaks."""
    if policy.source is None:
        return
    for name, table in policy.tables.items():
        if not table.derived and name not in policy.source.tables:
            told = f"has no rule for {name}; say how long its rows stay in the source, or never_deleted: why"
            yield ("source", "tables"), told
    for name in policy.source.tables:
        at = ("source", "tables", name)
        if name not in policy.tables:
            yield at, "names a table that the policy does not have"
        elif policy.tables[name].derived:
            yield at, "names a derived table, which the source does not have"
        else:
            for path, message in _table(policy, policy.source, name):
                yield (*at, *path), message
    for name in policy.source.periods:
        if name not in {rule.period for rule in policy.source.tables.values() if isinstance(rule, Minimum)}:
            yield ("source", "periods", name), "is the period of no table; name it at one, or take it out"


def _table(policy: Policy, source: SourceRules, name: str) -> Iterator[Broken]:
    match source.tables[name]:
        case Minimum() as rule:
            if rule.period not in source.periods:
                yield ("period",), "is not among the periods of the source; declare it there"
            yield from broken_events(policy, name, rule.after, ("after",), in_source=True)
            if rule.supplied:
                yield from broken_events(policy, name, rule.supplied, ("supplied",), in_source=True)
        case NoMinimum() as rule:
            yield from _no_minimum(policy, name, rule)
        case WithParent() as rule:
            columns = policy.tables[name].columns
            if rule.via not in columns or not columns[rule.via].references:
                yield ("via",), f"{rule.via} is not a column with references: …"
        case NeverDeleted():
            pass


def _no_minimum(policy: Policy, name: str, rule: NoMinimum) -> Iterator[Broken]:
    if (rule.keep_at_most is None) != (rule.after is None):
        yield (), "has one of keep_at_most and after; give both, or neither for the warehouse's own rule"
    elif rule.after:
        yield from broken_events(policy, name, rule.after, ("after",), in_source=True)
    elif isinstance(policy.tables[name].retention, Via):
        yield (), "shares its parent's clock in the warehouse; write via: … here too, so that it stays with it"
