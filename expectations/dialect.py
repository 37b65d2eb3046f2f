"""What the gate's SQL says differently to each warehouse; all that is not here is said once for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from expectations.postgresql_patterns import in_postgresql, whole_in_postgresql
from privacy.identifiers import GLANCE, Check
from stores.quoting import literal
from stores.source import READERS


class Dialect(Protocol):
    """SQL in one warehouse's words. Patterns are RE2's; values are expressions of SQL that give text."""

    at_once: int
    """How many statements are answered at a time: one by DuckDB, whose threads share it, and whose memory it needs."""
    stored_order: str
    """What makes a window run over rows as they are stored."""
    whole_division: str
    """The operator that divides whole numbers and drops the rest."""
    checksums: Mapping[Check, str]
    """What holds for `text` where its check digits are right: by the rest of a long number, or sign by sign."""

    def holds(self, value: str, pattern: str) -> str:
        """Say that a pattern is found in a value."""
        ...

    def holds_any(self, value: str, patterns: Iterable[str]) -> str:
        """Say that one of some patterns is found in a value, all of them those of identifiers."""
        ...

    def may_hold_any(self, value: str, patterns: Iterable[str]) -> str:
        """Say at little cost what is true of every value in which one of the patterns is found, and of few others."""
        ...

    def is_whole(self, value: str, pattern: str) -> str:
        """Say that a value matches a pattern from its beginning to its end."""
        ...

    def without(self, value: str, pattern: str) -> str:
        """Take out of a value whatever matches a pattern."""
        ...

    def has_piece(self, value: str, pattern: str, check: str) -> str:
        """Say that of the pieces of a value which match a pattern one, as `text`, passes a check."""
        ...

    def is_token(self, column: str) -> str:
        """Say that a value is a UUID of version 8 and variant 10 (RFC 9562), stored as one."""
        ...


class _DuckDB:
    at_once = 1
    stored_order = ""
    whole_division = "//"
    _digits = (
        "list_transform(string_split(array_to_string(list_transform(string_split({text}, ''), lambda sign: "
        "case when sign between '0' and '9' then sign else cast(ascii(upper(sign)) - 55 as varchar) end), ''), ''), "
        "lambda digit: cast(digit as integer))"
    )
    checksums: Mapping[Check, str] = {
        "mod_97": "list_reduce({digits}, lambda rest, digit: (rest * 10 + digit) % 97) = 1".format(
            digits=_digits.format(text="replace(text, ' ', '')[5:] || text[1:4]")
        ),
        "luhn": "list_sum(list_transform(list_reverse({digits}), lambda digit, place: "
        "if(place % 2 = 1, digit, 2 * digit - if(digit > 4, 9, 0)))) % 10 = 0".format(
            digits=_digits.format(text="replace(replace(text, ' ', ''), '-', '')")
        ),
    }

    def holds(self, value: str, pattern: str) -> str:
        return f"regexp_matches({value}, {literal(pattern)})"

    def holds_any(self, value: str, patterns: Iterable[str]) -> str:
        return self.holds(value, "|".join(patterns))

    def may_hold_any(self, value: str, patterns: Iterable[str]) -> str:
        return self.holds_any(value, patterns)

    def is_whole(self, value: str, pattern: str) -> str:
        return f"regexp_full_match({value}, {literal(pattern)})"

    def without(self, value: str, pattern: str) -> str:
        return f"regexp_replace({value}, {literal(pattern)}, '', 'g')"

    def has_piece(self, value: str, pattern: str, check: str) -> str:
        return f"len([text for text in regexp_extract_all({value}, {literal(pattern)}) if {check}]) > 0"

    def is_token(self, column: str) -> str:
        bits = f"cast({column} as varchar) glob '??????????????8????[89ab]*'"  # written once, and read in one go
        return f"(typeof({column}) = 'UUID' and {bits})"


class _PostgreSQL:
    at_once = READERS
    stored_order = "order by ctid"
    whole_division = "/"
    _sign_by_sign = "unnest(string_to_array({text}, null)) with ordinality as signs(sign, place)"
    checksums: Mapping[Check, str] = {
        "mod_97": "(select cast(string_agg(case when sign between '0' and '9' then sign else "
        "cast(ascii(upper(sign)) - 55 as varchar) end, '' order by place) as numeric) from {signs}) % 97 = 1".format(
            signs=_sign_by_sign.format(text="substr(replace(text, ' ', ''), 5) || left(text, 4)")
        ),
        "luhn": "(select sum(case when place % 2 = 1 then digit when digit > 4 then 2 * digit - 9 else 2 * digit end) "
        "from (select cast(sign as integer) as digit, place from {signs}) as digits) % 10 = 0".format(
            signs=_sign_by_sign.format(text="reverse(replace(replace(text, ' ', ''), '-', ''))")
        ),
    }

    def holds(self, value: str, pattern: str) -> str:
        return f'(({value}) collate "C" ~ {literal(in_postgresql(pattern))})'

    def holds_any(self, value: str, patterns: Iterable[str]) -> str:
        """One by one: a pattern of many others makes PostgreSQL's automaton too large for its cache."""
        some = " or ".join(self.holds(value, pattern) for pattern in patterns)
        return f"case when {self.may_hold_any(value, ())} then {some} else false end"

    def may_hold_any(self, value: str, patterns: Iterable[str]) -> str:
        return self.holds(value, GLANCE)

    def is_whole(self, value: str, pattern: str) -> str:
        return f'(({value}) collate "C" ~ {literal(whole_in_postgresql(pattern))})'

    def without(self, value: str, pattern: str) -> str:
        return f"regexp_replace(({value}) collate \"C\", {literal(in_postgresql(pattern))}, '', 'g')"

    def has_piece(self, value: str, pattern: str, check: str) -> str:
        pieces = f"regexp_matches(({value}) collate \"C\", {literal(in_postgresql(pattern))}, 'g') as found(piece)"
        return f"exists (select from {pieces} cross join lateral (select piece[1] as text) as pieces where {check})"

    def is_token(self, column: str) -> str:
        text = f"cast({column} as varchar)"
        bits = f"substr({text}, 15, 1) = '8' and substr({text}, 20, 1) in ('8', '9', 'a', 'b')"
        return f"(pg_typeof({column}) = cast('uuid' as regtype) and {bits})"


DIALECTS: Final[Mapping[str, Dialect]] = {"duckdb": _DuckDB(), "postgresql": _PostgreSQL()}
"""By the name that SQLAlchemy has for a URL's backend."""
