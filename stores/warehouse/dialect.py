"""What differs between databases in which a state stands beside the one that it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa


class Asked(Protocol):
    """A database that is asked, and told to do something."""

    def execute(self, sql: str) -> object:
        """Run a statement."""
        ...

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Give all rows of a query."""
        ...

    def column(self, sql: str) -> pa.Array:
        """Give the one column of a query; tokens as Arrow `uuid`."""
        ...

    def listed(self, name: str, rows: pa.Table) -> None:
        """Make a temporary table of rows, which this session alone sees."""
        ...

    def temporary(self, name: str, query: str) -> None:
        """Make a temporary table of what a query gives."""
        ...


@dataclass(frozen=True)
class Dialect:
    """Where tables stand, and the few words that are not the same in every database."""

    before: Mapping[str, str]
    """Of what is published now, the schemas in which it is read: `analytics`, `marts`, quarantine and index."""
    after: Mapping[str, str]
    """Of what is to be published, the schemas in which it is written."""
    row_id: str
    """What tells the rows of a table apart for as long as nothing changes in it."""
    sums: str
    """Two numbers made of all columns of the rows of `whole`, which do not depend on the order of rows."""
