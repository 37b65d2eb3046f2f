"""Randomization of numbers: keyed noise within bounds, the same in every run (ISO/IEC 20889)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import ClassVar, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from privacy.column_types import ColumnType
from privacy.draws import draws
from privacy.keys import Keys
from privacy.promises import ColumnPromise
from privacy.treatments.base import Beside, arrow, series
from privacy.treatments.domains import SubjectTreatment
from privacy.treatments.units import EXACT, limits, too_fine_or_large, units_of, wide, wide_number, wide_numbers


class Noise(SubjectTreatment):
    """Publish a number plus a secret one between -`most` and `most`, every one of them equally likely.

    The noise follows from `by`, the row's key for instance, so that it is the same in every run and cannot be averaged
    away. `quantity` names what is measured: columns of one quantity carry the same noise for the same `by`, others
    carry independent ones. Gives the column's own type; what it cannot hold becomes its bound. Rows without `by` are
    set aside.
    """

    kind: Literal["noise"] = "noise"
    accepts: ClassVar = EXACT

    quantity: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    most: Decimal = Field(gt=0)

    def treat(self, column: pd.Series, beside: Beside, keys: Keys) -> pd.Series:
        numbers = arrow(column)
        most = units_of(self.most, numbers.type) or 0
        key = keys.noise_key(self.quantity, self.domain)
        units = pc.subtract(draws(arrow(beside[self.by]), self.form, key, 2 * most + 1), most)
        noisy = pc.add(numbers.cast(wide(numbers.type)), wide_numbers(units, numbers.type))
        least, greatest = (wide_number(limit, numbers.type).cast(noisy.type) for limit in limits(numbers.type))
        noisy = pc.min_element_wise(pc.max_element_wise(noisy, least, skip_nulls=False), greatest, skip_nulls=False)
        return series(noisy.cast(numbers.type))

    def promises(self) -> Iterator[ColumnPromise]:
        """Promise nothing of a value by itself: the run compares sums with what it read."""
        yield from ()

    def gives(self, declared: ColumnType, time_zone: str) -> pa.DataType:
        return declared.arrow(time_zone)

    def misfit(self, declared: ColumnType) -> str | None:
        return too_fine_or_large("most", self.most, declared)

    @property
    def strays(self) -> Decimal:
        return self.most

    def untreatable(self, column: pa.Array, beside: Mapping[str, pa.Array]) -> Iterator[tuple[pa.Array, str]]:
        yield self.without_subject(column, beside)
