"""The part of a policy that is about incremental runs: how changed rows are recognised, and when all are read anew."""

from __future__ import annotations

import datetime
import re
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from privacy.policy_parts import Part, SourceName
from privacy.retention_rules import DeclaredDuration, Duration

_SPAN = r"^[1-9]\d{0,3} (day|days|hour|hours|minute|minutes)$"


def _span(text: object) -> datetime.timedelta:
    """Read `90 minutes`, `1 hour` or `2 days`."""
    if isinstance(text, datetime.timedelta):
        return text
    if not isinstance(text, str) or not re.match(_SPAN, text):
        raise ValueError("a span of time reads like '90 minutes', '1 hour' or '2 days'")
    number, unit = text.split()
    return datetime.timedelta(**{f"{unit.rstrip('s')}s": int(number)})


def _told(span: datetime.timedelta) -> str:
    return f"{span // datetime.timedelta(minutes=1)} minutes"


Span = Annotated[
    datetime.timedelta,
    BeforeValidator(_span),
    PlainSerializer(_told),
    WithJsonSchema({"type": "string", "pattern": _SPAN}),
]


class Incremental(Part):
    """How a run finds the rows that changed since the last one, where its warehouse can be changed in place."""

    changed: SourceName | None = None
    """The column, of each table that names no other, which moves whenever a row is written."""
    overlap: Span = datetime.timedelta(hours=1)
    """How much is looked at again: the longest transaction of the shop, and what its clock may differ from ours."""
    full_every: DeclaredDuration = Duration(0, 7, "7 days")
    """How old the last full run may be."""
    at_most: float = Field(default=0.1, gt=0, le=1)
    """The share of all rows beyond which a full run is made instead."""
