"""Keep and suppress: the two ends of the scale."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import pandas as pd
import pyarrow as pa

from privacy.column_types import ColumnType
from privacy.keys import Keys
from privacy.promises import ColumnPromise, IsNull
from privacy.treatments.base import ANY_TYPE, Beside, Treatment, arrow, series


class Keep(Treatment):
    """Publish the value as it is; the policy says why (`because`)."""

    kind: Literal["keep"] = "keep"
    accepts: ClassVar = ANY_TYPE

    def treat(self, column: pd.Series, beside: Beside, keys: Keys) -> pd.Series:
        return column

    def promises(self) -> Iterator[ColumnPromise]:
        yield from ()

    def gives(self, declared: ColumnType, time_zone: str) -> pa.DataType:
        return declared.arrow(time_zone)


class Suppress(Treatment):
    """Publish the column empty (ISO/IEC 20889, 9.2): its value is not even read from the source."""

    kind: Literal["suppress"] = "suppress"
    accepts: ClassVar = ANY_TYPE

    def treat(self, column: pd.Series, beside: Beside, keys: Keys) -> pd.Series:
        return series(pa.nulls(len(column), arrow(column).type))

    def promises(self) -> Iterator[ColumnPromise]:
        yield IsNull()

    def gives(self, declared: ColumnType, time_zone: str) -> pa.DataType:
        return declared.arrow(time_zone)
