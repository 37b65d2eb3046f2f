"""The source: its schema through SQLAlchemy, its rows as Arrow batches out of one snapshot."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Protocol

import pyarrow as pa
import sqlalchemy as sa

from privacy.column_types import ColumnType
from privacy.declared import DIGITS
from privacy.policy_lint import ForeignKey
from stores.quoting import identifier


@dataclass(frozen=True)
class ColumnKind:
    """What a source says a column is: a family of types, digits where it tells them, columns that it must stand in."""

    family: str
    precision: int | None = None
    scale: int | None = None
    refers_to: tuple[tuple[str, str], ...] = ()
    """Tables and columns, by the foreign keys that the source declares."""
    native: str = ""
    """The database's own name of the type, where it says more than the family."""

    def __str__(self) -> str:
        if self.family == "other":
            return f"of type {self.native}" if self.native else "of another type"
        if self.family != "decimal":
            return self.family
        return "decimal without digits" if self.precision is None else f"decimal({self.precision},{self.scale or 0})"


WITH_OFFSET, WITHOUT_OFFSET = "timestamp with offset", "timestamp without offset"
"""Families of moments, where the database tells them apart."""

Schema = Mapping[str, Mapping[str, ColumnKind]]
"""Tables, their columns, and what each is."""

_FAMILIES: tuple[tuple[type[sa.types.TypeEngine[Any]], str], ...] = (
    (sa.Boolean, "boolean"),
    (sa.Integer, "integer"),
    (sa.Float, "double"),
    (sa.Numeric, "decimal"),
    (sa.DateTime, "timestamp"),
    (sa.Date, "date"),
    (sa.LargeBinary, "binary"),
    (sa.String, "text"),
)


@dataclass(frozen=True)
class Reading:
    """What is to be read of a source table: columns with declared types, and which rows."""

    table: str
    columns: Mapping[str, ColumnType]
    null: str | None = None
    """Only rows in which this column is NULL …"""
    filled: str | None = None
    """… and this one is not NULL or blank."""
    among: tuple[str, pa.Array] | None = field(default=None, repr=False)
    """Only rows in which this column is one of these values (Arrow `int64` or `string`, as they are read, compared bit
    by bit); NULLs and what is named twice count for nothing. Long lists are asked for in several statements."""
    since: tuple[str, ColumnType, datetime.datetime] | None = None
    """Only rows changed since a moment, and some more: this column, of the type that it is declared to be (date or
    timestamp), is not surely before it; it may be NULL, or no moment at all …"""
    ahead: tuple[tuple[str, ColumnType, datetime.datetime], ...] = ()
    """… or one of these columns is not surely before its moment, and not NULL."""

    @property
    def decimals(self) -> dict[str, ColumnType]:
        """Give the columns that are added up."""
        return {name: kind for name, kind in self.columns.items() if kind.name == "decimal"}

    @property
    def whole(self) -> bool:
        """Whether all rows are read."""
        return not (self.null or self.filled or self.among or self.since)

    def where(self, as_text: str = "{}", narrowed: Iterable[str] = ()) -> str:
        """Give the condition in SQL.

        as_text: how a column that may be a number is taken for text. narrowed: `among` and `since` in its own words.
        """
        conditions = [f"{identifier(self.null)} is null"] if self.null else []
        conditions += [f"trim({as_text.format(identifier(self.filled))}) <> ''"] if self.filled else []
        conditions += narrowed
        return f" where {' and '.join(conditions)}" if conditions else ""


@dataclass(frozen=True)
class Totals:
    """What the source itself counts: rows, and the sum of each decimal column over values that fit its type."""

    rows: int
    sums: Mapping[str, Decimal]


READERS = 2
"""How many tables are read at a time from one snapshot: what a small machine has cores for, and a shop patience."""


class Snapshot(Protocol):
    """One consistent state of the whole source, read by up to READERS threads."""

    def totals(self, reading: Reading) -> Totals:
        """Let the source count and add up what `reading` is to deliver."""
        ...

    def batches(self, reading: Reading, rows: int) -> Iterator[pa.RecordBatch]:
        """Read batches of at most `rows` rows: the columns in order (castable to their types), then MISFITS."""
        ...


class Source(Protocol):
    """A shop's database. Nothing is ever written to it."""

    def schema(self) -> Schema:
        """Tell its tables and columns."""
        ...

    def engine(self) -> sa.Engine:
        """Give an engine for what SQLAlchemy asks; its connections only read, where the database can be held to it."""
        ...

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Open one snapshot over all tables."""
        ...


KindOf = Callable[[sa.types.TypeEngine[Any]], ColumnKind]


def reflect(engine: sa.Engine | sa.Connection, kind_of: KindOf | None = None) -> Schema:
    """Read tables, columns and foreign keys through SQLAlchemy; `kind_of` knows the database's own types."""
    inspector = sa.inspect(engine)
    columns, links, known = inspector.get_multi_columns(), links_of(inspector), kind_of or kind
    return {
        table: {c["name"]: replace(known(c["type"]), refers_to=tuple(links[table, c["name"]])) for c in found}
        for (_, table), found in columns.items()
    }


def foreign_keys(schema: Schema) -> Iterator[ForeignKey]:
    """Give the foreign keys that a source declares, column by column."""
    for table, columns in schema.items():
        for column, kind in columns.items():
            for other_table, other_column in kind.refers_to:
                yield table, column, other_table, other_column


def links_of(inspector: sa.Inspector) -> defaultdict[tuple[str, str], list[tuple[str, str]]]:
    """Give by table and column the tables and columns that it must stand in; none that only another schema has."""
    links: defaultdict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for (_, table), keys in inspector.get_multi_foreign_keys().items():
        for key in keys:
            if key["referred_schema"] not in (None, inspector.default_schema_name):
                continue  # a table of that name may be here as well, and is another
            for column, referred in zip(key["constrained_columns"], key["referred_columns"], strict=False):
                links[table, column].append((key["referred_table"], referred))
    return links


def kind(reflected: sa.types.TypeEngine[Any]) -> ColumnKind:
    """Tell what a type of SQLAlchemy's own is."""
    family = next((name for base, name in _FAMILIES if isinstance(reflected, base)), "other")
    if family == "decimal":
        return decimal(reflected.precision, reflected.scale)  # type: ignore[attr-defined]
    return ColumnKind(family)


def decimal(precision: int | None, scale: int | None) -> ColumnKind:
    """Tell what a column of decimals is: all of its values have these digits; of more than 38 none is read.

    Standard SQL has no digits but those before and behind the point; PostgreSQL rounds to thousands, and to less than
    it has digits, too.
    """
    if precision is None:
        return ColumnKind("decimal")
    behind = max(scale or 0, 0)
    digits = max(precision - min(scale or 0, 0), behind)
    if digits > DIGITS:
        return ColumnKind("other", native=f"decimal({digits},{behind})")
    return ColumnKind("decimal", digits, behind)
