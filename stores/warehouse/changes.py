"""Changing a published state where it stands: the protocol, for warehouses that can."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from stores.warehouse import Grouped, Sealable

if TYPE_CHECKING:
    from privacy.policy import Derived


@dataclass(frozen=True)
class Standing:
    """How many rows of a table will be published, and how many set aside; of a derived table, groups."""

    published: int
    set_aside: int


class Changes(Sealable, Protocol):
    """What some rows of the published tables will be replaced by; all others stay as they are.

    Every table of the policy is to be replaced (`replace` or `replace_groups`, then `quarantine`), if by nothing: the
    gate asks each what it owes. Keys are Arrow `uuid` where they are tokens, and else what is published.
    """

    def outcomes(self, table: str, keys: pa.Array | None = None) -> pa.Table:
        """Tell what became of rows: `key`, `expires_on` (date32, NULL where no clock runs) and `set_aside` (bool).

        Of rows that are neither published nor set aside there is no line. Without keys, it is told of all rows.
        """
        ...

    def keys(self, table: str) -> pa.Array:
        """Give the keys of all rows that are published or set aside, each once."""
        ...

    def referring(self, table: str, column: str, keys: pa.Array) -> pa.Array:
        """Give the keys of rows, published or set aside, whose reference in a column is one of `keys`, each once."""
        ...

    def replace(
        self, table: str, leaving: pa.Array, schema: pa.Schema, batches: Iterator[pa.RecordBatch], rows: int, key: str
    ) -> None:
        """Let the rows with these keys leave (published, indexed, set aside), and treated ones come.

        `leaving` may name rows that are not there, and names all that come if they are: a key that would stand twice
        breaks a promise. The rest is as in `Candidate.stage`.
        """
        ...

    def replace_groups(self, table: str, leaving: pa.Array, batches: pa.RecordBatchReader, derived: Derived) -> Grouped:
        """Let the groups with these keys leave a derived table; make anew those that rows are given of, all of them."""
        ...

    def quarantine(self, table: str, rows: pa.Table) -> None:
        """Set rows aside, as in `Candidate.quarantine`; of groups it has been done."""
        ...

    def standing(self, table: str) -> Standing:
        """Count the rows of a table as it will be, once it was replaced."""
        ...
