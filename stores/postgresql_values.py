"""Values in PostgreSQL: which of its types are read, and how each is asked for."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from privacy.column_types import ColumnType
from stores.narrowing import DATE_SHAPED, changed_in_sql, least_by_any_clock, least_text
from stores.quoting import identifier, literal
from stores.source import WITH_OFFSET, WITHOUT_OFFSET, ColumnKind, Reading, kind

_DIALECT: sa.Dialect = pg.dialect()  # type: ignore[no-untyped-call]
BITS_IN_INTEGER = 63

AS_TEXT = '{}::text collate "C"'
"""How a column of any type is taken for text, and compared sign by sign: a collation may take a dash for nothing."""

_BY_THEIR_TEXT = (sa.UUID, pg.JSON, pg.INET, pg.CIDR, pg.MACADDR, pg.MACADDR8)
_NOT_READ = (pg.ARRAY, pg.MONEY, pg.OID, pg.REGCLASS, pg.HSTORE, pg.TSVECTOR, sa.Time, sa.Interval)

_YEARS = "between '0001-01-01' and '9999-12-31 23:59:59.999999'"
"""What a date or a moment may be: infinity and years before Christ are none to reckon with."""


def kind_of(reflected: sa.types.TypeEngine[Any]) -> ColumnKind:
    """Tell what a column of PostgreSQL is; a domain is what it is made of."""
    if isinstance(reflected, pg.DOMAIN):
        return kind_of(reflected.data_type)
    if isinstance(reflected, _NOT_READ):
        found = ColumnKind("other")
    elif isinstance(reflected, _BY_THEIR_TEXT):
        found = ColumnKind("text")
    elif isinstance(reflected, pg.BIT):
        fits = not reflected.varying and (reflected.length or 1) <= BITS_IN_INTEGER
        found = ColumnKind("integer" if fits else "other")
    elif isinstance(reflected, sa.DateTime):
        found = ColumnKind(WITH_OFFSET if reflected.timezone else WITHOUT_OFFSET)
    else:
        found = kind(reflected)
    return replace(found, native=found.native or _native(reflected))


def _native(reflected: sa.types.TypeEngine[Any]) -> str:
    if isinstance(reflected, sa.types.NullType):
        return "unknown to Sluis"
    return str(reflected.compile(_DIALECT)).partition("(")[0].lower()


def query(reading: Reading, present: Mapping[str, ColumnKind]) -> str:
    """Select the columns, then a bit for each value that is no date to reckon with and is sent as NULL."""
    asked, marks = [], ["0::bigint"]
    for bit, (name, declared) in enumerate(reading.columns.items()):
        column = identifier(name)
        if _is_bounded(declared, present[name]):
            asked.append(f"case when {column} {_YEARS} then {column} end")
            marks.append(f"case when {column} not {_YEARS} then {1 << bit} else 0 end")
        else:
            asked.append(_asked(column, declared, present[name]))
    return f"select {', '.join(asked)}, {' | '.join(marks)} from {identifier(reading.table)}{where(reading, present)}"


def where(reading: Reading, present: Mapping[str, ColumnKind]) -> str:
    """Give the condition on the rows to be read."""
    return reading.where(AS_TEXT, _narrowed(reading, present))


def _narrowed(reading: Reading, present: Mapping[str, ColumnKind]) -> Iterator[str]:
    if reading.among:
        name, values = reading.among
        if pa.types.is_integer(values.type):
            column = _asked(identifier(name), ColumnType("integer"), present[name])
            yield f"{column} = any('{{{', '.join(map(str, values.to_pylist()))}}}'::bigint[])"
        else:
            column = _asked(identifier(name), ColumnType("text"), present[name])
            listed = f"any(array[{', '.join(map(literal, values.to_pylist()))}]::text[])"
            yield f"{column} = {listed}"  # by the column's own index …
            yield f'{column} collate "C" = {listed}'  # … and then sign by sign: a collation may take two for one
    yield from changed_in_sql(reading, present, _on, _unsure)


def _on(column: str, present: ColumnKind, moment: datetime.datetime) -> str:
    match present.family:
        case "text":
            return f"{AS_TEXT.format(column)} >= {literal(least_text(moment))}"
        case "date":
            return f"{column} >= date {literal(least_text(moment))}"
        case family if family == WITH_OFFSET:
            return f"{column} >= timestamptz {literal(moment.isoformat())}"
        case _:
            return f"{column} >= timestamp {literal(least_by_any_clock(moment).isoformat())}"


def _unsure(column: str, present: ColumnKind) -> str:
    """Say that a column is NULL, or no moment: what is before Christ is none."""
    text = AS_TEXT.format(column)  # before version 18 not every collation knows `like`
    other = f"{text} not like '{DATE_SHAPED}'" if present.family == "text" else f"{column} < '0001-01-01'"
    return f"{column} is null or {other}"


def _is_bounded(declared: ColumnType, present: ColumnKind) -> bool:
    return declared.name in ("date", "timestamp") and present.family in ("date", WITH_OFFSET, WITHOUT_OFFSET)


def _asked(column: str, declared: ColumnType, present: ColumnKind) -> str:
    if present.native == "inet":
        return f"abbrev({column})"  # as PostgreSQL shows it: no mask where it is a single address
    if present.native == "bit":
        return f"{column}::bigint"
    if declared.name == "integer" and present.family == "boolean":
        return f"{column}::int"  # 0 and 1, as databases without booleans hold them
    if present.family == "decimal" and present.precision is None and declared.name != "text":
        return f"trim_scale({column})::text"  # or zeros at its end could be more than any number has digits
    if declared.name == "text" or present.family in ("text", "decimal"):
        return f"{column}::text"  # numeric, too: ADBC writes its digits at several times the cost
    return f"{column}::float8" if present.native == "real" else column


def sums(reading: Reading, present: Mapping[str, ColumnKind]) -> dict[str, str]:
    """Give by name the sums of the decimal columns, each over the values that fit its type."""
    found = {}
    for name, declared in reading.decimals.items():
        column = identifier(name)
        fits = f"{column} <> 'NaN'"
        if present[name].precision is None:
            whole = 10 ** (declared.precision - declared.scale)
            fits += f" and {column} = round({column}, {declared.scale}) and abs({column}) < {whole}"
        found[name] = f"coalesce(sum({column}) filter (where {fits}), 0)"
    return found
