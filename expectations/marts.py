"""The promises that a mart must keep: how many people are behind a figure, and that what is withheld stays so."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal

from expectations.candidate import Owed
from privacy.mart_promises import (
    CountedWithin,
    MartPromise,
    MinimumCell,
    MonthsClosed,
    NoneWithheldAlone,
    OneRowPerCell,
    Withheld,
)
from privacy.marts import Cell
from privacy.policy import Policy
from privacy.policy_marts import MONTH, PEOPLE, WITHHELD, Count
from privacy.promises import NotNull, RowCount, SumEquals
from stores.quoting import identifier, literal


@dataclass(frozen=True)
class MartFacts:
    """What the run knows of a mart beside its rows."""

    cells: Collection[Cell]
    counted_now: Collection[datetime.date]
    """Months that were counted from the candidate."""
    rows: int
    """How many rows the candidate has of the mart's table."""


def owed_by_mart(policy: Policy, name: str, facts: MartFacts, open_from: datetime.date) -> Iterator[Owed]:
    """Give all promises of one mart."""
    mart, line = policy.marts[name], policy.line("marts", name)
    least = policy.line("marts", name, "minimum_cell")
    yield Owed(RowCount(rows=len(facts.cells)), None, line)
    yield Owed(MonthsClosed(open_from=open_from), MONTH, line)
    yield Owed(OneRowPerCell(columns=(MONTH, *mart.cells)), None, line)
    yield Owed(NotNull(), WITHHELD, line)
    yield Owed(MinimumCell(people=mart.minimum_cell), PEOPLE, least)
    yield Owed(Withheld(columns=(PEOPLE, *mart.measures)), WITHHELD, least)
    yield Owed(NoneWithheldAlone(), WITHHELD, least)
    for measure_name, measure in mart.measures.items():
        at = policy.line("marts", name, "measures", measure_name)
        total = sum((dict(cell.figures).get(measure_name, Decimal(0)) for cell in facts.cells), Decimal(0))
        yield Owed(SumEquals(total=total), measure_name, at)
        if isinstance(measure, Count):
            yield Owed(CountedWithin(months=tuple(facts.counted_now), rows=facts.rows), measure_name, at)


def mart_measure(promise: MartPromise, column: str, rows: str) -> str:
    """Give the aggregate that is 0 where a promise of a mart is kept."""
    match promise:
        case MonthsClosed():
            within = f"{column} <> date_trunc('month', {column})"
            return f"count(*) filter (where {column} is null or {column} >= {_day(promise.open_from)} or {within})"
        case MinimumCell():
            return f"count(*) filter (where {column} < {promise.people})"
        case Withheld(columns=columns):
            empty = " or ".join(f"({identifier(name)} is null) <> {column}" for name in columns)
            return f"count(*) filter (where {empty})"
        case NoneWithheldAlone():
            months = f"select {MONTH} from {rows} group by {MONTH} "
            months += f"having count(*) > 1 and count(*) filter (where {column}) = 1"
            return f"(select count(*) from ({months}) as months) + 0 * count(*)"
        case OneRowPerCell(columns=columns):
            return f"count(*) - count(distinct ({', '.join(map(identifier, columns))}))"
        case CountedWithin(months=months):
            among = ", ".join(map(_day, months)) or "null"
            return f"cast(coalesce(sum({column}) filter (where {MONTH} in ({among})), 0) > {promise.rows} as integer)"


def _day(day: datetime.date) -> str:
    return f"date {literal(day.isoformat())}"
