"""A derived table: one row per key of those treated rows that may be published. The statements, for any database."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pyarrow as pa

from privacy.fates import Fate
from privacy.policy import Derived
from privacy.subjects import INDEX_COLUMNS
from privacy.treat import EXPIRES_ON, FATE, REASON
from stores.quoting import identifier
from stores.warehouse import Grouped
from stores.warehouse.catalogue import Ask

Least = Callable[[pa.Field], str]
"""The least value of a column, where a database has no `min` of its type; NULL where all are NULL."""


def least(field: pa.Field) -> str:
    """Give the least value of a column of any type."""
    return f"min({identifier(field.name)})"


class Groups:
    """What becomes of treated rows that have a key, in a table `rows` with the columns of `schema`."""

    def __init__(self, rows: str, fates: str, schema: pa.Schema, derived: Derived, least: Least = least) -> None:
        self._rows, self._fates, self._schema, self._least = rows, fates, schema, least
        self._derived = derived
        self.key = identifier(derived.one_row_per)
        of_the_row = (derived.one_row_per, EXPIRES_ON, FATE, REASON, *INDEX_COLUMNS)
        self._columns = [field for field in schema if field.name not in of_the_row]
        self._grouped = f"from {rows} where {FATE} = {Fate.PUBLISHED:d} group by {self.key} order by {self.key}"

    @property
    def names(self) -> list[str]:
        """Name the columns that are published."""
        return [self._derived.one_row_per, *(field.name for field in self._columns), EXPIRES_ON]

    @property
    def names_aside(self) -> list[str]:
        """Name the columns of rows that are set aside."""
        return [name for name in self._schema.names if name != FATE]

    @property
    def published(self) -> str:
        """Give the rows that are published, in the order of their key."""
        columns = [f"{self._least(field)} as {identifier(field.name)}" for field in self._columns]
        return f"select {', '.join([self.key, *columns, f'max({EXPIRES_ON}) as {EXPIRES_ON}'])} {self._grouped}"

    @property
    def index(self) -> str:
        """Give whose each of them is; empty where that is not known of this table."""
        known = [field for field in self._schema if field.name in INDEX_COLUMNS]
        columns = [f"{self._least(field)} as {field.name.removeprefix('_')}" for field in known]
        return f"select {', '.join([f'{self.key} as key', *columns])} {self._grouped}" if known else ""

    @property
    def fates(self) -> str:
        """Give the fate of each key, and why it was set aside if it was: to be there as a table before what follows."""
        published = f"{FATE} = {Fate.PUBLISHED:d}"
        reason = self._least(self._schema.field(REASON))
        return (
            f"select {self.key}, case when count(*) filter (where {published}) > 0 then {Fate.PUBLISHED:d} "
            f"else min({FATE}) end as fate, {reason} filter (where {FATE} = {Fate.QUARANTINED:d}) as reason "
            f"from {self._rows} group by {self.key}"
        )

    @property
    def set_aside(self) -> str:
        """Give the rows that were set aside, with their reasons."""
        columns = ", ".join(identifier(name) for name in self.names_aside)
        return f"select {columns} from {self._rows} where {self.key} in (select {self.key} {self._quarantined})"

    def count(self, ask: Ask) -> Grouped:
        """Count what became of the groups."""
        fates = ask(f"select fate, count(*) from {self._fates} group by fate")
        return Grouped(dict(fates), dict(ask(f"select reason, count(*) {self._quarantined} group by reason")))

    @property
    def _quarantined(self) -> str:
        return f"from {self._fates} where fate = {Fate.QUARANTINED:d}"


def published_names(names: Iterable[str]) -> list[str]:
    """Name the columns of treated rows that analysts read."""
    return [name for name in names if name not in INDEX_COLUMNS]


def indexed_names(key: str, names: Iterable[str]) -> dict[str, str]:
    """Name the columns of treated rows that the private index holds, with their names there; empty if it holds none."""
    of_subject = {name: name.removeprefix("_") for name in INDEX_COLUMNS if name in {*names}}
    return {key: "key", **of_subject} if of_subject else {}
