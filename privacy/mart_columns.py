"""The columns of marts: what their paths lead to, and what they are published as."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa

from privacy.policy import Column, Policy, Table
from privacy.policy_marts import MONTH, PEOPLE, WITHHELD, Count, Mart, Sum

MOST_DIGITS = 38
"""Of an exact number in a warehouse."""

WHOLE_DIGITS = 19
"""Of a whole number."""


class Found(NamedTuple):
    """A published column, and the table that has it."""

    table: Table
    name: str

    @property
    def column(self) -> Column:
        """Give the column."""
        return self.table.columns[self.name]

    def published(self, policy: Policy) -> pa.DataType:
        """Give the type that it is published as."""
        return self.column.treatment.gives(self.column.type, policy.time_zone)


def follow(policy: Policy, mart: Mart, path: str) -> Found:
    """Follow a path that leads somewhere to the published column that it names."""
    *links, name = path.split(".")
    return Found(_at(policy, mart, links), name)


def links_of(policy: Policy, mart: Mart) -> Iterator[tuple[str, str, Table]]:
    """Give every reference that the mart's paths follow, once: where it begins, its column, the table it leads to."""
    seen: set[tuple[str, ...]] = {()}
    for _, path in mart.paths():
        links = path.split(".")[:-1]
        for end in range(1, len(links) + 1):
            if (so_far := tuple(links[:end])) not in seen:
                seen.add(so_far)
                yield ".".join(so_far[:-1]), so_far[-1], _at(policy, mart, links[:end])


def mart_schema(policy: Policy, mart: Mart) -> pa.Schema:
    """Give the columns of a mart in the warehouse, with their types."""
    cells = {name: follow(policy, mart, path).published(policy) for name, path in mart.cells.items()}
    measures = {name: _of_measure(policy, mart, measure) for name, measure in mart.measures.items()}
    return pa.schema({MONTH: pa.date32(), **cells, **measures, PEOPLE: pa.int64(), WITHHELD: pa.bool_()})


def digits(published: pa.DataType) -> tuple[int, int]:
    """Give how many digits an exact number has at most, and how many of them behind the point."""
    if pa.types.is_decimal(published):
        return published.precision, published.scale
    return WHOLE_DIGITS, 0


def _of_measure(policy: Policy, mart: Mart, measure: Sum | Count) -> pa.DataType:
    if isinstance(measure, Count):
        return pa.int64()
    factors = [follow(policy, mart, path).published(policy) for path in measure.factors]
    return pa.decimal128(MOST_DIGITS, sum(digits(of)[1] for of in factors))


def _at(policy: Policy, mart: Mart, links: list[str]) -> Table:
    table = policy.tables[mart.source]
    for link in links:
        table = policy.tables[table.columns[link].references or ""]
    return table
