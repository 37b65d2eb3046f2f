"""Treating by a function of the user's own, held to what the policy declares of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from privacy.column_types import ColumnType, DeclaredType, TypeName
from privacy.errors import TreatmentError
from privacy.keys import Keys
from privacy.leak_proof import class_name
from privacy.promises import ColumnPromise
from privacy.treatments.base import ANY_TYPE, Beside, Treatment, arrow, series
from privacy.treatments.own_functions import code_digest, line_in, own_function

_TRIED_AGAIN = 1024
"""How many rows at either end of a batch are treated a second time, by themselves."""

_IS: dict[TypeName, Callable[[pa.DataType], bool]] = {
    "text": lambda found: pa.types.is_string(found) or pa.types.is_large_string(found),
    "integer": pa.types.is_integer,
    "decimal": pa.types.is_decimal,
    "double": pa.types.is_floating,
    "boolean": pa.types.is_boolean,
    "date": pa.types.is_date32,
}


class Custom(Treatment):
    """Publish what a function of your own makes of a column, where no treatment here does.

    function(column, beside) gets a Series and a DataFrame of the columns in `needs`, both backed by Arrow, and gives a
    Series of the declared type. Each row's result must follow from that row alone. What is wrong with a result is told
    in counts; an exception by its class and line, because its message may quote a value.
    """

    kind: Literal["custom"] = "custom"
    accepts: ClassVar = ANY_TYPE

    function: str = Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")
    result: DeclaredType = Field(alias="gives")
    beside: tuple[str, ...] = Field(default=(), alias="needs")

    @field_validator("function")
    @classmethod
    def _usable(cls, function: str) -> str:
        own_function(function)
        code_digest(function)
        return function

    @field_validator("result")
    @classmethod
    def _without_zone(cls, result: ColumnType) -> ColumnType:
        if result.name not in _IS:
            raise ValueError("a function gives no timestamp, because it does not know the time zone; give a date")
        return result

    @property
    def code_digest(self) -> str:
        """Give the SHA-256 of the source of the function's module."""
        return code_digest(self.function)

    def treat(self, column: pd.Series, beside: Beside, keys: Keys) -> pd.Series:
        raw = arrow(column)
        others = {name: arrow(other) for name, other in beside.items()}
        if not len(raw):
            return series(pa.array([], self.result.arrow("")))
        whole = self._called(raw, others)
        rows = min(_TRIED_AGAIN, (len(raw) + 1) // 2)
        for start in (0, len(raw) - rows):
            part = self._called(
                raw.slice(start, rows), {name: other.slice(start, rows) for name, other in others.items()}
            )
            if not _bits(part).equals(_bits(whole.slice(start, rows))):
                raise self._refusal(
                    "gave other results for a part of a batch than for the whole; "
                    "what becomes of a row must follow from that row alone"
                )
        return series(whole)

    def promises(self) -> Iterator[ColumnPromise]:
        """Promise nothing: the policy must, at the column."""
        yield from ()

    def gives(self, declared: ColumnType, time_zone: str) -> pa.DataType:
        return self.result.arrow(time_zone)

    def needs(self) -> Mapping[str, frozenset[TypeName]]:
        return dict.fromkeys(self.beside, ANY_TYPE)

    def told(self) -> str:
        return f"custom, function: {self.function}, gives: {self.result}, code: {self.code_digest[:12]}"

    def _called(self, raw: pa.Array, beside: Mapping[str, pa.Array]) -> pa.Array:
        """Call the function, and refuse a result that is not what was declared."""
        column = series(raw)
        frame = pd.DataFrame({name: series(other) for name, other in beside.items()}, index=column.index)
        problem = None
        try:
            result = own_function(self.function)(column, frame)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # such as GeneratorExit, whose message would be Python's to show
            problem = f"raised {class_name(error)}{line_in(self.function, error)}; its message is withheld"
        if problem:
            raise self._refusal(problem)
        return self._as_declared(result, raw)

    def _as_declared(self, result: object, raw: pa.Array) -> pa.Array:
        if not isinstance(result, pd.Series):
            raise self._refusal("gave no pandas Series")
        if len(result) != len(raw):
            raise self._refusal(f"gave {len(result):,} values for {len(raw):,}")
        if not result.index.equals(pd.RangeIndex(len(raw))):
            raise self._refusal("gave its values under another index or in another order than the column's")
        found = _cast(result, self.result)
        if found is None:
            raise self._refusal(f"gave {result.dtype} where {self.result} is declared, or values that do not fit it")
        swallowed = _count(pc.and_(raw.is_valid(), found.is_null()))
        made_up = _count(pc.and_(raw.is_null(), found.is_valid()))
        if swallowed or made_up:
            raise self._refusal(
                f"gave nothing for {swallowed:,} values and something for {made_up:,} missing ones; "
                "NULL stays NULL, and nothing else becomes NULL"
            )
        return found

    def _refusal(self, problem: str) -> TreatmentError:
        return TreatmentError(f"{self.function} {problem}.\n  Mend the function; docs/treatments.md says what it owes.")


def _cast(result: pd.Series, declared: ColumnType) -> pa.Array | None:
    """Read a result as what was declared, None where it is anything else: values are widened, not converted."""
    try:
        found = pa.array(result, from_pandas=True)
        if isinstance(found, pa.ChunkedArray):
            found = found.combine_chunks()
        if pa.types.is_null(found.type) or _IS[declared.name](found.type):
            return found.cast(declared.arrow(""))
    except (pa.ArrowException, ValueError, TypeError, ArithmeticError):
        pass
    return None


def _bits(column: pa.Array) -> pa.Array:
    """Make columns comparable in which not-a-number is to equal itself."""
    return column.view(pa.int64()) if pa.types.is_float64(column.type) else column


def _count(condition: pa.Array) -> int:
    return pc.sum(condition).as_py() or 0
