"""Values in MariaDB and MySQL: which of their types are read, and how the server is asked to pack them."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from privacy.column_types import ColumnType
from stores.narrowing import DATE_SHAPED, changed_in_sql, least_by_any_clock, least_text
from stores.quoting import identifier, literal
from stores.source import WITH_OFFSET, WITHOUT_OFFSET, ColumnKind, Reading, decimal

BITS_IN_INTEGER = 63

_FAMILIES = {
    "integer": "tinyint smallint mediumint int bigint year bit",
    "decimal": "decimal",
    "double": "float double",
    "text": "char varchar tinytext text mediumtext longtext enum set json uuid inet4 inet6",
    "date": "date",
    WITHOUT_OFFSET: "datetime",
    WITH_OFFSET: "timestamp",
    "binary": "binary varbinary tinyblob blob mediumblob longblob",
}
_FAMILY_OF = {native: family for family, natives in _FAMILIES.items() for native in natives.split()}

_INDEXED = ("char", "varchar")
_AS_NUMBERS = ("bit", "year", "zerofill")
_CLOCKS = ("date", WITH_OFFSET, WITHOUT_OFFSET)


def kind_of(native: str, precision: int | None, scale: int | None, column_type: str) -> ColumnKind:
    """Tell what a column is, by what the server's own catalogue says of it."""
    if native == "decimal":
        return decimal(precision, scale)
    if native == "bit" and (precision or 1) > BITS_IN_INTEGER:
        return ColumnKind("other", native=column_type)
    return ColumnKind(_FAMILY_OF.get(native, "other"), native="zerofill" if "zerofill" in column_type else native)


def query(reading: Reading, present: Mapping[str, ColumnKind]) -> str:
    """Select each row as one text, which ends in a line break."""
    fields = [_packed(identifier(name), kind, present[name]) for name, kind in reading.columns.items()]
    packed = ", ',', ".join(fields)
    return rf"select concat({packed}, '\n') from {identifier(reading.table)}{where(reading, present)}"


def where(reading: Reading, present: Mapping[str, ColumnKind]) -> str:
    """Give the condition on the rows to be read."""
    return reading.where(narrowed=_narrowed(reading, present))


def _narrowed(reading: Reading, present: Mapping[str, ColumnKind]) -> Iterator[str]:
    if reading.among:
        name, values = reading.among
        column = identifier(name)
        if pa.types.is_integer(values.type):
            number = f"{column} + 0" if present[name].native in _AS_NUMBERS else column
            yield f"{number} in ({', '.join(map(str, values.to_pylist()))})"
        else:
            listed = [f"x'{value.encode().hex()}'" for value in values.to_pylist()]
            if present[name].native in _INDEXED and pc.all(pc.string_is_ascii(values)).as_py():
                yield f"{column} in (_utf8mb4 {', _utf8mb4 '.join(listed)})"  # by the column's own index …
            # … and then by bytes: a collation takes texts for one that differ in case, accents or blanks behind them
            yield f"binary {_text(column)} in ({', '.join(listed)})"
    yield from changed_in_sql(reading, present, _on, _unsure)


def _on(column: str, present: ColumnKind, moment: datetime.datetime) -> str:
    match present.family:
        case "text":
            return f"{_text(column)} collate utf8mb4_bin >= {literal(least_text(moment))}"
        case "date":
            return f"{column} >= {literal(least_text(moment))}"
        case family if family == WITH_OFFSET:
            return f"{column} >= {_moment(moment.astimezone(datetime.UTC))}"
        case _:
            return f"{column} >= {_moment(least_by_any_clock(moment))}"


def _unsure(column: str, present: ColumnKind) -> str:
    """Say that a column is NULL, or no moment: 0000-00-00 is none."""
    other = f"{_text(column)} not like '{DATE_SHAPED}'" if present.family == "text" else f"{column} < '0001-01-01'"
    return f"{column} is null or {other}"


def _moment(moment: datetime.datetime) -> str:
    return literal(moment.replace(tzinfo=None).isoformat(" ", "microseconds"))


def _text(column: str) -> str:
    return f"convert({column} using utf8mb4)"


def _packed(column: str, declared: ColumnType, present: ColumnKind) -> str:
    if present.family == "text":
        return f"quote({_text(column)})"
    if declared.name == "text":
        offset = ", '+00:00'" if present.family == WITH_OFFSET else ""
        return f"quote(concat({column}{offset}))"
    if present.native in _AS_NUMBERS:
        column = f"{column} + 0"
    elif present.native == "float":
        column = f"{column} + 0e0"  # or it would be rounded to six digits
    return f"ifnull({column}, 'NULL')"


def types(reading: Reading, present: Mapping[str, ColumnKind]) -> dict[str, pa.DataType]:
    """Give the types by which the columns are parsed: those that all values of such a column have, but for a few."""
    return {name: _type(kind, present[name]) for name, kind in reading.columns.items()}


def _type(declared: ColumnType, present: ColumnKind) -> pa.DataType:
    if present.family == "text" or declared.name == "text":
        return pa.string()
    match declared.name:
        case "date":
            return pa.date32()
        case "timestamp":
            return pa.timestamp("us")
        case "boolean":
            return pa.int64()
        case _:
            return declared.arrow("UTC")


def in_utc(column: pa.Array, declared: ColumnType, present: ColumnKind) -> pa.Array:
    """Say of moments that the server keeps by UTC, and shows without an offset, that they are by UTC."""
    if declared.name != "timestamp" or present.family != WITH_OFFSET:
        return column
    if pa.types.is_string(column.type):
        return pc.binary_join_element_wise(column, "+00:00", "")
    return column.cast(pa.timestamp("us", "UTC"))


def sums(reading: Reading) -> dict[str, str]:
    """Give by name the sums of the decimal columns, whose values all fit their type."""
    return {name: f"coalesce(sum({identifier(name)}), 0)" for name in reading.decimals}
