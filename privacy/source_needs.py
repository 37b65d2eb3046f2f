"""Until when rows of the source must stay because of each other: a parent until its last child may go, and a child that
shares its parent's time until that may go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from privacy.fates import Days
from privacy.source_clocks import NEVER


@dataclass(frozen=True)
class Link:
    """References of one table's rows to another's."""

    child: str
    parent: str
    positions: npt.NDArray[np.int32] = field(repr=False)
    """The parent row of each child row; -1 where there is none."""
    shares: bool = False
    """Whether the child stays as long as the parent, rather than only the parent as long as the child."""


def until_all_may_go(own: Mapping[str, Days], links: Sequence[Link], order: Sequence[str]) -> dict[str, Days]:
    """Give the last day on which each row must stay, all things considered; NEVER where none can be told.

    order: the tables as they are deleted from, children first. A row that is referred to from a table which comes no
    earlier (itself, one in a circle with it, one that is not among them) stays for good as far as can be told.
    """
    until = {name: days.copy() for name, days in own.items()}
    place = {name: at for at, name in enumerate(order)}
    for link in links:
        if place.get(link.child, len(order)) >= place[link.parent]:
            until[link.parent][link.positions[link.positions >= 0]] = NEVER
    changed = True
    while changed:
        changed = sum(_spread(until, link) for link in links if link.child in until) > 0
    return until


def _spread(until: dict[str, Days], link: Link) -> bool:
    """Let parents wait for children, and children that share their time for parents; tell whether any has to."""
    there = np.flatnonzero(link.positions >= 0)
    at, child, parent = link.positions[there], until[link.child], until[link.parent]
    needed = child[there] > parent[at]
    np.maximum.at(parent, at[needed], child[there[needed]])
    waiting = link.shares & (parent[at] > child[there])
    child[there[waiting]] = parent[at[waiting]]
    return bool(needed.any() or waiting.any())


def children_first(tables: Iterable[str], references: Iterable[tuple[str, str]]) -> list[str]:
    """Order tables so that each comes after those that refer to it, as far as there are no circles.

    references: pairs of a table and one that it refers to.
    """
    waiting = {name: set[str]() for name in tables}
    for child, parent in references:
        if child in waiting and parent in waiting and child != parent:
            waiting[parent].add(child)
    order: list[str] = []
    while waiting:
        free = [name for name, children in waiting.items() if not children & waiting.keys()]
        for name in free or [next(iter(waiting))]:
            order.append(name)
            del waiting[name]
    return order
