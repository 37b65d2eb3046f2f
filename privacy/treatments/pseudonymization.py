"""Pseudonymization: keyed tokens that join within one domain and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import pandas as pd
import pyarrow as pa

from privacy.column_types import ColumnType
from privacy.keys import Keys
from privacy.promises import ColumnPromise, IsToken
from privacy.tokens import tokens
from privacy.treatments.base import Beside, arrow, series
from privacy.treatments.domains import DomainTreatment


class Pseudonymize(DomainTreatment):
    """Replace each value by a keyed token, so that equal values keep joining within one domain.

    Tokens are personal data still (GDPR recital 26): whoever holds the key can single out a known person.
    """

    kind: Literal["pseudonymize"] = "pseudonymize"
    accepts: ClassVar = frozenset({"integer", "text"})

    def treat(self, column: pd.Series, beside: Beside, keys: Keys) -> pd.Series:
        return series(tokens(arrow(column), self.form, keys.token_key(self.domain)))

    def promises(self) -> Iterator[ColumnPromise]:
        yield IsToken()

    def gives(self, declared: ColumnType, time_zone: str) -> pa.DataType:
        return pa.uuid()
