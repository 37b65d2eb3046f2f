"""`sluis retention`: what leaves in the year to come, and the deletion of what need not stay."""

from __future__ import annotations

import datetime
import os
from typing import Annotated, Any

import typer

from cli.answer import answer
from cli.options import AsOf, Output, OutputAs, Strict, common
from cli.progress import progress_shown
from cli.retention_shown import render_deletion, render_retention
from privacy.errors import UsageError
from stores.actor import acting
from stores.settings import Settings
from tasks.delete_in_source import delete_in_source
from tasks.plan_retention import plan_retention

retention = typer.Typer(
    no_args_is_help=True, help="Tell what leaves in the year to come, and delete in the source what need not stay."
)

ToSource = Annotated[
    bool, typer.Option("--apply-to-source", help="Delete in the shop's own database, as an approved plan says.")
]
PlanHash = Annotated[
    str | None,
    typer.Option("--plan", metavar="HASH", help="The plan to carry out, by its hash."),
]


@retention.command()
@common
def plan(as_of: AsOf = None, strict: Strict = False, output: OutputAs = Output.text) -> None:
    """Tell by month what leaves the warehouse and what may be deleted in the source, and why the rest must stay.

    Writes nothing but the plan itself, by its hash, into the ledger.
    Exit codes: 0 planned · 2 policy, key or usage · 3 warehouse or ledger cannot be read · 4 the source drifted from
    the policy · 6 warnings under --strict.
    """
    answer(output, lambda: _plan(output, as_of), render_retention, strict)


def _plan(output: Output, as_of: datetime.date | None) -> dict[str, Any]:
    settings = Settings.from_environment(os.environ)
    with progress_shown(output):
        return plan_retention(settings, as_of, acting(os.environ)).as_json()


@retention.command()
@common
def apply(
    apply_to_source: ToSource = False, plan: PlanHash = None, strict: Strict = False, output: OutputAs = Output.text
) -> None:
    """Delete in the source the rows that a plan names, once others than whoever planned it have approved it.

    Exit codes: 0 deleted · 2 policy, key or usage; no such plan; a question of the law is unanswered · 3 source, lock
    or ledger · 4 the source drifted · 5 not approved, or the plan is stale.
    """
    if not apply_to_source:
        answer(output, lambda: _apply_to_warehouse(output), render_deletion, strict)
    else:
        answer(output, lambda: _apply_to_source(output, plan), render_deletion, strict)


def _apply_to_source(output: Output, plan_hash: str | None) -> dict[str, Any]:
    if not plan_hash:
        raise UsageError(
            "--plan is missing: nothing is deleted in the source without a plan.\n  "
            "Make one with `sluis retention plan`."
        )
    settings = Settings.from_environment(os.environ)
    with progress_shown(output):
        return delete_in_source(settings, plan_hash).as_json()


def _apply_to_warehouse(output: Output) -> dict[str, Any]:
    """Drop what has expired from the warehouse, without the source."""
    raise UsageError(
        "--apply-to-source is missing: rows leave the warehouse with every `sluis run`.\n"
        "  To delete in the source give --apply-to-source and --plan."
    )
