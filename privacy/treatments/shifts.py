"""Randomization of dates: one secret shift for all that happened to a subject (ISO/IEC 20889)."""

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
from privacy.local_dates import local_dates
from privacy.promises import ColumnPromise
from privacy.treatments.base import Beside, arrow, series
from privacy.treatments.domains import SubjectTreatment

_FIRST, _LAST = -719_162, 2_932_896
"""0001-01-01 and 9999-12-31 as days since 1970-01-01: the calendar that analysts' tools know."""


class ShiftDates(SubjectTreatment):
    """Publish dates shifted by some days, the same for all dates of one subject, for studies of what follows what.

    Gives a date. Intervals within one subject stay exact; when it was does not, by 1 to `most` days either way. One
    date that somebody knows gives all of that subject's away. Rows without a subject are set aside, and so are
    dates that the calendar of the years 1 to 9999 could not hold once shifted.
    """

    kind: Literal["shift_dates"] = "shift_dates"
    accepts: ClassVar = frozenset({"date", "timestamp"})

    most: int = Field(ge=1, le=3650)

    def treat(self, column: pd.Series, beside: Beside, keys: Keys) -> pd.Series:
        return series(self._shifted(arrow(column), arrow(beside[self.by]), keys))

    def promises(self) -> Iterator[ColumnPromise]:
        """Promise nothing of a value by itself: the run compares with what it read."""
        yield from ()

    def gives(self, declared: ColumnType, time_zone: str) -> pa.DataType:
        return pa.date32()

    @property
    def strays(self) -> Decimal:
        return Decimal(self.most)

    def as_read(self, raw: pa.Array, treated: pa.Array) -> int:
        return pc.sum(pc.equal(local_dates(raw), treated)).as_py() or 0

    def untreatable(self, column: pa.Array, beside: Mapping[str, pa.Array]) -> Iterator[tuple[pa.Array, str]]:
        yield self.without_subject(column, beside)
        days = local_dates(column).cast(pa.int32())
        beyond = pc.or_(pc.less(days, _FIRST + self.most), pc.greater(days, _LAST - self.most))
        yield beyond, "too near an end of the calendar to be shifted"

    def for_clock(self, column: pa.Array, beside: Mapping[str, pa.Array], keys: Keys) -> pa.Array:
        """Count from the shifted date less `most` days: never later than the real one, and telling nothing of it."""
        return _moved(self._shifted(column, beside[self.by], keys), -self.most)

    def _shifted(self, column: pa.Array, subject: pa.Array, keys: Keys) -> pa.Array:
        drawn = draws(subject, self.form, keys.shift_key(self.domain), 2 * self.most)
        shift = pc.subtract(drawn, pc.if_else(pc.less(drawn, self.most), self.most, self.most - 1))
        return _moved(local_dates(column), shift)


def _moved(dates: pa.Array, days: pa.Array | int) -> pa.Array:
    return pc.add(dates.cast(pa.int32()), days).cast(pa.int32()).cast(pa.date32())
