"""Retention as a policy declares it: how long, after which event, or whose clock (the days: privacy/retention.py)."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, PlainSerializer, Tag, WithJsonSchema

_DURATION = r"^[1-9]\d{0,3} (year|years|month|months|day|days)$"


@dataclass(frozen=True)
class Duration:
    """A calendar duration: whole months, or days."""

    months: int
    days: int
    text: str

    @classmethod
    def parse(cls, text: object) -> Duration:
        """Read `7 years`, `18 months` or `90 days`."""
        if isinstance(text, Duration):
            return text
        if not isinstance(text, str) or not re.match(_DURATION, text):
            raise ValueError("a duration reads like '7 years', '18 months' or '90 days'")
        number, unit = text.split()
        if unit.startswith("day"):
            return cls(0, int(number), text)
        return cls(int(number) * (12 if unit.startswith("year") else 1), 0, text)

    def __str__(self) -> str:
        return self.text


DeclaredDuration = Annotated[
    Duration,
    BeforeValidator(Duration.parse),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": _DURATION}),
]


class Rule(BaseModel, ABC):
    """Base of the retention rules. `promise`: the one of the privacy policy behind it; `because`: any other reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    promise: str | None = None
    because: str | None = None

    @abstractmethod
    def told(self) -> str:
        """Put the rule in words."""


class Latest(BaseModel):
    """The latest of several events: columns of the row, or of rows that refer to it (`orders.placed_at`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    latest: tuple[str, ...] = Field(min_length=1)


def _event(given: Any) -> str | None:
    if isinstance(given, str):
        return "Event"
    return "Latest" if isinstance(given, dict | Latest) else None


Events = Annotated[
    Annotated[str, Tag("Event")] | Annotated[Latest, Tag("Latest")],
    Discriminator(
        _event,
        custom_error_type="after",
        custom_error_message="is neither the name of a date or timestamp nor latest: […]",
    ),
]


def events_of(after: str | Latest) -> tuple[str, ...]:
    """Name the events: own columns, and `table.column` of rows that refer to this one."""
    return (after,) if isinstance(after, str) else after.latest


def own_of(after: str | Latest) -> tuple[str, ...]:
    """Name the events that are columns of the row itself."""
    return tuple(event for event in events_of(after) if "." not in event)


def others_of(after: str | Latest) -> tuple[tuple[str, str], ...]:
    """Name the events of referring rows, as (table, column)."""
    pairs = (event.split(".", 1) for event in events_of(after) if "." in event)
    return tuple((table, column) for table, column in pairs)


class KeepAtMost(Rule):
    """Absent from the warehouse once this time has passed since the event.

    `while_unset`: what becomes of a row whose event has not happened: `quarantine`, or `keep` (no clock runs yet).
    """

    keep_at_most: DeclaredDuration
    after: Events
    while_unset: Literal["quarantine", "keep"] = "quarantine"

    @property
    def events(self) -> tuple[str, ...]:
        """Name the events: own columns, and `table.column` of rows that refer to this one."""
        return events_of(self.after)

    @property
    def own_events(self) -> tuple[str, ...]:
        """Name the events that are columns of the row itself."""
        return own_of(self.after)

    @property
    def other_events(self) -> tuple[tuple[str, str], ...]:
        """Name the events of referring rows, as (table, column)."""
        return others_of(self.after)

    def told(self) -> str:
        latest = "the latest of " if len(self.events) > 1 else ""
        return f"{self.keep_at_most} after {latest}{', '.join(self.events)}"


class Via(Rule):
    """The clock and the fate of the parent row that a column refers to."""

    via: str

    def told(self) -> str:
        return f"as long as the row in {self.via}"


class ClockOf(Rule):
    """The clock of the linked record: the first to run out where several are linked; `otherwise` where none is."""

    clock_of: tuple[str, ...] = Field(min_length=1)
    otherwise: KeepAtMost

    def told(self) -> str:
        return f"the clock of {' or '.join(self.clock_of)}, else {self.otherwise.told()}"


class Unlimited(Rule):
    """No clock: nothing of a person is in it."""

    unlimited: Literal[True]

    def told(self) -> str:
        return "no limit"


_RULES = {"keep_at_most": "KeepAtMost", "via": "Via", "clock_of": "ClockOf", "unlimited": "Unlimited"}
"""Which key tells which rule; the tags are no keys, so that a path of keys can be told from one with tags in it."""


def _rule(given: Any) -> str | None:
    keys = given if isinstance(given, dict) else getattr(type(given), "model_fields", ())
    return next((rule for key, rule in _RULES.items() if key in keys), None)


Retention = Annotated[
    Annotated[KeepAtMost, Tag("KeepAtMost")]
    | Annotated[Via, Tag("Via")]
    | Annotated[ClockOf, Tag("ClockOf")]
    | Annotated[Unlimited, Tag("Unlimited")],
    Discriminator(
        _rule,
        custom_error_type="retention",
        custom_error_message=(
            "is none of keep_at_most + after, via, clock_of + otherwise, and unlimited + because; choose one"
        ),
    ),
]
