"""Which type of PostgreSQL holds which of Arrow's, and the way back."""

from __future__ import annotations

import pyarrow as pa

from privacy.errors import StoreError

_NAMES: dict[pa.DataType, str] = {
    pa.uuid(): "uuid",
    pa.bool_(): "boolean",
    pa.int8(): "smallint",
    pa.uint8(): "smallint",
    pa.int16(): "smallint",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float32(): "real",
    pa.float64(): "double precision",
    pa.string(): 'text collate "C"',
    pa.large_string(): 'text collate "C"',
    pa.binary(): "bytea",
    pa.binary(16): "uuid",
    pa.date32(): "date",
    pa.time64("us"): "time",
}


def sql_type(kind: pa.DataType) -> str:
    """Name the type of a column that holds values of an Arrow type; text is in the order of its bytes, as in DuckDB."""
    if pa.types.is_decimal(kind):
        return f"numeric({kind.precision}, {kind.scale})"
    if pa.types.is_timestamp(kind):
        return "timestamptz" if kind.tz else "timestamp"
    if kind in _NAMES:
        return _NAMES[kind]
    raise StoreError(f"warehouse: no column of PostgreSQL holds values of the type {kind}.")


def arrow_type(field: pa.Field) -> pa.DataType:
    """Give the Arrow type of a column as declared: ADBC gives a decimal as text, with its digits beside it."""
    kind, said = field.type, field.metadata or {}
    if isinstance(kind, pa.OpaqueType) and kind.type_name == "numeric":
        digits = int(said.get(b"POSTGRESQL:typmod", b"-1")) - 4
        return pa.decimal128(digits >> 16 & 0xFFFF, digits & 0x7FF) if digits >= 0 else pa.decimal128(38, 9)
    return kind
