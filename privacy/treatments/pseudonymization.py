"""Pseudonymization: keyed tokens that join within one domain and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import pandas as pd
import pyarrow as pa
from pydantic import Field, ValidationInfo, model_validator
from pydantic.json_schema import SkipJsonSchema

from privacy.canonical import Form
from privacy.column_types import ColumnType
from privacy.keys import Keys
from privacy.promises import ColumnPromise, IsToken
from privacy.tokens import tokens
from privacy.treatments.base import Beside, Treatment, arrow, series


class Pseudonymize(Treatment):
    """Replace each value by a keyed token, so that equal values keep joining within one domain.

    Tokens are personal data still (GDPR recital 26): whoever holds the key can single out a known person.
    `form`, what the domain's values are, comes from the policy's `domains` and is not written at the column.
    """

    kind: Literal["pseudonymize"] = "pseudonymize"
    accepts: ClassVar = frozenset({"integer", "text"})

    domain: str
    form: SkipJsonSchema[Form] = Field(default="text", exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _look_up_form(cls, given: Any, info: ValidationInfo) -> Any:
        """Fill in the form of the domain while a policy is read (its domains are the context)."""
        if info.context is None:
            return given
        if "form" in given:
            raise ValueError("the form of a token is set at its domain (domains.<name>.of)")
        domain = info.context["domains"].get(str(given.get("domain")))
        if not isinstance(domain, dict):
            known = ", ".join(map(str, info.context["domains"]))
            raise ValueError(f"unknown domain; declare it under domains, or use one of {known}")
        return {**given, "form": domain.get("of", "text")}

    def treat(self, column: pd.Series, beside: Beside, keys: Keys) -> pd.Series:
        return series(tokens(arrow(column), self.form, keys.token_key(self.domain)))

    def promises(self) -> Iterator[ColumnPromise]:
        yield IsToken()

    def gives(self, declared: ColumnType, time_zone: str) -> pa.DataType:
        return pa.uuid()
