"""The part of a policy that is about the source: how long the law demands a row there, and when it may be deleted."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, PlainSerializer, Tag, WithJsonSchema

from privacy.policy_parts import Name, Part, Reason
from privacy.retention_rules import DeclaredDuration, Duration, Events

CountedFrom = Literal["event", "end_of_fiscal_year", "end_of_calendar_year"]
"""From which day a period counts: that of the event itself, or the last day of the year in which it happened."""


def _answered(given: Any) -> Duration | Literal["unanswered", "no"]:
    """Read `unanswered`, `no` (which YAML takes for false) or a number of calendar years."""
    if given is False or given == "no":
        return "no"
    if given == "unanswered":
        return "unanswered"
    if isinstance(given, Duration) or (isinstance(given, str) and re.match(r"^[1-9]\d? years?$", given)):
        return Duration.parse(given)
    raise ValueError("is none of unanswered, no, and a number of calendar years such as '10 years'")


OneStopShop = Annotated[
    Duration | Literal["unanswered", "no"],
    BeforeValidator(_answered),
    PlainSerializer(str),
    WithJsonSchema(
        {"anyOf": [{"enum": ["unanswered", "no", False]}, {"type": "string", "pattern": r"^[1-9]\d? years?$"}]}
    ),
]


class Period(Part):
    """A minimum that the law sets for a class of tables: how long, and from which day it counts."""

    keep_at_least: DeclaredDuration
    counted_from: CountedFrom = Field(alias="from")
    because: Reason


class Minimum(Part):
    """A row must stay at least for a period after the last of its events.

    `supplied`: the event in whose calendar year was supplied what the row is about, for rows that the one-stop-shop
    scheme asks to be kept, if the shop uses it.
    """

    period: Name
    after: Events
    supplied: Events | None = None


class NoMinimum(Part):
    """No law asks for the rows: they go when the warehouse's own rule says so, or a longer time after an event."""

    no_minimum: Reason
    keep_at_most: DeclaredDuration | None = None
    after: Events | None = None


class WithParent(Part):
    """A row stays exactly as long as the row that a column refers to."""

    via: Name


class NeverDeleted(Part):
    """Rows are never deleted in the source by this software."""

    never_deleted: Reason


_RULES = {"period": "Minimum", "no_minimum": "NoMinimum", "via": "WithParent", "never_deleted": "NeverDeleted"}


def _rule(given: Any) -> str | None:
    keys = given if isinstance(given, dict) else getattr(type(given), "model_fields", ())
    return next((rule for key, rule in _RULES.items() if key in keys), None)


SourceRule = Annotated[
    Annotated[Minimum, Tag("Minimum")]
    | Annotated[NoMinimum, Tag("NoMinimum")]
    | Annotated[WithParent, Tag("WithParent")]
    | Annotated[NeverDeleted, Tag("NeverDeleted")],
    Discriminator(
        _rule,
        custom_error_type="source",
        custom_error_message="is none of period + after, via, no_minimum: why, and never_deleted: why; choose one",
    ),
]


class SourceRules(Part):
    """What rules the source, table by table. A policy without it never deletes there."""

    one_stop_shop: OneStopShop
    """Whether consumer sales to other member states are declared by that scheme, and how many calendar years then."""
    periods: dict[Name, Period] = Field(default={})
    tables: dict[Name, SourceRule]

    @property
    def waiting_for_an_answer(self) -> tuple[str, ...]:
        """Name the tables whose minimum depends on a setting that nobody has answered."""
        if self.one_stop_shop != "unanswered":
            return ()
        return tuple(name for name, rule in self.tables.items() if isinstance(rule, Minimum) and rule.supplied)
