"""Generalizing time: dates to the start of a period, birth dates to bands of age."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from privacy.column_types import ColumnType, TypeName
from privacy.keys import Keys
from privacy.local_dates import local_dates
from privacy.promises import ColumnPromise, InValues, Period, PeriodStart
from privacy.treatments.base import UNKNOWN, Beside, TextTreatment, Treatment, arrow, series
from privacy.treatments.labels import or_unknown, pick, where

_OLDEST = 120


class ToPeriod(Treatment):
    """Publish the first day of a date's period, for reports by day, month, quarter or year.

    Gives a date. A timestamp's date is the local one in the policy's time zone.
    """

    kind: Literal["generalize"] = "generalize"
    to: Period
    accepts: ClassVar = frozenset({"date", "timestamp"})

    def treat(self, column: pd.Series, beside: Beside, keys: Keys) -> pd.Series:
        dates = local_dates(arrow(column))
        return series(dates if self.to == "day" else pc.floor_temporal(dates, unit=self.to))

    def promises(self) -> Iterator[ColumnPromise]:
        yield PeriodStart(period=self.to)

    def gives(self, declared: ColumnType, time_zone: str) -> pa.DataType:
        return pa.date32()


class ToAgeBand(TextTreatment):
    """Publish a band of age instead of a birth date, for analyses of who buys what: `20-29`, `75+`.

    Age counts in completed years on the date in the column `at`; whoever is `top` or older shares one band, since few
    are. Someone born on 29 February grows older on 1 March. `unknown` below 0, above 120, or without a date in `at`.
    """

    kind: Literal["generalize"] = "generalize"
    to: Literal["age_band"] = "age_band"
    accepts: ClassVar = frozenset({"date", "timestamp"})

    at: str
    width: int = Field(default=10, ge=1)
    top: int = Field(default=75, ge=1, le=_OLDEST)

    def treat(self, column: pd.Series, beside: Beside, keys: Keys) -> pd.Series:
        birth = arrow(column)
        days = pc.subtract(_yyyymmdd(arrow(beside[self.at])), _yyyymmdd(birth))
        age = pc.divide(days, 10_000)
        band = pc.if_else(pc.less(age, self.top), pc.divide(age, self.width), len(self._labels()) - 1)
        lived = pc.and_(pc.greater_equal(days, 0), pc.less_equal(age, _OLDEST))
        return series(or_unknown(pick(self._labels(), where(lived, band)), birth))

    def promises(self) -> Iterator[ColumnPromise]:
        yield InValues(values=(*self._labels(), UNKNOWN))

    def needs(self) -> Mapping[str, frozenset[TypeName]]:
        return {self.at: frozenset({"date", "timestamp"})}

    def _labels(self) -> tuple[str, ...]:
        starts = range(0, self.top, self.width)
        bands = ((start, min(start + self.width, self.top) - 1) for start in starts)
        return (*(str(low) if low == high else f"{low}-{high}" for low, high in bands), f"{self.top}+")


def _yyyymmdd(column: pa.Array) -> pa.Array:
    """Write dates as the numbers that people write, whose differences count completed years by ten thousands."""
    dates = local_dates(column)
    months = pc.add(pc.multiply(pc.year(dates), 100), pc.month(dates))
    return pc.add(pc.multiply(months, 100), pc.day(dates))
