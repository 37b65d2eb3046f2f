"""Until when the rows of the source stay: by their own rule first, then all rows that need each other considered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from privacy.fates import Days
from privacy.key_index import Mask
from privacy.policy import Policy
from privacy.policy_source import CountedFrom, Minimum, NeverDeleted, NoMinimum, WithParent
from privacy.retention import NO_EVENT, local_days
from privacy.retention_rules import ClockOf, Duration, KeepAtMost, Latest, others_of, own_of
from privacy.source_clocks import NEVER, last_day_kept, last_of
from privacy.source_needs import Link, children_first, until_all_may_go
from privacy.source_rows import Positions, Reference, SourceRows

LONGEST = Duration.parse("10 years")
"""How many calendar years the one-stop-shop scheme asks for (EU regulation 282/2011, Article 63c): what is planned with
while nobody has said whether the shop uses it."""


@dataclass(frozen=True)
class Stay:
    """Until when the rows of a table stay, in days; NEVER where no day can be told."""

    own: Days = field(repr=False)
    """By their own rule alone."""
    until: Days = field(repr=False)
    """All things considered."""


class SourceRetention:
    """Works out until when each row of the source stays.

    rows: the tables of the policy. outside: by table that the policy does not treat, its columns that refer to others.
    """

    def __init__(
        self,
        policy: Policy,
        rows: Mapping[str, SourceRows],
        links: Iterable[Reference],
        outside: Mapping[Reference, Positions],
    ) -> None:
        assert policy.source
        self._policy, self._source, self._rows = policy, policy.source, rows
        self._outside = outside
        self._positions = {
            link: rows[link.parent].positions(rows[link.child].columns[link.column])
            for link in links
            if link.child in rows
        }
        self._own: dict[str, Days] = {}
        for name, table in policy.in_order():
            if not table.derived:
                self._own[name] = np.where(rows[name].single, self._by_rule(name), NEVER).astype(np.int32)

    @property
    def order(self) -> list[str]:
        """Give the tables in the order in which they are deleted from: children first."""
        return children_first(self._rows, ((link.child, link.parent) for link in self._positions))

    def stays(self, protected: Mapping[str, Mask]) -> dict[str, Stay]:
        """Tell of each table until when its rows stay; protected rows stay for good, as far as can be told."""
        own = {name: np.where(protected[name], NEVER, days).astype(np.int32) for name, days in self._own.items()}
        links = [
            Link(link.child, link.parent, positions, self._shares(link))
            for link, positions in {**self._positions, **self._outside}.items()
        ]
        until = until_all_may_go(own, links, self.order)
        return {name: Stay(self._own[name], until[name]) for name in own}

    def parents(self, name: str, column: str) -> Positions:
        """Give the row that each row of a table refers to by a column of the policy."""
        table = self._policy.tables[name]
        parent = str(table.columns[column].references)
        return self._positions[Reference(name, table.source_of(column), parent)]

    def _shares(self, link: Reference) -> bool:
        rule = self._source.tables.get(link.child)
        if not isinstance(rule, WithParent):
            return False
        return self._policy.tables[link.child].source_of(rule.via) == link.column

    def _by_rule(self, name: str) -> Days:
        match self._source.tables[name]:
            case NeverDeleted():
                return self._never(name)
            case WithParent(via=via):
                return self._of_parent(name, via)
            case Minimum() as rule:
                period = self._source.periods[rule.period]
                days = self._after(name, rule.after, period.keep_at_least, period.counted_from)
                return np.maximum(days, self._one_stop_shop(name, rule))
            case NoMinimum(keep_at_most=period, after=after) if period and after:
                return self._after(name, after, period)
            case NoMinimum():
                return self._as_in_warehouse(name)

    def _one_stop_shop(self, name: str, rule: Minimum) -> Days:
        answer = self._source.one_stop_shop
        if rule.supplied is None or answer == "no":
            return np.full(len(self._rows[name]), NO_EVENT, np.int32)
        years = answer if isinstance(answer, Duration) else LONGEST
        return self._after(name, rule.supplied, years, "end_of_calendar_year")

    def _as_in_warehouse(self, name: str) -> Days:
        match self._policy.tables[name].retention:
            case KeepAtMost() as rule:
                return self._after(name, rule.after, rule.keep_at_most)
            case ClockOf() as rule:
                linked = [self.parents(name, column) for column in rule.clock_of]
                clocks = [self._of_parent(name, column) for column in rule.clock_of]
                filled = [self._filled(name, column) for column in rule.clock_of]
                own = self._after(name, rule.otherwise.after, rule.otherwise.keep_at_most)
                orphan = np.logical_or.reduce([(at < 0) & there for at, there in zip(linked, filled, strict=True)])
                first = np.where(orphan, NEVER, np.minimum.reduce(clocks))
                return np.where(np.logical_or.reduce(filled), first, own).astype(np.int32)
            case _:
                return self._never(name)

    def _filled(self, name: str, column: str) -> Mask:
        references = self._rows[name].columns[self._policy.tables[name].source_of(column)]
        filled: Mask = references.is_valid().to_numpy(zero_copy_only=False)
        return filled

    def _of_parent(self, name: str, column: str) -> Days:
        """Give the parent's own last day, NEVER for a row without a parent."""
        at = self.parents(name, column)
        days = self._own[str(self._policy.tables[name].columns[column].references)]
        return np.where(at < 0, NEVER, days[at] if len(days) else NEVER).astype(np.int32)

    def _never(self, name: str) -> Days:
        return np.full(len(self._rows[name]), NEVER, np.int32)

    def _after(self, name: str, after: str | Latest, period: Duration, counted_from: CountedFrom = "event") -> Days:
        return last_day_kept(self._events(name, after), period, counted_from, self._policy.fiscal_year.first_month)

    def _events(self, name: str, after: str | Latest) -> Days:
        """Give the last event of each row; one that has not happened, here or in a referring row, leaves it open."""
        own = [self._days(name, event) for event in own_of(after)]
        events = [last_of(own)] if own else []
        for other, event in others_of(after):
            latest = np.full(len(self._rows[name]), NO_EVENT, np.int32)
            days = self._days(other, event)
            days = np.where(days == NO_EVENT, NEVER, days)
            for link, at in self._positions.items():
                if (link.child, link.parent) == (other, name):
                    np.maximum.at(latest, at[at >= 0], days[at >= 0])
            events.append(latest)
        last: Days = np.maximum.reduce(events)
        return last

    def _days(self, name: str, event: str) -> Days:
        return local_days(self._rows[name].columns[self._policy.tables[name].source_of(event)])
