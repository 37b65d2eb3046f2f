"""Rounding of numbers: the nearest multiple of a step (ISO/IEC 20889)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import ClassVar, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from privacy.column_types import ColumnType
from privacy.keys import Keys
from privacy.promises import ColumnPromise, MultipleOf
from privacy.treatments.base import Beside, Treatment, arrow, series
from privacy.treatments.units import EXACT, limits, too_fine_or_large, units_of, wide_number


class Round(Treatment):
    """Publish the nearest multiple of `step`, of two equally near ones the even multiple, so that sums do not drift.

    Gives the column's own type, exactly. Where that cannot hold the nearest multiple, the last one that it can.
    """

    kind: Literal["round"] = "round"
    accepts: ClassVar = EXACT

    step: Decimal = Field(gt=0)

    def treat(self, column: pd.Series, beside: Beside, keys: Keys) -> pd.Series:
        numbers = arrow(column)
        type_, step = numbers.type, units_of(self.step, numbers.type) or 1
        least, greatest = (wide_number(_towards_zero(units, step), type_).cast(type_) for units in limits(type_))
        within = pc.min_element_wise(pc.max_element_wise(numbers, least, skip_nulls=False), greatest, skip_nulls=False)
        return series(pc.round_to_multiple(within, wide_number(step, type_).cast(type_), round_mode="half_to_even"))

    def promises(self) -> Iterator[ColumnPromise]:
        yield MultipleOf(step=self.step)

    def gives(self, declared: ColumnType, time_zone: str) -> pa.DataType:
        return declared.arrow(time_zone)

    def misfit(self, declared: ColumnType) -> str | None:
        if units_of(self.step, declared.arrow("UTC")) == 1:
            return f"has a step that leaves every {declared} as it is"
        return too_fine_or_large("step", self.step, declared)


def _towards_zero(units: int, step: int) -> int:
    """Give the last multiple of a step before a limit."""
    return units // step * step if units > 0 else -(-units // step * step)
