"""Frozen figures in the ledger, which is their system of record: added once, never changed."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable

import sqlalchemy as sa

from privacy.marts import Cell, Months
from stores.ledger.access import reading, writing
from stores.ledger.schema import FROZEN


class Frozen:
    """Figures of closed months: anonymous statistics, which stay when the people behind them leave."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def months(self) -> Months:
        """Give the months that are frozen, by mart."""
        with reading(self._engine) as connection:
            return _months(connection)

    def cells(self, mart: str) -> list[Cell]:
        """Give all cells of a mart, in the order of months."""
        columns = [FROZEN.c.month, FROZEN.c.cell, FROZEN.c.figures]
        query = sa.select(*columns).where(FROZEN.c.mart == mart).order_by(FROZEN.c.month, FROZEN.c.cell)
        with reading(self._engine) as connection:
            return [Cell.from_text(mart, *row) for row in connection.execute(query)]

    def add(self, cells: Iterable[Cell], run_id: str, now: datetime.datetime) -> None:
        """Freeze months: all their cells at once. Those of a month that is frozen already are left as they are."""
        with writing(self._engine) as connection:
            done = _months(connection)
            rows = [
                {
                    "mart": cell.mart,
                    "month": cell.month,
                    "cell": cell.key_text(),
                    "figures": cell.figures_text(),
                    "run_id": run_id,
                    "frozen_at": now,
                }
                for cell in cells
                if cell.month not in done[cell.mart]
            ]
            if rows:
                connection.execute(sa.insert(FROZEN), rows)


def _months(connection: sa.Connection) -> defaultdict[str, set[datetime.date]]:
    found: defaultdict[str, set[datetime.date]] = defaultdict(set)
    for mart, month in connection.execute(sa.select(FROZEN.c.mart, FROZEN.c.month).distinct()):
        found[mart].add(month)
    return found
