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
from cli.summary import render_publish
from privacy.errors import UsageError
from stores.actor import acting
from stores.settings import Settings
from tasks.delete_in_source import delete_in_source
from tasks.plan_retention import plan_retention
from tasks.warehouse_retention import expire_warehouse

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
    the policy · 5 a replay is owed · 6 warnings under --strict.
    """
    answer(output, lambda: _plan(output, as_of), render_retention, strict)


def _plan(output: Output, as_of: datetime.date | None) -> dict[str, Any]:
    settings = Settings.from_environment(os.environ, source_needed=False)
    with progress_shown(output):
        return plan_retention(settings, as_of, acting(os.environ)).as_json()


@retention.command()
@common
def apply(
    apply_to_source: ToSource = False,
    plan: PlanHash = None,
    as_of: AsOf = None,
    strict: Strict = False,
    output: OutputAs = Output.text,
) -> None:
    """Take out of the warehouse what has expired; or, with --apply-to-source, delete in the source what a plan names.

    The warehouse needs neither source nor plan. In the source nothing is deleted before others than whoever planned it
    have approved the plan.
    Exit codes: 0 done · 1 a promise is broken, and nothing was published · 2 policy, key or usage; no such plan; a
    question of the law is unanswered · 3 source, warehouse, lock or ledger · 4 the source drifted · 5 not approved, the
    plan is stale, or a replay is owed · 6 warnings under --strict.
    """
    if apply_to_source:
        answer(output, lambda: _apply_to_source(output, plan, as_of), render_deletion, strict)
    else:
        answer(output, lambda: _apply_to_warehouse(output, plan, as_of), render_publish, strict)


def _apply_to_source(output: Output, plan_hash: str | None, as_of: datetime.date | None) -> dict[str, Any]:
    if not plan_hash:
        raise UsageError(
            "--plan is missing: nothing is deleted in the source without a plan.\n"
            "  Make one with `sluis retention plan`."
        )
    if as_of:
        raise UsageError("--as-of: a plan says of which day it is.\n  Leave --as-of out; plan for another day with it.")
    settings = Settings.from_environment(os.environ)
    with progress_shown(output):
        return delete_in_source(settings, plan_hash).as_json()


def _apply_to_warehouse(output: Output, plan_hash: str | None, as_of: datetime.date | None) -> dict[str, Any]:
    if plan_hash:
        raise UsageError("--plan is of a deletion in the source.\n  Give --apply-to-source as well, or leave it out.")
    settings = Settings.from_environment(os.environ, source_needed=False)
    with progress_shown(output):
        return expire_warehouse(settings, as_of).as_json()
