"""The part of a policy that is about marts: figures of closed months, which stay when the people behind them leave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from privacy.policy_parts import Name, Part, Reason

ColumnPath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$")]
"""A column of the mart's table, or of a row that it leads to: `order_id.placed_at` follows the reference `order_id`."""

MONTH, PEOPLE, WITHHELD = "month", "people", "withheld"
"""The columns that every mart has beside those that its policy names."""


class Sum(Part):
    """A sum over rows: of one column, or of the product of two."""

    kind: Literal["sum"]
    of: ColumnPath
    times: ColumnPath | None = None
    meaning: Reason

    @property
    def factors(self) -> tuple[str, ...]:
        """Name the columns that are multiplied in each row."""
        return (self.of, self.times) if self.times else (self.of,)


class Count(Part):
    """The number of rows."""

    kind: Literal["count"]
    meaning: Reason


class Mart(Part):
    """Figures by month and by what else rows have in common, each of at least so many people."""

    meaning: Reason
    source: Name = Field(alias="from")
    month_of: ColumnPath
    by: tuple[ColumnPath, ...] = Field(min_length=1)
    measures: dict[Name, Annotated[Sum | Count, Field(discriminator="kind")]] = Field(min_length=1)
    people: tuple[ColumnPath, ...] = Field(min_length=1)
    """Tokens that tell people apart; the first that is there counts."""
    minimum_cell: int = Field(ge=2)
    """Figures of fewer people than this are withheld."""
    most_of_one: float = Field(default=0.8, gt=0, lt=1)
    """Figures of which one person makes up more than this share are withheld."""

    @property
    def cells(self) -> dict[str, str]:
        """Give the columns by which figures are told apart within a month, with their paths."""
        return {last_of(path): path for path in self.by}

    def paths(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Give every path that the mart names, with its place."""
        yield ("month_of",), self.month_of
        for index, path in enumerate(self.by):
            yield ("by", index), path
        for name, measure in self.measures.items():
            if isinstance(measure, Sum):
                yield ("measures", name, "of"), measure.of
                if measure.times:
                    yield ("measures", name, "times"), measure.times
        for index, path in enumerate(self.people):
            yield ("people", index), path


def last_of(path: str) -> str:
    """Name the column at the end of a path."""
    return path.rsplit(".", 1)[-1]
