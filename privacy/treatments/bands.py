"""Generalizing numbers: to bands, to steps of one width, or to a narrower range (top and bottom coding)."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation
from itertools import pairwise
from typing import ClassVar, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator, model_validator

from privacy.column_types import ColumnType, TypeName
from privacy.keys import Keys
from privacy.promises import Between, ColumnPromise, InValues, Matches
from privacy.treatments.base import UNKNOWN, Beside, TextTreatment, Treatment, arrow, series
from privacy.treatments.labels import or_unknown, pick, where

_WIDEST = 2**62
"""A step that the numbers of an integer column still have room for."""

_NUMBERS: frozenset[TypeName] = frozenset({"integer", "decimal", "double"})


class ToBand(TextTreatment):
    """Publish the band that a number falls in, for analyses by order of size: `<10`, `10-50`, `>=50`.

    A band holds its lower edge and not its upper one. `unknown` for a double that is not a number.
    """

    kind: Literal["generalize"] = "generalize"
    to: Literal["band"] = "band"
    accepts: ClassVar = _NUMBERS

    edges: tuple[Decimal, ...] = Field(min_length=1)

    @field_validator("edges")
    @classmethod
    def _ascending(cls, edges: tuple[Decimal, ...]) -> tuple[Decimal, ...]:
        if any(low >= high for low, high in pairwise(edges)):
            raise ValueError("edges must rise, each above the one before")
        return edges

    def treat(self, column: pd.Series, beside: Beside, keys: Keys) -> pd.Series:
        numbers = arrow(column)
        above = [pc.greater_equal(numbers, _edge(edge, numbers.type)).cast(pa.int32()) for edge in self.edges]
        band = functools.reduce(pc.add, above)
        if pa.types.is_floating(numbers.type):
            band = where(pc.invert(pc.is_nan(numbers)), band)
        return series(or_unknown(pick(self._labels(), band), numbers))

    def promises(self) -> Iterator[ColumnPromise]:
        yield InValues(values=(*self._labels(), UNKNOWN))

    def misfit(self, declared: ColumnType) -> str | None:
        nothing = pa.array([], declared.arrow("UTC"))
        with contextlib.suppress(pa.ArrowInvalid, OverflowError):
            for edge in self.edges:
                pc.greater_equal(nothing, _edge(edge, nothing.type))
            return None
        return f"has an edge that {declared} cannot be compared with"

    def _labels(self) -> tuple[str, ...]:
        between = (f"{low:f}-{high:f}" for low, high in pairwise(self.edges))
        return (f"<{self.edges[0]:f}", *between, f">={self.edges[-1]:f}")


class ToStep(TextTreatment):
    """Publish the step of a whole number, for years and counts: a building year of 2017 by 5 as `2015-2019`."""

    kind: Literal["generalize"] = "generalize"
    to: Literal["step"] = "step"
    accepts: ClassVar = frozenset({"integer"})

    width: int = Field(ge=2, le=_WIDEST)

    def treat(self, column: pd.Series, beside: Beside, keys: Keys) -> pd.Series:
        numbers = arrow(column)
        rest = pc.subtract(numbers, pc.multiply(pc.divide(numbers, self.width), self.width))
        start = pc.subtract(numbers, pc.if_else(pc.less(rest, 0), pc.add(rest, self.width), rest))
        end = pc.add(start, self.width - 1)
        within_int64 = pc.and_(pc.less_equal(start, numbers), pc.greater_equal(end, numbers))
        label = pc.binary_join_element_wise(start.cast(pa.string()), end.cast(pa.string()), "-")
        return series(or_unknown(where(within_int64, label), numbers))

    def promises(self) -> Iterator[ColumnPromise]:
        yield Matches(pattern=f"-?[0-9]+--?[0-9]+|{UNKNOWN}")


class ToClamp(Treatment):
    """Publish a number that lies outside `least` and `most` as that bound, so that no extreme points at a person.

    Gives the column's own type (top and bottom coding, ISO/IEC 20889). Bounds finer than the type are drawn inwards.
    """

    kind: Literal["generalize"] = "generalize"
    to: Literal["clamp"] = "clamp"
    accepts: ClassVar = _NUMBERS

    least: Decimal | None = None
    most: Decimal | None = None

    @model_validator(mode="after")
    def _some_room(self) -> ToClamp:
        if self.least is None and self.most is None:
            raise ValueError("name least, most or both")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError("least must not lie above most")
        return self

    def treat(self, column: pd.Series, beside: Beside, keys: Keys) -> pd.Series:
        numbers = arrow(column)
        least, most = self._bounds(numbers.type)
        if least is not None:
            numbers = pc.max_element_wise(numbers, least, skip_nulls=False)
        if most is not None:
            numbers = pc.min_element_wise(numbers, most, skip_nulls=False)
        return series(numbers)

    def misfit(self, declared: ColumnType) -> str | None:
        with contextlib.suppress(pa.ArrowInvalid, OverflowError, InvalidOperation):
            least, most = self._bounds(declared.arrow("UTC"))
            if least is not None and most is not None and least.as_py() > most.as_py():
                return f"leaves no {declared} between its bounds"
            return None
        return f"has a bound that {declared} cannot hold"

    def _bounds(self, type_: pa.DataType) -> tuple[pa.Scalar | None, pa.Scalar | None]:
        least = None if self.least is None else _bound(self.least, type_, ROUND_CEILING)
        return least, None if self.most is None else _bound(self.most, type_, ROUND_FLOOR)

    def promises(self) -> Iterator[ColumnPromise]:
        yield Between(least=_plain(self.least), most=_plain(self.most))

    def gives(self, declared: ColumnType, time_zone: str) -> pa.DataType:
        return declared.arrow(time_zone)


def _edge(number: Decimal, type_: pa.DataType) -> pa.Scalar:
    """Make a number that compares exactly with a column of this type, and fast where it is whole."""
    if pa.types.is_floating(type_):
        return pa.scalar(float(number))
    if pa.types.is_integer(type_) and number == int(number):
        return pa.scalar(int(number))
    return pa.scalar(number)


def _bound(number: Decimal, type_: pa.DataType, rounding: str) -> pa.Scalar:
    """Make a number of the column's own type."""
    if pa.types.is_floating(type_):
        if math.isinf(float(number)):
            raise OverflowError
        return pa.scalar(float(number))
    if pa.types.is_integer(type_):
        return pa.scalar(int(number.to_integral_value(rounding)), type_)
    return pa.scalar(number.quantize(Decimal(1).scaleb(-type_.scale), rounding), type_)


def _plain(bound: Decimal | None) -> int | float | None:
    if bound is None:
        return None
    return int(bound) if bound == int(bound) else float(bound)
