"""What must be known of the source's rows to tell until when each stays: keys, events and references, no more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from privacy.column_types import ColumnType
from privacy.errors import PolicyError
from privacy.key_index import KeyIndex, as_keys, is_null
from privacy.policy import Policy
from privacy.policy_lint import ForeignKey
from privacy.policy_source import Minimum, NeverDeleted, NoMinimum
from privacy.retention_rules import ClockOf, KeepAtMost, Latest, others_of, own_of

Positions = npt.NDArray[np.int32]


class SourceRows:
    """The rows of one table: its columns in their declared types, by source name, and where each key stands."""

    def __init__(self, key: str, columns: Mapping[str, pa.Array]) -> None:
        self.columns = columns
        self.keys = columns[key]
        self._there = np.flatnonzero(~is_null(self.keys)).astype(np.int32)
        keys = as_keys(self.keys)[self._there]
        self._index = KeyIndex.of(keys)
        self.single = np.zeros(len(self.keys), np.bool_)
        """Which rows have a key that no other has, so that they can be told from all others."""
        _, first, times = np.unique(keys, return_index=True, return_counts=True)
        self.single[self._there[first[times == 1]]] = True

    def __len__(self) -> int:
        return len(self.keys)

    def positions(self, references: pa.Array) -> Positions:
        """Give the row that each value refers to, -1 where there is none."""
        found = self._index.positions(references)
        if not len(self._there):
            return np.full(len(found), -1, np.int32)
        return np.where(found < 0, -1, self._there[np.maximum(found, 0)]).astype(np.int32)


@dataclass(frozen=True, order=True)
class Reference:
    """A column of the source, by its name there, that refers to a table's primary key."""

    child: str
    column: str
    parent: str


def references(policy: Policy, foreign_keys: Iterable[ForeignKey]) -> list[Reference]:
    """Give all references to tables of the policy: those that it declares, and those that the source does."""
    found = set(_declared(policy))
    for child, column, parent, key in foreign_keys:
        if parent not in policy.tables or not policy.source or isinstance(policy.source.tables[parent], NeverDeleted):
            continue
        table = policy.tables[parent]
        if key != table.source_of(table.primary_key):
            raise PolicyError(
                f"{policy.file}:{policy.line('source', 'tables', parent)}: source.tables.{parent}: {child}.{column} "
                f"refers to {parent}.{key}, which is not its primary_key here, so that it cannot be told which rows "
                "are needed; say never_deleted: why."
            )
        found.add(Reference(child, column, parent))
    return sorted(found)


def _declared(policy: Policy) -> Iterator[Reference]:
    for name, table in policy.tables.items():
        for column, spec in table.columns.items():
            if spec.references and not table.derived and not policy.tables[spec.references].derived:
                yield Reference(name, table.source_of(column), spec.references)


def columns_wanted(policy: Policy, links: Iterable[Reference]) -> dict[str, dict[str, ColumnType]]:
    """Give the columns to be read of each source table: keys, the events of clocks, references."""
    wanted: defaultdict[str, dict[str, ColumnType]] = defaultdict(dict)

    def want(name: str, column: str) -> None:
        table = policy.tables[name]
        wanted[name][table.source_of(column)] = table.columns[column].type

    for name, table in policy.tables.items():
        if not table.derived:
            want(name, table.primary_key)
            for after in events_of_rule(policy, name):
                for event in own_of(after):
                    want(name, event)
                for other, event in others_of(after):
                    want(other, event)
    for link in links:
        parent = policy.tables[link.parent]
        wanted[link.child].setdefault(link.column, parent.columns[parent.primary_key].type)
    return dict(wanted)


def events_of_rule(policy: Policy, name: str) -> list[str | Latest]:
    """Give the events that start the clocks of a table in the source."""
    assert policy.source
    match policy.source.tables[name]:
        case Minimum(after=after, supplied=supplied):
            return [after, supplied] if supplied else [after]
        case NoMinimum(after=after) if after:
            return [after]
        case NoMinimum():
            retention = policy.tables[name].retention
            rule = retention.otherwise if isinstance(retention, ClockOf) else retention
            return [rule.after] if isinstance(rule, KeepAtMost) else []
        case _:
            return []
