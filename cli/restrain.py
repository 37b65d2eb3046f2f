"""`sluis restrict` and `sluis object`: out of analytics at the next publish, and back when that is over."""

from __future__ import annotations

import os
from collections.abc import Callable

import typer

from cli.answer import answer
from cli.erase import render_request
from cli.options import Output, OutputAs, common
from cli.request_options import Reference, SubjectFile, people_in
from privacy.policy_rights import Right
from stores.settings import Settings
from tasks.erasure import end_request, register

restrict = typer.Typer(no_args_is_help=True, help="Restriction (GDPR Article 18): add and lift.")
object_ = typer.Typer(no_args_is_help=True, help="Objection (GDPR Article 21): add and withdraw.")

_CODES = (
    "Exit codes: 0 done · 2 a line of the file, an unknown person or reference · 3 runtime · 5 replay owed, or a "
    "ledger older than the warehouse."
)


def _adding(right: Right, told: str) -> Callable[..., None]:
    def add(subject_file: SubjectFile, reference: Reference, output: OutputAs = Output.text) -> None:
        answer(output, lambda: register(_settings(), right, reference, people_in(subject_file)), render_request)

    add.__doc__ = f"{told}\n\n{_CODES}"
    return common(add)


def _ending(right: Right, told: str) -> Callable[..., None]:
    def end(reference: Reference, output: OutputAs = Output.text) -> None:
        answer(output, lambda: end_request(_settings(), right, reference), render_request)

    end.__doc__ = f"{told}\n\n{_CODES}"
    return common(end)


def _settings() -> Settings:
    return Settings.from_environment(os.environ, source_needed=False)


restrict.command("add")(
    _adding("restriction", "Restrict the use of people's data: out at the next publish, and not erased in the source.")
)
restrict.command("lift")(_ending("restriction", "Lift a restriction: back at the next run."))
object_.command("add")(_adding("objection", "Note an objection: out at the next publish."))
object_.command("withdraw")(_ending("objection", "Note that an objection is withdrawn: back at the next run."))
