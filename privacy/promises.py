"""Promises: what must hold in the candidate, as values; expectations/ turns each into a Great Expectations check.

A treatment promises what its output looks like; a policy may add promises to a column (`promises:`); the run adds those
that compare the candidate with what it read. A missing value (NULL) breaks only the promises that speak of NULL.
"""

from __future__ import annotations

import contextlib
import datetime
import re
from decimal import Decimal
from typing import Annotated, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Period = Literal["day", "month", "quarter", "year"]


class Promise(BaseModel):
    """Base of all promises: frozen, and silent about nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class IsToken(Promise):
    """Every value is a UUID of version 8 (RFC 9562), as pseudonymization makes them."""

    kind: Literal["is_token"] = "is_token"


class IsNull(Promise):
    """The column is empty: it was suppressed."""

    kind: Literal["is_null"] = "is_null"


class NotNull(Promise):
    """No value is missing."""

    kind: Literal["not_null"] = "not_null"


class Unique(Promise):
    """No value occurs twice."""

    kind: Literal["unique"] = "unique"


class InValues(Promise):
    """Every value is one of these."""

    kind: Literal["in_values"] = "in_values"
    values: tuple[str, ...] = Field(min_length=1)


def _regular_expression(pattern: str) -> str:
    if re.search(r"(?<!\\)(\\\\)*\\C", pattern):
        raise ValueError("takes letters apart into bytes (\\C), which not every warehouse can")
    with contextlib.suppress(pa.ArrowInvalid):
        pc.match_substring_regex(pa.scalar(""), pattern)
        return pattern
    raise ValueError("is no regular expression of RE2, which knows neither look-around nor back-references")


class Matches(Promise):
    """Every value matches this regular expression (RE2 syntax) as a whole."""

    kind: Literal["matches"] = "matches"
    pattern: Annotated[str, Field(min_length=1), AfterValidator(_regular_expression)]


def _number(bound: object) -> object:
    if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int | float) or bound != bound):
        raise ValueError("is not a number")
    return bound


Bound = Annotated[int | float | None, BeforeValidator(_number)]


class Between(Promise):
    """Every value lies between these bounds, both included; None is no bound."""

    kind: Literal["between"] = "between"
    least: Bound = None
    most: Bound = None

    @model_validator(mode="after")
    def _some_room(self) -> Between:
        if self.least is None and self.most is None:
            raise ValueError("give least, most, or both")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError("least must not lie above most")
        return self


class MultipleOf(Promise):
    """Every value is a multiple of this step, exactly."""

    kind: Literal["multiple_of"] = "multiple_of"
    step: Decimal = Field(gt=0)


class PeriodStart(Promise):
    """Every date is the first day of a period."""

    kind: Literal["period_start"] = "period_start"
    period: Period


class MaxNullRate(Promise):
    """At most this share (0 to 1) of the values is missing."""

    kind: Literal["max_null_rate"] = "max_null_rate"
    share: float = Field(ge=0, le=1)


class NoRawIdentifier(Promise):
    """No value holds anything shaped like a direct identifier (e-mail, phone, IBAN, IP address, plate, VIN …)."""

    kind: Literal["no_raw_identifier"] = "no_raw_identifier"


class NoValueDrift(Promise):
    """At most `allowed` rows hold a value of one personal kind; told kind by kind.

    In a column of a personal role all that is shaped like an identifier counts (`strictly`), in others what is no
    accident.
    """

    kind: Literal["no_value_drift"] = "no_value_drift"
    of: Literal["text", "number"]
    strictly: bool
    allowed: int


class NullCount(Promise):
    """Exactly so many values are missing as were missing in the rows read: no treatment swallowed a value."""

    kind: Literal["null_count"] = "null_count"
    nulls: int


class SumEquals(Promise):
    """The column's sum is exactly that of the published rows in the source."""

    kind: Literal["sum_equals"] = "sum_equals"
    total: Decimal


class SumWithin(Promise):
    """The column adds up to what was read, give or take so much; dates count as days since 1970-01-01."""

    kind: Literal["sum_within"] = "sum_within"
    total: Decimal
    most: Decimal = Field(ge=0)
    of: Literal["numbers", "dates"] = "numbers"


class NoneAsRead(Promise):
    """No published value is one that was read; `rows` are."""

    kind: Literal["none_as_read"] = "none_as_read"
    rows: int


class RowCount(Promise):
    """The table has exactly the rows that were let through."""

    kind: Literal["row_count"] = "row_count"
    rows: int


class NotEmpty(Promise):
    """The table holds rows: some may be published, or all that were read were set aside."""

    kind: Literal["not_empty"] = "not_empty"


class UniqueKey(Promise):
    """No key stands twice, and the rows stand in its order, so that their position says nothing."""

    kind: Literal["unique_key"] = "unique_key"


class NothingExpired(Promise):
    """No row has reached the first day on which it must be absent."""

    kind: Literal["nothing_expired"] = "nothing_expired"
    as_of: datetime.date


class ReferenceHolds(Promise):
    """Every value stands in the key column of the published table that it refers to."""

    kind: Literal["reference_holds"] = "reference_holds"
    table: str
    key: str


class WithinQuarantine(Promise):
    """At most `allowed` rows of the table went to quarantine; `rows` did."""

    kind: Literal["within_quarantine"] = "within_quarantine"
    rows: int
    allowed: int


class Reconciles(Promise):
    """As many rows (or as much money, in whole units of the column's scale) were read as the source itself counts."""

    kind: Literal["reconciles"] = "reconciles"
    read: Decimal
    counted: Decimal


ColumnPromise = Annotated[
    IsToken
    | IsNull
    | NotNull
    | Unique
    | InValues
    | Matches
    | Between
    | MultipleOf
    | PeriodStart
    | MaxNullRate
    | NoRawIdentifier,
    Field(discriminator="kind"),
]
"""What a policy may add to a column under `promises:`."""

RunPromise = (
    NoValueDrift
    | NullCount
    | SumEquals
    | SumWithin
    | NoneAsRead
    | RowCount
    | UniqueKey
    | NotEmpty
    | NothingExpired
    | ReferenceHolds
    | WithinQuarantine
    | Reconciles
)
"""What the run itself must show of a candidate table."""
