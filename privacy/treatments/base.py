"""What every treatment is: parameters, one method on whole columns, and promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import ClassVar, get_args

import pandas as pd
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from privacy.column_types import ColumnType, TypeName
from privacy.keys import Keys
from privacy.promises import ColumnPromise

Beside = Mapping[str, pd.Series]
"""The columns beside the treated one that a treatment declares in `needs()`, by name; same length, same order."""

ANY_TYPE: frozenset[TypeName] = frozenset(get_args(TypeName))

UNKNOWN = "unknown"
"""What a mask or generalization gives for a value it cannot read: NULL stays reserved for values that were missing."""


class Treatment(BaseModel, ABC):
    """Turn a raw column into one that may be published. No I/O, no clock, no global, no loop over rows.

    A column is a pandas Series backed by Arrow (ArrowDtype) of the declared type; so is the result, of `gives()`.
    NULL stays NULL and nothing else becomes NULL (suppression apart): the gate counts both sides.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    accepts: ClassVar[frozenset[TypeName]]
    """Declared types that this treatment can read; the policy is refused for any other."""

    tells_subject: ClassVar[bool] = False
    """Whether equal results point at one subject, so that whoever is not to be linked must be missing beside it."""

    @abstractmethod
    def treat(self, column: pd.Series, beside: Beside, keys: Keys) -> pd.Series:
        """Treat a whole column."""

    @abstractmethod
    def promises(self) -> Iterator[ColumnPromise]:
        """Tell what holds for the treated column."""

    @abstractmethod
    def gives(self, declared: ColumnType, time_zone: str) -> pa.DataType:
        """Give the Arrow type of the treated column."""

    def told(self) -> str:
        """Name the treatment and its parameters for people, as in `generalize, to: month`."""
        parameters = self.model_dump(exclude_defaults=True, exclude={"kind"})
        chosen = {name: getattr(self, name) for name in ("of", "to") if hasattr(self, name)} | parameters
        kind: str = getattr(self, "kind", "treated")
        return ", ".join([kind, *(f"{name}: {_told(value)}" for name, value in chosen.items())])

    def misfit(self, declared: ColumnType) -> str | None:
        """Say why its parameters do not fit a column of a type that it can read; None where they do."""
        return None

    def needs(self) -> Mapping[str, frozenset[TypeName]]:
        """Name the columns beside the treated one that `treat` reads, each with the declared types it may have."""
        return {}

    def as_read(self, raw: pa.Array, treated: pa.Array) -> int | None:
        """Count the results that are values which were read; None where a result may be one."""
        return None

    def untreatable(self, column: pa.Array, beside: Mapping[str, pa.Array]) -> Iterator[tuple[pa.Array, str]]:
        """Tell the rows that it cannot treat, and why: they are set aside. `beside` as in `treat`."""
        yield from ()

    def for_clock(self, column: pa.Array, beside: Mapping[str, pa.Array], keys: Keys) -> pa.Array:
        """Give the dates or moments from which a clock may count, since its end is published: never later ones."""
        return column

    @property
    def strays(self) -> Decimal | None:
        """How far a result may lie from the value that was read, in its unit or in days; None if that is no matter."""
        return None

    @property
    def shaped_as_identifier(self) -> bool:
        """Whether its results look like identifiers of people and it promises their shape itself."""
        return False


def _told(parameter: object) -> str:
    """Write a parameter as policies do."""
    match parameter:
        case Mapping():
            return "{" + ", ".join(f"{name}: {_told(value)}" for name, value in parameter.items()) + "}"
        case tuple():
            return "[" + ", ".join(map(_told, parameter)) + "]"
    return str(parameter)


class TextTreatment(Treatment, ABC):
    """A treatment whose result is text."""

    def gives(self, declared: ColumnType, time_zone: str) -> pa.DataType:
        return pa.string()


def arrow(column: pd.Series) -> pa.Array:
    """Take the Arrow array out of a Series without copying (one chunk)."""
    chunks: pa.ChunkedArray = pa.chunked_array(column.array.__arrow_array__())
    return chunks.chunk(0) if chunks.num_chunks == 1 else chunks.combine_chunks()


def series(array: pa.Array | pa.ChunkedArray) -> pd.Series:
    """Wrap an Arrow array as a Series without copying."""
    return pd.Series(pd.arrays.ArrowExtensionArray(array), copy=False)
