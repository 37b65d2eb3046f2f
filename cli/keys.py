"""`sluis keys`: make and show the key file."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from cli.answer import answer
from cli.options import Output, OutputAs, common
from privacy.keys import Keys
from stores.keyring_file import create_keyring, read_keyring
from stores.settings import VARIABLES, require

keys = typer.Typer(no_args_is_help=True, help="Make and show the key file that all pseudonyms depend on.")


@keys.command()
@common
def init(output: OutputAs = Output.text) -> None:
    """Make a key file with fresh random roots (mode 0600). An existing file is never overwritten.

    Back it up apart from every database: without it, tokens of later runs do not join those of earlier ones.
    Exit codes: 0 made · 2 the file exists.
    """

    def work() -> dict[str, Any]:
        create_keyring(_path(), datetime.datetime.now(datetime.UTC).date())
        return _shown()

    answer(output, work, _render)


@keys.command()
@common
def show(output: OutputAs = Output.text) -> None:
    """Check the key file and show its epochs by fingerprint; never a key. Exit codes: 0 good · 2 refused."""
    answer(output, _shown, _render)


def _path() -> Path:
    require(os.environ, "keyring")
    return Path(os.environ[VARIABLES["keyring"]])


def _shown() -> dict[str, Any]:
    epochs = [
        {
            "root": name,
            "epoch": epoch.number,
            "created": epoch.created.isoformat(),
            "fingerprint": Keys(epoch).fingerprint(),
        }
        for name, found in read_keyring(_path()).roots.items()
        for epoch in found
    ]
    return {"keyring": str(_path()), "epochs": epochs}


def _render(console: Console, shown: dict[str, Any]) -> None:
    table = Table("root", "epoch", "created", "fingerprint", title=shown["keyring"], title_justify="left")
    for epoch in shown["epochs"]:
        table.add_row(*map(str, epoch.values()))
    console.print(table)
