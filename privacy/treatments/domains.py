"""What treatments keyed by a person or thing share: a join domain, and the form of its values."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, ValidationInfo, model_validator
from pydantic.json_schema import SkipJsonSchema

from privacy.canonical import Form, canonical
from privacy.column_types import TypeName
from privacy.treatments.base import Treatment


class DomainTreatment(Treatment, ABC):
    """A treatment keyed within one domain.

    `form`, what the domain's values are, comes from the policy's `domains` and is not written at the column.
    """

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


class SubjectTreatment(DomainTreatment, ABC):
    """A treatment keyed by the column beside it that tells whose the row is: `by`, a value of the domain."""

    by: str

    def needs(self) -> Mapping[str, frozenset[TypeName]]:
        return {self.by: frozenset({"integer" if self.form == "integer" else "text"})}

    def without_subject(self, column: pa.Array, beside: Mapping[str, pa.Array]) -> tuple[pa.Array, str]:
        """Tell the rows with a value and no subject, and what is wrong with them."""
        nobody = canonical(beside[self.by], self.form).is_null()
        return pc.and_(column.is_valid(), nobody), f"no {self.by} beside it"
