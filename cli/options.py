"""The flags that commands share; each sets the environment variable through which flows and workers are configured."""

from __future__ import annotations

import datetime
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stores.settings import VARIABLES


class Output(StrEnum):
    """How a command answers."""

    text = "text"
    json = "json"


def _place(name: str, help_text: str) -> typer.models.OptionInfo:
    def set_variable(value: str | None) -> str | None:
        if value is not None:
            os.environ[VARIABLES[name]] = str(value)
        return value

    return typer.Option(
        envvar=VARIABLES[name], help=help_text, callback=set_variable, show_default=False, rich_help_panel="Places"
    )


Source = Annotated[
    str | None, _place("source", "The shop's database, only read: a SQLAlchemy URL such as sqlite:///shop.sqlite.")
]
Warehouse = Annotated[str | None, _place("warehouse", "Where analysts read: duckdb:///warehouse.duckdb.")]
Ledger = Annotated[str | None, _place("ledger", "Where runs are recorded: sqlite:///ledger.sqlite.")]
PolicyFile = Annotated[Path | None, _place("policy", "The privacy policy as code: a YAML file.")]
KeyringFile = Annotated[Path | None, _place("keyring", "The key file (mode 0600), made by `sluis keys init`.")]


def _date(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("a date reads like 2026-03-10") from None


AsOf = Annotated[
    datetime.date | None,
    typer.Option(
        parser=_date,
        metavar="DATE",
        help="Move the retention clocks to this day. Default: today in the policy's time zone.",
    ),
]
OutputAs = Annotated[Output, typer.Option("--output", help="json: exactly one object on stdout, all else on stderr.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 6 when there are warnings.")]
