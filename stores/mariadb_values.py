"""Values in MariaDB and MySQL: which of their types are read, and how the server is asked to pack them."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from privacy.column_types import ColumnType
from stores.quoting import identifier
from stores.source import WITH_OFFSET, WITHOUT_OFFSET, ColumnKind, Reading

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

_AS_NUMBERS = ("bit", "year", "zerofill")
_CLOCKS = ("date", WITH_OFFSET, WITHOUT_OFFSET)


def kind_of(native: str, precision: int | None, scale: int | None, column_type: str) -> ColumnKind:
    """Tell what a column is, by what the server's own catalogue says of it."""
    if native == "decimal":
        return ColumnKind("decimal", precision, scale, native=native)
    if native == "bit" and (precision or 1) > BITS_IN_INTEGER:
        return ColumnKind("other", native=column_type)
    return ColumnKind(_FAMILY_OF.get(native, "other"), native="zerofill" if "zerofill" in column_type else native)


def query(reading: Reading, present: Mapping[str, ColumnKind]) -> str:
    """Select each row as one text, which ends in a line break."""
    fields = [_packed(identifier(name), kind, present[name]) for name, kind in reading.columns.items()]
    packed = ", ',', ".join(fields)
    return rf"select concat({packed}, '\n') from {identifier(reading.table)}{reading.where()}"


def _packed(column: str, declared: ColumnType, present: ColumnKind) -> str:
    if present.family == "text":
        return f"quote(convert({column} using utf8mb4))"
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
    decimals = (name for name, kind in reading.columns.items() if kind.name == "decimal")
    return {name: f"coalesce(sum({identifier(name)}), 0)" for name in decimals}
