"""The SQL that finds values of personal kinds in a column (DuckDB's), on all rows, at the price of its distinct values.

Values are grouped first; one pattern then lets through what resembles anything at all, and only that is looked at kind
by kind. Out come kinds and numbers of rows, never a value.
"""

from __future__ import annotations

from collections.abc import Iterator

from privacy.identifiers import IDENTIFIERS, Check, Identifier, Kind
from privacy.promises import NoValueDrift
from stores.quoting import literal

LEAST_NUMBER = 100_000_000
"""Whole numbers below it have fewer than nine digits, and can be of no kind."""

_AS_DIGITS = (
    "list_transform(string_split(array_to_string(list_transform(string_split({text}, ''), lambda sign: "
    "case when sign between '0' and '9' then sign else cast(ascii(upper(sign)) - 55 as varchar) end), ''), ''), "
    "lambda digit: cast(digit as integer))"
)
"""The digits of a text as numbers; a letter counts for two, A being 10 (ISO 13616)."""

_WEIGHED = " + ".join(
    f"{weight} * (cast(text as bigint) // {10**place} % 10)" for place, weight in enumerate((-1, *range(2, 10)))
)
"""The digits of a BSN: the first times nine, …, the last taken off. By arithmetic, as such numbers can be many."""

_CHECKS: dict[Check, str] = {
    "mod_97": "list_reduce({iban}, lambda rest, digit: (rest * 10 + digit) % 97) = 1".format(
        iban=_AS_DIGITS.format(text="replace(text, ' ', '')[5:] || text[1:4]")
    ),
    "eleven_proof": f"text <> '000000000' and ({_WEIGHED}) % 11 = 0",
    "luhn": "list_sum(list_transform(list_reverse({digits}), lambda digit, place: "
    "if(place % 2 = 1, digit, 2 * digit - if(digit > 4, 9, 0)))) % 10 = 0".format(
        digits=_AS_DIGITS.format(text="regexp_replace(text, '[ -]', '', 'g')")
    ),
    "mixed": "regexp_matches(text, '[A-Z]') and regexp_matches(text, '[0-9]')",
    "no_part_or_date": "not regexp_matches(text, '^([0-9]{5}-[0-9]{5}$|[0-9]{2}-[0-9]{2}-[0-9]{4} )')",
    "no_unit": "upper(right(text, 2)) not in ('CC', 'CM', 'EN', 'GB', 'HP', 'KG', 'KM', 'KW', 'MB', 'MG', 'ML', 'MM', "
    "'NM', 'PK', 'PS', 'RP', 'VA', 'WH')",
}
"""What holds for `text`, a piece of a value that has the right shape."""


def kinds_found(column: str, promise: NoValueDrift) -> tuple[str, str]:
    """Give the query of kinds and their rows, where more than are allowed: what stands before and behind the table."""
    kinds = {kind: one for kind, one in IDENTIFIERS.items() if promise.of == "text" or one.digits}
    if promise.strictly:
        kinds = {kind: Identifier(one.shape, digits=one.digits) for kind, one in kinds.items()}
    some = f"{column} is not null" if promise.of == "text" else f"{column} >= {LEAST_NUMBER}"
    anything = "|".join(_resembling(one) for one in kinds.values())
    marks = ", ".join(mark for kind, one in kinds.items() for mark in _marks(kind, one))
    counts = ", ".join(f"{_rows(kind, one)} as {kind}" for kind, one in kinds.items())
    before = f"with profile as materialized (select cast({column} as varchar) as value, count(*) as times from "
    behind = (
        f" where {some} group by all), "
        f"suspects as (select *, regexp_matches(value, '[^0-9]') as written from profile where {_matches(anything)}), "
        f"marked as (select times, {marks} from suspects), "
        f"counted as (select {counts} from marked) "
        f"select kind, rows from (unpivot counted on {', '.join(kinds)} into name kind value rows) "
        f"where rows > {promise.allowed}"
    )
    return before, behind


def _marks(kind: Kind, identifier: Identifier) -> Iterator[str]:
    """Mark values of a kind, those of its outline, and those that are of the kind for sure."""
    yield f"{_if(_possible(identifier), *_found(identifier))} as {kind}"
    if identifier.outline:
        yield f"{_if(_possible(identifier), _matches(identifier.outline))} as {kind}_alike"
    if identifier.sure:
        yield f"{_if('written', _matches(identifier.sure))} as {kind}_sure"


def _rows(kind: Kind, identifier: Identifier) -> str:
    """Count rows of a kind: all of them where most values that resemble it are it, else those that are it for sure."""
    if not identifier.outline:
        return _rows_where(kind)
    sure = _rows_where(f"{kind} and {kind}_sure") if identifier.sure else "0"
    most = f"2 * count(*) filter (where {kind}) > count(*) filter (where {kind} or {kind}_alike)"
    return f"if({most}, {_rows_where(kind)}, {sure})"


def _rows_where(marked: str) -> str:
    return f"coalesce(sum(times) filter (where {marked}), 0)"


def _possible(identifier: Identifier) -> str:
    """Spare values of digits alone the patterns of kinds that are more than digits."""
    return "true" if identifier.digits else "written"


def _found(identifier: Identifier) -> Iterator[str]:
    value = "value"
    if identifier.outside:
        value = f"if(written, regexp_replace(value, {literal(identifier.outside)}, '', 'g'), value)"
    yield _matches(identifier.shape, value)
    if identifier.check:
        pieces = f"regexp_extract_all({value}, {literal(identifier.shape)})"
        yield f"len([text for text in {pieces} if {_CHECKS[identifier.check]}]) > 0"


def _resembling(identifier: Identifier) -> str:
    return f"{identifier.shape}|{identifier.outline}" if identifier.outline else identifier.shape


def _matches(pattern: str, value: str = "value") -> str:
    return f"regexp_matches({value}, {literal(pattern)})"


def _if(*conditions: str) -> str:
    """Give a conjunction whose later conditions are worked out only where the earlier ones hold."""
    condition, *more = conditions
    return f"if({condition}, {_if(*more)}, false)" if more else condition
