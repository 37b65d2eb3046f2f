"""What may be chosen when a flow is started: the forms in Prefect's UI, whose schema its API enforces.

Where things are and the keys stand in none of them: Prefect stores parameters in clear, so these come from the worker's
environment (SLUIS_*).
"""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

_A_DAY = {"type": "string", "format": "date", "pattern": r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"}
Day = Annotated[datetime.date, WithJsonSchema(_A_DAY)]
"""A day; the API looks at the pattern, and not at the format that the UI makes a calendar of."""


def _at(position: int, **more: Any) -> dict[str, Any]:
    """Place a field in its form, the lowest first."""
    return {"position": position, **more}


class Form(BaseModel):
    """A form; what it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PublishOptions(Form):
    """What may be chosen for a publish."""

    as_of: Day | None = Field(
        default=None,
        title="As of",
        description="Moves the retention clocks to this day. Empty: today in the policy's time zone, as every night.",
        json_schema_extra=_at(0),
    )
    on_warnings: Literal["report", "fail"] = Field(
        default="report",
        title="On warnings",
        description="report: the run is completed and lists them. fail: what is published stays published, and the run "
        "ends as failed, so that whoever is told of failures is told of warnings.",
        json_schema_extra=_at(1),
    )


class RefreshOptions(PublishOptions):
    """What may be chosen for the main job."""

    rows: Literal["changed", "all"] = Field(
        default="changed",
        title="Rows",
        description="changed: those that changed since the last run, and what follows from them, where the policy says "
        "how they are recognised and the warehouse can be changed in place; else all. all: every row.",
        json_schema_extra=_at(2),
    )


class IntakeOptions(PublishOptions):
    """What may be chosen for taking requests in."""

    apply_at_most: int | None = Field(
        default=None,
        ge=0,
        le=1000,
        title="Apply at most",
        description="People who may leave in this run; more wait. Empty: as many as the policy says "
        "(requests.apply_at_most), which no form can raise. 0: register only.",
        json_schema_extra=_at(2),
    )


class ApprovalForm(Form):
    """Somebody's word for a plan."""

    plan_hash: str = Field(
        pattern="^[0-9a-f]{64}$",
        title="Plan",
        description="The hash of the plan, in full, as the intake of requests, sluis erase plan or sluis retention "
        "plan told it.",
        json_schema_extra=_at(0, examples=["0f" * 32]),
    )
    stated_name: str = Field(
        min_length=1,
        max_length=100,
        pattern=r"^\S(.*\S)?$",
        title="Who approves",
        description="By function rather than by name (second.officer): it is kept in the ledger and in Prefect's "
        "database. Nobody checks it; the ledger notes that it was only stated, and to which worker. Whoever planned or "
        "asked does not count.",
        json_schema_extra=_at(1, examples=["second.officer"]),
    )
    then: Literal["apply", "wait"] = Field(
        default="apply",
        title="Then",
        description="apply: once enough have approved, the people of the plan leave the warehouse at once (plans of "
        "erasures only; in the shop's own database only the command deletes). wait: nothing is done yet.",
        json_schema_extra=_at(2),
    )
