"""The types a policy may declare for a source column, and their Arrow counterparts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

import pyarrow as pa
from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

TypeName = Literal["integer", "decimal", "double", "text", "boolean", "date", "timestamp"]

Clock = Literal["", "local", "utc"]

_PATTERN = r"^(integer|double|text|boolean|date|timestamp(\((local|utc)\))?|decimal\(\s*\d{1,2}\s*,\s*\d{1,2}\s*\))$"


@dataclass(frozen=True)
class ColumnType:
    """A declared column type: `integer`, `decimal(12,2)`, `text`, `timestamp` (with offset), …"""

    name: TypeName
    precision: int = 0
    scale: int = 0
    clock: Clock = ""
    """Which clock shows the moments that stand in the source without offset: `local` is of the policy's time zone."""

    @classmethod
    def parse(cls, text: object) -> ColumnType:
        """Read the policy's spelling; ValueError says which spellings there are."""
        if isinstance(text, ColumnType):
            return text
        if not isinstance(text, str) or not re.match(_PATTERN, text):
            raise ValueError(
                f"unknown type; one of {', '.join(get_args(TypeName))}; decimals as decimal(12,2), "
                "moments without offset as timestamp(local) or timestamp(utc)"
            )
        if text.startswith("timestamp("):
            return cls("timestamp", clock="utc" if "utc" in text else "local")
        if not text.startswith("decimal"):
            return cls(text)  # type: ignore[arg-type]
        precision, scale = (int(number) for number in re.findall(r"\d+", text))
        if not 1 <= precision <= 38 or scale > precision:
            raise ValueError("a decimal has 1 to 38 digits, and no more of them behind the point than in all")
        return cls("decimal", precision, scale)

    def arrow(self, time_zone: str) -> pa.DataType:
        """Give the Arrow type of a column of this type; timestamps carry the policy's time zone."""
        match self.name:
            case "integer":
                return pa.int64()
            case "decimal":
                return pa.decimal128(self.precision, self.scale)
            case "double":
                return pa.float64()
            case "text":
                return pa.string()
            case "boolean":
                return pa.bool_()
            case "date":
                return pa.date32()
            case "timestamp":
                return pa.timestamp("us", tz=time_zone)

    def __str__(self) -> str:
        if self.clock:
            return f"{self.name}({self.clock})"
        return f"decimal({self.precision},{self.scale})" if self.name == "decimal" else self.name


DeclaredType = Annotated[
    ColumnType,
    BeforeValidator(ColumnType.parse),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": _PATTERN}),
]
