"""Synthesis: an invented value instead of the real one, the same for one person in every table (ISO/IEC 20889)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import PrivateAttr, field_validator, model_validator

from privacy.draws import draws
from privacy.keys import Keys
from privacy.pools import Part, Taken, folded, pool
from privacy.promises import ColumnPromise, InValues, Matches
from privacy.treatments.base import UNKNOWN, Beside, TextTreatment, arrow, series
from privacy.treatments.domains import SubjectTreatment
from privacy.treatments.labels import or_unknown

_PARTS: dict[str, tuple[Part, ...]] = {"name": ("first_name", "last_name"), "email": ("first_name", "last_name")}

_SHAPES = {
    "last_name": r"\pL+-\pL+",
    "name": r"\pL+ \pL+-\pL+",
    "email": r"[a-z]+[.][a-z]+-[a-z]+@synthetic[.]invalid",
}


class Synthesize(SubjectTreatment, TextTreatment):
    """Publish an invented value that belongs to the subject in `by`, for tests and screens that need something to show.

    One person has the same value in every table of the domain, and a first name, last name, name and e-mail address
    that fit each other; two people may share one. Without a subject: `unknown`. A last name, name or company that
    really occurs in the source is nobody's. E-mail addresses are of a domain that cannot exist (RFC 2606).
    """

    kind: Literal["synthesize"] = "synthesize"
    of: Literal["first_name", "last_name", "name", "email", "company", "city", "street"]
    accepts: ClassVar = frozenset({"text"})
    tells_subject: ClassVar = True

    locale: str = "nl_NL"

    _free: dict[Part, pa.Array] = PrivateAttr(default_factory=dict)

    @field_validator("locale")
    @classmethod
    def _known(cls, locale: str) -> str:
        from faker.config import AVAILABLE_LOCALES

        if locale not in AVAILABLE_LOCALES:
            raise ValueError("is not a locale of Faker, such as nl_NL or de_DE")
        return locale

    @model_validator(mode="after")
    def _large_enough(self) -> Synthesize:
        for part in self._parts():
            self._pool(part)
        return self

    @property
    def looks_ahead(self) -> bool:
        """Whether none of its column's real values may be drawn."""
        return self.of in ("last_name", "name", "company")

    def note_taken(self, column: pa.Array, taken: Taken) -> None:
        """Look at real values before any is treated."""
        for part in self._parts():
            taken.note(part, self.locale, column)

    def avoiding(self, taken: Taken) -> Synthesize:
        """Give this treatment as it draws where what is taken is left out."""
        ready = self.model_copy()
        found = {part: taken.free(part, self.locale) for part in self._parts()}
        ready._free = {part: free for part, free in found.items() if free is not None}
        return ready

    def treat(self, column: pd.Series, beside: Beside, keys: Keys) -> pd.Series:
        subject = arrow(beside[self.by])
        drawn = [self._draw(part, subject, keys) for part in self._parts()]
        value = drawn[0]
        if len(drawn) > 1:
            value = pc.binary_join_element_wise(*drawn, "." if self.of == "email" else " ")
        if self.of == "email":
            value = pc.binary_join_element_wise(value, "synthetic.invalid", "@")
        return series(or_unknown(value, arrow(column)))

    def promises(self) -> Iterator[ColumnPromise]:
        if self.of in _SHAPES:
            yield Matches(pattern=f"{_SHAPES[self.of]}|{UNKNOWN}")
        else:
            yield InValues(values=(*self._pool(self._parts()[0]).to_pylist(), UNKNOWN))

    def as_read(self, raw: pa.Array, treated: pa.Array) -> int | None:
        if not self.looks_ahead:
            return None
        same = pc.and_(pc.is_in(folded(treated), folded(raw).drop_null()), pc.not_equal(treated, UNKNOWN))
        return pc.sum(same).as_py() or 0

    @property
    def shaped_as_identifier(self) -> bool:
        return self.of == "email"

    def _draw(self, part: Part, subject: pa.Array, keys: Keys) -> pa.Array:
        values = self._pool(part)
        index = draws(subject, self.form, keys.synthesis_key(part, self.domain), len(values))
        return values.take(self._free[part].take(index) if part in self._free else index)

    def _parts(self) -> tuple[Part, ...]:
        return _PARTS.get(self.of) or (self.of,)  # type: ignore[return-value]

    def _pool(self, part: Part) -> pa.Array:
        return pool(part, self.locale, for_mail=self.of == "email")
