"""Values in SQLite, a file format in which any column may hold any type: how they are asked for, and what they are.

ADBC infers a column's type from the first batch, so a sentinel row of the right types goes in front. A value of another
type than declared is sent as NULL and marked. To look at each costs nearly what reading it costs, so that a table is
trusted first: numbers in another storage class the driver refuses, rows with such texts are marked by comparisons; from
the first of them on each value is looked at.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Container, Iterable, Iterator
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privacy.column_types import ColumnType, TypeName
from privacy.key_index import Integers
from stores.narrowing import DATE_SHAPED, changed, least_text
from stores.quoting import identifier, literal
from stores.source import Reading

EXACT_IN_DOUBLE = 10**15

SAMPLED = 500
"""How many rows are asked how wide they are, before a table is read."""


class OtherStorageError(Exception):
    """A value stands in another storage class than that of its type, so that each must be looked at."""


_STORED_AS: dict[TypeName, tuple[str, ...]] = {
    "integer": ("integer",),
    "boolean": ("integer",),
    "decimal": ("real", "integer"),
    "double": ("real", "integer"),
    "text": ("text",),
    "date": ("text",),
    "timestamp": ("text",),
}
"""The storage classes in which a value of a declared type stands."""

_SENTINELS: dict[TypeName, str] = {"integer": "0", "boolean": "0", "decimal": "0.0", "double": "0.0"}
_READ_AS: dict[TypeName, pa.DataType] = {
    "integer": pa.int64(),
    "boolean": pa.int64(),
    "decimal": pa.float64(),
    "double": pa.float64(),
}
"""Those of numbers, and how numbers come; all else is text."""

_FAILS = "abs(-9223372036854775807 - 1)"
"""What SQLite cannot compute: a column that tells of strange rows would take twice as long as not to go on."""


def columns_without_numbers(table: str) -> str:
    """Name the columns of a table into which SQLite lets no number: what is declared as text, it stores as text.

    Their affinity is TEXT, by the rules of https://sqlite.org/datatype3.html#determination_of_column_affinity.
    """
    text = "type not like '%int%' and (type like '%char%' or type like '%clob%' or type like '%text%')"
    return f"select name from pragma_table_info({literal(table)}) where {text}"


def trusting_query(reading: Reading, without_numbers: Container[str]) -> str:
    """Read values as they stand, and fail at a text in another storage class; at such a number the driver does."""
    texts = [name for name, kind in reading.columns.items() if kind.name not in _SENTINELS]
    strange = [f"{identifier(name)} >= x''" for name in texts]  # numbers < texts < bytes
    strange += [f"{identifier(name)} < ''" for name in texts if name not in without_numbers]
    trusted = [f"case when {' or '.join(strange)} then {_FAILS} else 1 end"] if strange else []
    columns = ", ".join(map(identifier, reading.columns))
    rows = f"{identifier(reading.table)}{where(reading, trusted)}"
    return f"{_sentinel(reading)} union all select {columns} from {rows}"


def width_of_numbers(reading: Reading) -> int | None:
    """Tell how many bytes a row of numbers alone has, which come as such or not at all; None where there are texts."""
    return 8 * len(reading.columns) if all(kind.name in _READ_AS for kind in reading.columns.values()) else None


def samples(reading: Reading) -> Iterator[str]:
    """Ask how wide rows are: of some all over the table and of its last, or of its first where rows have no number."""
    table, octets = identifier(reading.table), "coalesce(octet_length({}), 0)"
    width = " + ".join(octets.format(identifier(name)) for name in reading.columns) or "0"
    yield f"""with recursive
        ends(least, most) as (select (select min(rowid) from {table}), (select max(rowid) from {table})),
        spread(n) as (select least from ends union all
                      select n + most / {SAMPLED} - least / {SAMPLED} + 1 from spread, ends where n < most)
        select max((select {width} from {table} where rowid >= n order by rowid limit 1))
        from (select n from spread union all select most from ends)"""
    yield f"select max(width) from (select {width} as width from {table} limit {SAMPLED})"


def guarded_query(reading: Reading, after: int) -> str:
    """Read each value whose storage class is that of its type, NULL for others, and a bit for each that is not NULL.

    after: how many rows have been read already.
    """
    values = [_value(identifier(name), kind) for name, kind in reading.columns.items()]
    filled = " | ".join(f"(({identifier(name)} is not null) << {bit})" for bit, name in enumerate(reading.columns))
    columns = ", ".join(map(identifier, reading.columns))
    rest = f"select {columns} from {identifier(reading.table)}{where(reading)} limit -1 offset {after}"
    return f"{_sentinel(reading)}, 0 union all select {', '.join([*values, filled])} from ({rest})"


def where(reading: Reading, more: Iterable[str] = ()) -> str:
    """Give the condition on the rows to be read, with more of them at its end."""
    return reading.where(narrowed=[*_narrowed(reading), *more])


def _narrowed(reading: Reading) -> Iterator[str]:
    if reading.among:
        column, values = reading.among
        listed = literal(json.dumps(values.to_pylist()))
        yield f"{identifier(column)} collate binary in (select value from json_each({listed}))"
    if conditions := changed(reading, _on, _unsure):
        yield f"({' or '.join(conditions)})"


def _on(name: str, moment: datetime.datetime) -> str:
    return f"{identifier(name)} collate binary >= {literal(least_text(moment))}"


def _unsure(name: str) -> str:
    return f"typeof({identifier(name)}) <> 'text' or {identifier(name)} not like '{DATE_SHAPED}'"


def _sentinel(reading: Reading) -> str:
    sentinels = [_SENTINELS.get(kind.name, "''") for kind in reading.columns.values()]
    return f"select {', '.join(sentinels)}"


def refuse_other_storage(read: list[pa.Array], kinds: Iterable[ColumnType]) -> None:
    """Refuse what was not read as its sentinel asks (the driver widens a type within its first batch)."""
    for column, kind in zip(read, kinds, strict=True):
        if column.type != _READ_AS.get(kind.name, pa.string()):
            raise OtherStorageError


def _value(column: str, kind: ColumnType) -> str:
    read = f"cast({column} as real)" if kind.name in ("decimal", "double") else column
    fitting = " ".join(f"when '{stored}' then {read}" for stored in _STORED_AS[kind.name])
    return f"case typeof({column}) {fitting} end"


def sum_of_units(column: str, kind: ColumnType) -> str:
    """Let SQLite add up a decimal in units of its last digit, over the values that `decoded` finds exact.

    Numbers alone lie between two numbers, as long as the plus takes a column's affinity away, which would turn these.
    """
    most, units = Decimal(_bound(kind) - 1).scaleb(-kind.scale), f"round({column} * {10**kind.scale})"
    exact = f"+{column} between -{most:f} and {most:f} and {units} / {10**kind.scale}.0 = {column}"
    return f"coalesce(sum(case when {exact} then cast({units} as integer) end), 0)"


def decoded(column: pa.Array, kind: ColumnType) -> pa.Array:
    """Turn doubles into the decimals of which they are the nearest doubles; NULL those of none, and what is no boolean.

    A double tells any two numbers of 15 decimal digits apart; beyond these nothing is exact, and nothing is guessed.
    """
    if kind.name == "boolean":
        return pc.if_else(pc.is_in(column, pa.array([0, 1])), column, pa.scalar(None, pa.int64()))
    if kind.name != "decimal":
        return column
    doubles = column.fill_null(np.nan).to_numpy(zero_copy_only=False)
    small = np.abs(doubles) * 10**kind.scale < _bound(kind)
    units = np.rint(np.where(small, doubles, 0.0) * 10**kind.scale)
    exact = pa.array(small & (units / 10**kind.scale == doubles))
    whole = units.astype(np.int64)
    wide = pa.py_buffer(np.stack([whole, whole >> 63], axis=1))
    decimal = pa.decimal128(kind.precision, kind.scale)
    return pa.Array.from_buffers(decimal, len(column), [exact.buffers()[1], wide])


def filled(read: list[pa.Array], decoded: list[pa.Array]) -> Integers:
    """Tell, a bit per column, which values were read, of the columns that have lost one by decoding."""
    filled = np.zeros(len(read[0]), np.int64)
    for bit, (before, after) in enumerate(zip(read, decoded, strict=True)):
        if after.null_count > before.null_count:
            filled |= before.is_valid().to_numpy(zero_copy_only=False).astype(np.int64) << bit
    return filled


def misfits(columns: list[pa.Array], filled: Integers) -> pa.Array:
    """Mark, a bit per column, the values that the source has and that were not delivered."""
    marks = np.zeros(len(filled), np.int64)
    for bit, column in enumerate(columns):
        if column.null_count:
            marks |= (filled >> bit & column.is_null().to_numpy(zero_copy_only=False)) << bit
    return pa.array(marks)


def _bound(kind: ColumnType) -> int:
    return int(min(10**kind.precision, EXACT_IN_DOUBLE))
