"""The SQL that finds values of personal kinds in a column, on all rows, at the price of its distinct values.

Values are grouped first; one pattern then lets through what resembles anything at all, and only that is looked at kind
by kind. Out come kinds and numbers of rows, never a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from expectations.dialect import Dialect
from privacy.identifiers import IDENTIFIERS, Check, Identifier, Kind
from privacy.promises import NoValueDrift

LEAST_NUMBER = 100_000_000
"""Whole numbers below it have fewer than nine digits, and can be of no kind."""

WRITTEN = "[^0-9]"
"""Found in a value that is more than digits."""


Sort = tuple[Literal["text", "number"], bool]
"""What is sought in a column: values of the kinds that a text or a number can be of, strictly or not."""


@dataclass(frozen=True)
class Searched:
    """A column, as SQL names it, of some rows, in which kinds of value are sought."""

    column: str
    rows: str
    promise: NoValueDrift

    @property
    def sort(self) -> Sort:
        """Tell what is sought."""
        return self.promise.of, self.promise.strictly

    def profile(self, place: int) -> str:
        """Group its values."""
        some = "is not null" if self.promise.of == "text" else f">= {LEAST_NUMBER}"
        values = f"select {place} as place, cast({self.column} as varchar) as value, count(*) as times"
        return f"{values} from {self.rows} where {self.column} {some} group by 2"


def kinds_found(columns: Sequence[Searched], sql: Dialect) -> str:
    """Give the query of kinds in columns of one sort: place among these, kind and rows, where more than are allowed."""
    ((of, strictly),) = {column.sort for column in columns}
    kinds = {kind: one for kind, one in IDENTIFIERS.items() if of == "text" or one.digits}
    if strictly:
        kinds = {kind: Identifier(one.shape, digits=one.digits) for kind, one in kinds.items()}
    resembling = sql.may_hold_any("value", [pattern for one in kinds.values() for pattern in _resembling(one)])
    profiles = " union all ".join(column.profile(place) for place, column in enumerate(columns))
    marked = ", ".join(_marked(kind, one, sql) for kind, one in kinds.items())
    counts = " union all ".join(_count(kind, one) for kind, one in kinds.items())
    allowed = " ".join(f"when {place} then {column.promise.allowed}" for place, column in enumerate(columns))
    return (
        f"with profile as materialized ({profiles}), suspects as materialized "
        f"(select place, value, times, {sql.holds('value', WRITTEN)} as written from profile where {resembling}), "
        f"{marked}, counted as ({counts}) "
        f"select place, kind, found from counted where found > case place {allowed} end"
    )


def _marked(kind: Kind, identifier: Identifier, sql: Dialect) -> str:
    """Mark the values of a kind: one kind after the other, as PostgreSQL keeps no more than 32 patterns at hand.

    Materialized, so that each pattern is looked for once in a value.
    """
    return f"{kind}_marked as materialized (select place, times, {', '.join(_marks(identifier, sql))} from suspects)"


def _count(kind: Kind, identifier: Identifier) -> str:
    """Count rows of a kind: all of them where most values that resemble it are it, else those that are it for sure."""
    rows = _rows_where("it")
    if identifier.outline:
        sure = _rows_where("it and sure") if identifier.sure else "0"
        most = "2 * count(*) filter (where it) > count(*) filter (where it or alike)"
        rows = f"case when {most} then {rows} else {sure} end"
    return f"select place, '{kind}' as kind, {rows} as found from {kind}_marked group by place"


def _rows_where(marked: str) -> str:
    return f"coalesce(sum(times) filter (where {marked}), 0)"


def _marks(identifier: Identifier, sql: Dialect) -> Iterator[str]:
    """Mark values of a kind, those of its outline, and those that are of the kind for sure."""
    yield f"{_if(_possible(identifier), *_found(identifier, sql))} as it"
    if identifier.outline:
        yield f"{_if(_possible(identifier), sql.holds('value', identifier.outline))} as alike"
    if identifier.sure:
        yield f"{_if('written', sql.holds('value', identifier.sure))} as sure"


def _possible(identifier: Identifier) -> str:
    """Spare values of digits alone the patterns of kinds that are more than digits."""
    return "true" if identifier.digits else "written"


def _found(identifier: Identifier, sql: Dialect) -> Iterator[str]:
    value = "value"
    if identifier.outside:
        value = f"case when written then {sql.without(value, identifier.outside)} else value end"
    yield sql.holds(value, identifier.shape)
    if identifier.check:
        yield sql.has_piece(value, identifier.shape, _checks(sql)[identifier.check])


def _resembling(identifier: Identifier) -> Iterator[str]:
    yield identifier.shape
    if identifier.outline:
        yield identifier.outline


def _if(*conditions: str) -> str:
    """Give a conjunction whose later conditions are worked out only where the earlier ones hold."""
    condition, *more = conditions
    return f"case when {condition} then {_if(*more)} else false end" if more else condition


def _checks(sql: Dialect) -> Mapping[Check, str]:
    """Give what holds for `text`, a piece of a value that has the right shape."""
    return {
        **sql.checksums,
        "eleven_proof": f"text <> '000000000' and ({_weighed(sql)}) % 11 = 0",
        "mixed": f"{sql.holds('text', '[A-Z]')} and {sql.holds('text', '[0-9]')}",
        "no_part_or_date": f"not {sql.holds('text', '^([0-9]{5}-[0-9]{5}$|[0-9]{2}-[0-9]{2}-[0-9]{4} )')}",
        "no_unit": "upper(right(text, 2)) not in ('CC', 'CM', 'EN', 'GB', 'HP', 'KG', 'KM', 'KW', 'MB', 'MG', 'ML', "
        "'MM', 'NM', 'PK', 'PS', 'RP', 'VA', 'WH')",
    }


def _weighed(sql: Dialect) -> str:
    """Weigh the digits of a BSN: the first times nine, …, the last taken off. By arithmetic, as there can be many."""
    return " + ".join(
        f"{weight} * (cast(text as bigint) {sql.whole_division} {10**place} % 10)"
        for place, weight in enumerate((-1, *range(2, 10)))
    )
