"""Figures of marts: which of them are withheld, and how the ledger keeps them. No rows of people in here."""

from __future__ import annotations

import datetime
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from privacy.policy_marts import PEOPLE, WITHHELD, Mart

Value = str | int | bool | None
"""What a column by which figures are told apart may hold; dates are written as ISO 8601 has them."""

Months = Mapping[str, Collection[datetime.date]]
"""Months by mart, each by its first day."""


@dataclass(frozen=True)
class Cell:
    """The figures of one mart, month and combination of values; empty where they are withheld."""

    mart: str
    month: datetime.date
    of: tuple[tuple[str, Value], ...]
    """The columns by which figures are told apart, with their values."""
    people: int | None
    figures: tuple[tuple[str, Decimal], ...]
    """By measure."""

    @property
    def withheld(self) -> bool:
        """Whether the figures are withheld."""
        return self.people is None

    def hidden(self) -> Cell:
        """Give the cell without its figures."""
        return Cell(self.mart, self.month, self.of, None, ())

    def key_text(self) -> str:
        """Write what the figures are of as canonical JSON."""
        return _canonical(dict(self.of))

    def figures_text(self) -> str:
        """Write the figures as canonical JSON: numbers as text, exactly; nothing of those that are withheld."""
        if self.withheld:
            return _canonical({WITHHELD: True})
        return _canonical({PEOPLE: self.people, **{name: f"{figure:f}" for name, figure in self.figures}})

    @classmethod
    def from_text(cls, mart: str, month: datetime.date, key: str, figures: str) -> Cell:
        """Read what the two above wrote."""
        read = json.loads(figures)
        people = read.pop(PEOPLE, None)
        exact = tuple((name, Decimal(figure)) for name, figure in read.items() if people is not None)
        return cls(mart, month, tuple(json.loads(key).items()), people, exact)


@dataclass(frozen=True)
class Counted:
    """A cell as it was counted, before it is decided whether it may be shown."""

    cell: Cell
    shares: tuple[Decimal, ...] = ()
    """Of each measure, the largest share that one person has of it."""

    def shows_people(self, mart: Mart) -> bool:
        """Tell whether the figures would say too much of few people, or of one."""
        few = self.cell.people is None or self.cell.people < mart.minimum_cell
        return few or any(share > Decimal(str(mart.most_of_one)) for share in self.shares)


def may_be_shown(mart: Mart, counted: Iterable[Counted]) -> list[Cell]:
    """Withhold what would show people: too few, or one who dominates; and never a single cell of several in a month.

    What one withheld cell hides would follow from a total known from elsewhere, so that the smallest of the others is
    withheld with it.
    """
    ordered = sorted(counted, key=lambda one: (one.cell.month, one.cell.key_text()))
    return [cell for _, month in groupby(ordered, key=lambda one: one.cell.month) for cell in _of_month(mart, [*month])]


def _of_month(mart: Mart, month: list[Counted]) -> Iterator[Cell]:
    withheld = {one.cell for one in month if one.shows_people(mart)}
    others = [one.cell for one in month if one.cell not in withheld]
    if len(withheld) == 1 and others:
        withheld.add(min(others, key=lambda cell: (cell.people, cell.key_text())))
    for one in month:
        yield one.cell.hidden() if one.cell in withheld else one.cell


def first_open_month(*days: datetime.date) -> datetime.date:
    """Give the first day of the earliest month among some days: all months before it are closed on each of them."""
    return min(days).replace(day=1)


def _canonical(what: Mapping[str, object]) -> str:
    return json.dumps(what, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
