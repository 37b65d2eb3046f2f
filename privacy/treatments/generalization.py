"""Generalization: a coarser value that many share (ISO/IEC 20889)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import pandas as pd
import pyarrow.compute as pc
from pydantic import Field

from privacy.keys import Keys
from privacy.promises import ColumnPromise, InValues
from privacy.treatments.bands import ToBand, ToClamp, ToStep
from privacy.treatments.base import Beside, TextTreatment, arrow, series
from privacy.treatments.labels import Classes, class_of, or_unknown
from privacy.treatments.periods import ToAgeBand, ToPeriod
from privacy.treatments.places import ToPostcode, ToProvince
from privacy.treatments.user_agents import ToBrowserFamily


class ToCategory(TextTreatment):
    """Publish the group that a text belongs to, for analyses in the shop's own terms.

    `groups` names each group and its values, spelled as in the source; every other value is `other`.
    """

    kind: Literal["generalize"] = "generalize"
    to: Literal["category"] = "category"
    accepts: ClassVar = frozenset({"text"})

    groups: Classes
    other: str = Field(default="other", min_length=1)

    def treat(self, column: pd.Series, beside: Beside, keys: Keys) -> pd.Series:
        text = arrow(column)
        group = class_of(pc.utf8_trim_whitespace(text), self.groups, self.other)
        return series(or_unknown(group, text))

    def promises(self) -> Iterator[ColumnPromise]:
        yield InValues(values=(*self.groups, self.other))


Generalize = Annotated[
    ToPeriod | ToAgeBand | ToPostcode | ToProvince | ToBand | ToStep | ToClamp | ToCategory | ToBrowserFamily,
    Field(discriminator="to"),
]
"""What a value can be generalized to, told apart by `to`."""
