"""Figures of closed months, counted from row-level tables in words that every database understands."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal
from typing import Protocol

import pyarrow as pa

from privacy.mart_columns import WHOLE_DIGITS, follow, links_of, mart_schema
from privacy.marts import Cell, Counted, Months, may_be_shown
from privacy.policy import Policy
from privacy.policy_marts import MONTH, PEOPLE, WITHHELD, Count, Mart, Sum
from stores.quoting import identifier, literal
from stores.warehouse.dialect import Asked


class Counting(Asked, Protocol):
    """A database in which figures are counted."""

    def understands(self, query: str) -> bool:
        """Tell whether the tables and columns of a query are there, of types that it can be asked of."""
        ...


def freeze(session: Counting, schema: str, policy: Policy, done: Months, open_from: datetime.date) -> list[Cell]:
    """Count the figures of all months before `open_from` that are not done, from the published tables in a schema.

    What may not be shown is withheld in what is given. Nothing is written. A mart whose columns are not there, because
    the tables were published by another policy, has no cells.
    """
    cells: list[Cell] = []
    for name, mart in policy.marts.items():
        steps = _steps(schema, policy, mart, done.get(name, ()), open_from)
        if session.understands(steps[0]):
            cells += may_be_shown(mart, _counted(session, steps, name, mart))
    return cells


def rows_of(policy: Policy, name: str, cells: Iterable[Cell]) -> pa.Table:
    """Give a mart's cells as the rows of its table."""
    schema = mart_schema(policy, policy.marts[name])
    rows = [
        {MONTH: cell.month, **dict(cell.of), **dict(cell.figures), PEOPLE: cell.people, WITHHELD: cell.withheld}
        for cell in cells
    ]
    columns = [pa.array([row.get(field.name) for row in rows]).cast(field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _counted(session: Asked, steps: tuple[str, str, str], name: str, mart: Mart) -> Iterator[Counted]:
    """Count in steps, a table for each: DuckDB spills one join or grouping at a time, but not all of them at once."""
    rows, by_person, cells = steps
    session.temporary("counted", rows)
    session.temporary("by_person", by_person)
    found = session.rows(cells)
    session.execute("drop table counted")
    session.execute("drop table by_person")
    for month, people, *values in found:
        of, amounts = values[: len(mart.by)], [Decimal(amount) for amount in values[len(mart.by) :]]
        totals, largest, absolute = amounts[::3], amounts[1::3], amounts[2::3]
        shares = [most / all_ for most, all_ in zip(largest, absolute, strict=True) if all_]
        cell = Cell(
            name, month, tuple(zip(mart.cells, of, strict=True)), people, tuple(zip(mart.measures, totals, strict=True))
        )
        yield Counted(cell, tuple(shares))


def _steps(
    schema: str, policy: Policy, mart: Mart, done: Collection[datetime.date], open_from: datetime.date
) -> tuple[str, str, str]:
    """Give the queries of rows, of rows added up by person, and of cells.

    A cell has its month, people and values; of each measure its total, the most that one person has of it, and what all
    have, signs apart.

    Rows that tell of nobody are nobody's among the people, and one person's in the shares: doubt withholds.
    """
    month = f"cast(date_trunc('month', {_column(mart.month_of)}) as date)"
    person = f"coalesce({', '.join(map(_column, mart.people))})"
    cells = [f"{_cell(policy, mart, path)} as c{n}" for n, path in enumerate(mart.by)]
    amounts = [f"{_amount(policy, mart, measure)} as m{n}" for n, measure in enumerate(mart.measures.values())]
    wanted = f"{month} < {_day(open_from)}"
    if done:  # by one look at them all: compared with each in turn, rows would take longer to leave out than to count
        wanted += f" and {month} not in ({', '.join(map(_day, sorted(done)))})"
    names = ", ".join(f"c{n}" for n in range(len(cells)))
    by_person = ", ".join(f"coalesce(sum(m{n}), 0) as m{n}" for n in range(len(amounts)))
    figures = ", ".join(f"sum(m{n}), max(abs(m{n})), sum(abs(m{n}))" for n in range(len(amounts)))
    joined = _joined(schema, policy, mart)
    return (
        f"select {month} as month, {person} as person, {', '.join([*cells, *amounts])} from {joined} where {wanted}",
        f"select month, {names}, person, {by_person} from counted group by month, {names}, person",
        f"select month, count(person), {names}, {figures} from by_person group by month, {names}",
    )


def _joined(schema: str, policy: Policy, mart: Mart) -> str:
    """Give the mart's table with those that its paths lead to; a row that leads nowhere has no value there."""
    tables = [f"{schema}.{identifier(policy.tables[mart.source].publish_as)} as {_row('')}"]
    for begin, link, target in links_of(policy, mart):
        end = _row(f"{begin}.{link}" if begin else link)
        on = f"{_row(begin)}.{identifier(link)} = {end}.{identifier(target.primary_key)}"
        tables.append(f"left join {schema}.{identifier(target.publish_as)} as {end} on {on}")
    return " ".join(tables)


def _row(links: str) -> str:
    """Name the row that some references lead to; none lead to the mart's own."""
    return identifier(f"row.{links}")


def _column(path: str) -> str:
    links, _, name = path.rpartition(".")
    return f"{_row(links)}.{identifier(name)}"


def _cell(policy: Policy, mart: Mart, path: str) -> str:
    is_date = pa.types.is_date(follow(policy, mart, path).published(policy))
    return f"cast({_column(path)} as varchar)" if is_date else _column(path)


def _amount(policy: Policy, mart: Mart, measure: Sum | Count) -> str:
    """Give what a row adds to a measure; whole numbers are multiplied as decimals, which are wider."""
    if isinstance(measure, Count):
        return "1"
    whole = {path: pa.types.is_integer(follow(policy, mart, path).published(policy)) for path in measure.factors}
    factors = (f"cast({_column(p)} as decimal({WHOLE_DIGITS}, 0))" if whole[p] else _column(p) for p in measure.factors)
    return " * ".join(factors)


def _day(day: datetime.date) -> str:
    return f"date {literal(day.isoformat())}"
