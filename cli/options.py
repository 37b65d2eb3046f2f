"""The flags that commands share; each sets the environment variable through which flows and workers are configured."""

from __future__ import annotations

import datetime
import functools
import inspect
import os
import re
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from stores.settings import VARIABLES


class Output(StrEnum):
    """How a command answers."""

    text = "text"
    json = "json"


def _place(name: str, help_text: str) -> Any:
    def set_variable(value: str | None) -> str | None:
        if value is not None:
            os.environ[VARIABLES[name]] = str(value)
        return value

    option = typer.Option(
        envvar=VARIABLES[name], help=help_text, callback=set_variable, show_default=False, rich_help_panel="Places"
    )
    return Annotated[str | None, option]


def day(text: str) -> datetime.date:
    """Read a day as flags take it."""
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise typer.BadParameter("a date reads like 2026-03-10") from None


AsOf = Annotated[
    datetime.date | None,
    typer.Option(
        parser=day,
        metavar="DATE",
        help="Move the clocks of retention and of deadlines to this day. Default: today in the policy's time zone.",
    ),
]
OutputAs = Annotated[Output, typer.Option("--output", help="json: exactly one object on stdout, all else on stderr.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 6 when there are warnings.")]

_SHARED: dict[str, tuple[Any, object]] = {
    "source": (
        _place(
            "source",
            "The shop's database, only read: sqlite:///shop.sqlite, postgresql+psycopg://user@host/shop, "
            "mysql+pymysql://user@host/shop.",
        ),
        None,
    ),
    "warehouse": (
        _place(
            "warehouse",
            "Where analysts read: duckdb:///warehouse.duckdb or postgresql+psycopg://user@host/warehouse.",
        ),
        None,
    ),
    "ledger": (
        _place("ledger", "The ledger: sqlite:///ledger.sqlite or postgresql+psycopg://user@host/database."),
        None,
    ),
    "policy": (_place("policy", "The privacy policy as code: a YAML file."), None),
    "keyring": (_place("keyring", "The key file (mode 0600), made by `sluis keys init`."), None),
    "as_of": (Annotated[datetime.date | None, typer.Option(parser=day, hidden=True)], None),
    "strict": (Annotated[bool, typer.Option("--strict", hidden=True)], False),
    "output": (OutputAs, Output.text),
}
"""The flags that every command takes. Clocks and warnings are ignored by those that do not declare them."""


def in_paragraphs(text: str) -> str:
    """Join the lines of each paragraph, and of the exit codes, so that a terminal of any width breaks them itself."""
    return re.sub(r"(?<!\n)\n(?!\n|Exit codes)", " ", inspect.cleandoc(text))


def common(command: Callable[..., None]) -> Callable[..., None]:
    """Add the flags that all commands take, so that a script may pass the same ones everywhere.

    The command itself declares those that it reads; the places are read from the environment, which their flags set.
    Its help leaves out what it ignores.
    """
    own = inspect.signature(command, eval_str=True).parameters
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in _SHARED.items()
        if name not in own
    ]
    command.__doc__ = in_paragraphs(command.__doc__ or "")

    @functools.wraps(command)
    def with_flags(**given: Any) -> None:
        command(**{name: value for name, value in given.items() if name in own})

    parameters = [*own.values(), *added]
    with_flags.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_flags.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return with_flags
