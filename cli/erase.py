"""`sluis erase`: from a request to the proof that a person is gone from the warehouse."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from cli.answer import answer
from cli.options import AsOf, Output, OutputAs, Strict, common
from cli.progress import progress_shown
from cli.request_options import PlanHash, Reference, SubjectFile, people_in
from cli.summary import print_whole, render_publish
from privacy.erasure_plan import told_until
from stores.settings import Settings
from tasks.erasure import all_requests, apply_erasure, plan_erasure, register
from tasks.erasure_answer import answer_to
from tasks.erasure_proof import verify_erasure
from tasks.proof import traces

erase = typer.Typer(no_args_is_help=True, help="Erasure (GDPR Article 17): register, plan, apply, verify, answer.")

ForOne = Annotated[
    str | None, typer.Option("--reference", help="Only this request. Default: all that wait.", show_default=False)
]


@erase.command()
@common
def request(subject_file: SubjectFile, reference: Reference, output: OutputAs = Output.text) -> None:
    """Register a request for erasure. The next run applies it, or `erase plan` and `erase apply` before that.

    A person of whom there is nothing is refused. The ledger keeps keyed identifiers, never what stands in the file.
    Exit codes: 0 registered · 2 a line of the file, an unknown person, or a reference that is taken · 3 runtime ·
    5 replay owed, or a ledger older than the warehouse.
    """
    answer(output, lambda: register(_settings(), "erasure", reference, people_in(subject_file)), render_request)


@erase.command()
@common
def plan(reference: ForOne = None, as_of: AsOf = None, strict: Strict = False, output: OutputAs = Output.text) -> None:
    """Decide what applying the waiting requests would take out, and what of these people stays in the source.

    Changes nothing but the list of plans in the ledger. Exit codes: 0 planned · 2 nothing waits · 3 runtime ·
    5 replay owed, or a ledger older than the warehouse.
    """

    def work() -> dict[str, Any]:
        with progress_shown(output):
            return plan_erasure(_settings(), reference, as_of).as_json()

    answer(output, work, _render_plan, strict)


@erase.command()
@common
def apply(plan: PlanHash, strict: Strict = False, output: OutputAs = Output.text) -> None:
    """Apply a plan: one publish without these people, gated like any other. The source is not needed.

    Exit codes: 0 published · 1 a promise is broken, or something was left · 2 no such plan · 3 runtime or lock ·
    5 approval missing, plan stale, replay owed.
    """

    def work() -> dict[str, Any]:
        with progress_shown(output):
            return apply_erasure(_settings(), plan).as_json()

    answer(output, work, render_publish, strict)


@erase.command()
@common
def verify(reference: Reference, output: OutputAs = Output.text) -> None:
    """Look for a request's people in the warehouse, on another way than they were taken out on.

    Exit codes: 0 nothing is left of them · 1 something is · 2 no such request.
    """
    answer(output, lambda: verify_erasure(_settings(), reference), _render_proof)


@erase.command("list")
@common
def list_(output: OutputAs = Output.text) -> None:
    """Show all requests with their states and days: never whom they are about.

    Exit codes: 0 shown · 5 replay owed, or a ledger older than the warehouse.
    """

    answer(output, lambda: {"requests": all_requests(_settings())}, _render_list)


@erase.command("answer")
@common
def answer_person(reference: Reference, output: OutputAs = Output.text) -> None:
    """Draft the answer to the person: what was erased, what stays in the shop's administration, why and until when.

    Exit codes: 0 drafted · 2 no such request, or not applied yet · 3 runtime.
    """

    def work() -> dict[str, Any]:
        with progress_shown(output):
            return answer_to(_settings(), reference)

    answer(output, work, _render_answer)


def _render_answer(console: Console, told: dict[str, Any]) -> None:
    console.print(told["text"], highlight=False, soft_wrap=True)


def _settings() -> Settings:
    return Settings.from_environment(os.environ, source_needed=False)


def render_request(console: Console, told: dict[str, Any]) -> None:
    """Show one request."""
    people = "1 person" if told["people"] == 1 else f"{told['people']:,} people"
    console.print(
        f"{told['reference']}: {told['right']}, {people}, {told['state']}; due on {told['due_on']}.",
        highlight=False,
    )


def _render_plan(console: Console, plan: dict[str, Any]) -> None:
    table = Table("table", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("leave the warehouse", justify="right")
    for name, rows in plan["tables"].items():
        table.add_row(name, f"{rows['delete']:,}")
    console.print(f"Requests: {', '.join(plan['requests'])}", highlight=False)
    console.print(table)
    if plan["source"] is None:
        console.print(
            "What stays in the source cannot be told: it is away, or the policy has no rules for it (source)."
        )
    for name, kept in (plan["source"] or {}).items():
        until = told_until(kept["until"], plan["as_of"])
        told = f"  stays in the source{until}: {name}, {kept['keep']:,}; {kept['why']}"
        console.print(told, highlight=False, soft_wrap=True)
    if plan["approvals_needed"]:
        console.print(f"Approvals by others needed: {plan['approvals_needed']}: `sluis approve --plan …`")
    console.print(f"Apply with\n  sluis erase apply --plan {plan['plan_hash']}", soft_wrap=True, highlight=False)


def _render_proof(console: Console, proof: dict[str, Any]) -> None:
    for name, found in proof["checks"].items():
        console.print(f"  {name.replace('_', ' ')}: {found:,}", highlight=False)
    console.print("Beyond its reach, what has left may still be in:")
    for place in proof["beyond_reach"]:
        console.print(f"  - {place}", highlight=False, soft_wrap=True)
    if not traces(proof["checks"]):
        console.print(f"{proof['reference']}: nothing is left.", highlight=False)


def _render_list(console: Console, told: dict[str, Any]) -> None:
    table = Table("reference", "right", "state", "people", "received", "due", box=SIMPLE_HEAD, pad_edge=False)
    for one in told["requests"]:
        cells = (one["reference"], one["right"], one["state"], str(one["people"]), one["received_at"][:10])
        table.add_row(*cells, one["due_on"])
    print_whole(console, table)
