"""Generalizing addresses: Dutch postcodes to their first digits or to their province."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from privacy.column_types import TypeName
from privacy.keys import Keys
from privacy.promises import ColumnPromise, InValues, Matches
from privacy.treatments.base import UNKNOWN, Beside, TextTreatment, arrow, series
from privacy.treatments.labels import or_unknown, pick, where
from privacy.treatments.provinces import PROVINCE_OF_PC4, PROVINCES

ABROAD = "abroad"
_DUTCH = pa.array(["", "nl", "nld", "nederland", "netherlands", "the netherlands"])


class _Place(TextTreatment):
    """A treatment of Dutch postcodes (`1234 AB`, `1234AB`, `1234`).

    `country` names the column with the address's country; where that is neither Dutch nor missing, the row is `abroad`:
    four digits are a postcode in many countries.
    """

    kind: Literal["generalize"] = "generalize"
    accepts: ClassVar = frozenset({"text"})

    country: str | None = None

    def treat(self, column: pd.Series, beside: Beside, keys: Keys) -> pd.Series:
        text = arrow(column)
        trimmed = pc.utf8_trim_whitespace(text)
        postcode = where(pc.match_substring_regex(trimmed, "^[1-9][0-9]{3} ?([A-Za-z]{2})?$"), trimmed)
        place = or_unknown(self._place(pc.utf8_slice_codeunits(postcode, 0, 4)), text)
        if self.country is None:
            return series(place)
        country = pc.utf8_lower(pc.utf8_trim_whitespace(arrow(beside[self.country])))
        at_home = pc.or_(pc.is_null(country), pc.is_in(country, _DUTCH))
        return series(pc.if_else(pc.or_(at_home, pc.is_null(text)), place, ABROAD))

    @abstractmethod
    def _place(self, pc4: pa.Array) -> pa.Array:
        """Give the place of each four-digit postcode."""

    def needs(self) -> Mapping[str, frozenset[TypeName]]:
        return {} if self.country is None else {self.country: frozenset({"text"})}

    def _other_labels(self) -> tuple[str, ...]:
        return (UNKNOWN,) if self.country is None else (ABROAD, UNKNOWN)


class ToPostcode(_Place):
    """Publish the first digits of a Dutch postcode, for maps: `12` is the region of Hilversum, `1234` a village."""

    to: Literal["postcode"] = "postcode"

    digits: int = Field(default=2, ge=1, le=4)

    def _place(self, pc4: pa.Array) -> pa.Array:
        return pc.utf8_slice_codeunits(pc4, 0, self.digits)

    def promises(self) -> Iterator[ColumnPromise]:
        yield Matches(pattern="|".join(("[1-9]" + "[0-9]" * (self.digits - 1), *self._other_labels())))


class ToProvince(_Place):
    """Publish the province of a Dutch postcode, for regional figures that single nobody out."""

    to: Literal["province"] = "province"

    def _place(self, pc4: pa.Array) -> pa.Array:
        return pick(PROVINCES, PROVINCE_OF_PC4.take(pc4.cast(pa.int16())))

    def promises(self) -> Iterator[ColumnPromise]:
        yield InValues(values=(*PROVINCES, *self._other_labels()))
