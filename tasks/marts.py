"""Freeze the figures of closed months before the people behind them leave, and publish what is frozen.

A month is counted once, and the ledger keeps what came out: two publishes of one figure cannot be subtracted, so that
they tell nothing of who left in between.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

from expectations.candidate import Suites, TableFacts
from expectations.marts import MartFacts, owed_by_mart
from privacy.errors import PolicyError
from privacy.evidence import MartCounts
from privacy.fates import Fate
from privacy.marts import Cell, Counted, Months, first_open_month, may_be_shown
from privacy.policy import Policy
from privacy.policy_marts import Mart
from privacy.world import World, local_date
from stores.ledger import Ledger
from stores.warehouse import Marts
from tasks.comments import comments_on_mart


@dataclass(frozen=True)
class FrozenMarts:
    """The marts of one candidate."""

    policy: Policy
    open_from: datetime.date
    """The first month that is not over, on the real day."""
    from_published: list[Cell] = field(default_factory=list)
    from_staged: list[Cell] = field(default_factory=list)
    shown: Mapping[str, list[Cell]] = field(default_factory=dict)
    """All cells, by mart: those frozen before, and the new ones."""

    @property
    def new(self) -> list[Cell]:
        """Give what is to be frozen by this run."""
        return self.from_published + self.from_staged

    def counts(self) -> dict[str, MartCounts]:
        """Count what each mart shows."""
        months = _months(self.new)
        return {
            name: MartCounts(
                cells=len(cells),
                withheld=sum(cell.withheld for cell in cells),
                months=len({cell.month for cell in cells}),
                frozen_now=len(months.get(name, ())),
            )
            for name, cells in self.shown.items()
        }

    def suites(self, tables: Mapping[str, TableFacts]) -> Suites:
        """Give the promises of each mart; `tables` by source name."""
        counted = _months(self.from_staged)
        suites = {}
        for name, cells in self.shown.items():
            rows = tables[self.policy.marts[name].source].counts.fates[Fate.PUBLISHED]
            facts = MartFacts(cells, sorted(counted.get(name, ())), rows)
            suites[name] = list(owed_by_mart(self.policy, name, facts, self.open_from))
        return suites


def freeze_marts(marts: Marts, ledger: Ledger, world: World) -> FrozenMarts:
    """Count the closed months that are not frozen yet, and write all that are into the candidate.

    A month that was over when the source was read last is counted from what is published, which still holds those who
    leave now. Any other is counted from the candidate: what is published lacks the end of that month.
    """
    policy, done = world.policy, ledger.frozen.months()
    from_published = freeze_published(marts, ledger, policy, world.today, world.as_of)
    done = _together(done, _months(from_published))
    from_staged = marts.count_staged(policy, done, first_open_month(world.today, world.as_of))
    new, shown = from_published + from_staged, {}
    for name, mart in policy.marts.items():
        kept = ledger.frozen.cells(name)
        _refuse_other_columns(policy, name, kept)
        shown[name] = _still_shown(mart, [*kept, *(cell for cell in new if cell.mart == name)])
        marts.write(policy, name, shown[name], comments_on_mart(policy, name))
    return FrozenMarts(policy, first_open_month(world.today), from_published, from_staged, shown)


def kept_marts(ledger: Ledger, world: World) -> FrozenMarts:
    """Give the marts as they stay where no month waits to be frozen."""
    policy = world.policy
    shown = {name: _still_shown(mart, ledger.frozen.cells(name)) for name, mart in policy.marts.items()}
    return FrozenMarts(policy, first_open_month(world.today), shown=shown)


def freeze_published(
    marts: Marts, ledger: Ledger, policy: Policy, today: datetime.date, as_of: datetime.date
) -> list[Cell]:
    """Count, from what is published, the months that were over when its source was read and that are not frozen yet.

    Whoever takes rows out of what is published adds them to the ledger first; the next run publishes them. Nothing is
    counted from a warehouse that is not the ledger's last, or that is of a later day: rows may have left it already.
    """
    last, last_read = ledger.runs.last_published(), ledger.runs.last_published("refresh")
    if not policy.marts or not last or not last_read or last.as_of > as_of:
        return []
    open_from = first_open_month(local_date(last_read.started_at, policy.time_zone), last.as_of, today, as_of)
    return marts.count_published(policy, ledger.frozen.months(), open_from, last.run_id)


def _still_shown(mart: Mart, cells: list[Cell]) -> list[Cell]:
    """Withhold more of what is frozen where the policy has come to ask for more people; never less."""
    return may_be_shown(mart, map(Counted, cells))


def _refuse_other_columns(policy: Policy, name: str, cells: list[Cell]) -> None:
    mart = policy.marts[name]
    for cell in cells:
        of, figures = {column for column, _ in cell.of}, {measure for measure, _ in cell.figures}
        if of != mart.cells.keys() or not (cell.withheld or figures == mart.measures.keys()):
            raise PolicyError(
                f"{policy.file}:{policy.line('marts', name)}: marts.{name}: months are frozen with other columns than "
                "these, and are never counted again.\n"
                "  Put its by and measures back, or give the changed mart another name."
            )


def _months(cells: list[Cell]) -> Months:
    found: dict[str, set[datetime.date]] = {}
    for cell in cells:
        found.setdefault(cell.mart, set()).add(cell.month)
    return found


def _together(some: Months, more: Months) -> Months:
    return {name: {*some.get(name, ()), *more.get(name, ())} for name in {*some, *more}}
