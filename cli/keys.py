"""`sluis keys`: make, show and rotate the key file."""

from __future__ import annotations

import datetime
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from rich.console import Console
from rich.table import Table

from cli.answer import answer
from cli.options import Output, OutputAs, common
from privacy.keys import Keys, RootName
from stores.keyring_file import create_keyring, read_keyring
from stores.keyring_rotation import rotate_root
from stores.settings import VARIABLES, require

keys = typer.Typer(no_args_is_help=True, help="Make, show and rotate the key file that all pseudonyms depend on.")

Root = StrEnum("Root", get_args(RootName))

_BACKUP = "Back the key file up again: its older copies lack this epoch."
_UNUSED = "Nothing is made under this root yet."
FOLLOWS: dict[RootName, tuple[str, ...]] = {
    "analytics": (
        "The next run gives every token anew, and warns of it: none equals one of before. Values beside a token may.",
        "What keeps tokens outside the warehouse must be refreshed after it.",
        _BACKUP,
    ),
    "tombstones": (_UNUSED, _BACKUP),
    "receipts": (_UNUSED, _BACKUP),
}
"""What a rotation of each root leads to."""


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


@keys.command()
@common
def rotate(
    root: Annotated[Root, typer.Option("--root", help="Which root gets a new epoch.")] = Root.analytics,
    output: OutputAs = Output.text,
) -> None:
    """Add an epoch with a fresh random root to the key file; the roots of before stay in it.

    The file is replaced as a whole or not at all, and never readable by others.
    Exit codes: 0 rotated · 2 the key file is refused · 3 it cannot be written, or another process rotates it.
    """

    def work() -> dict[str, Any]:
        name: RootName = root.value
        epoch = rotate_root(_path(), name, datetime.datetime.now(datetime.UTC).date())
        return {"rotated": {"root": name, "epoch": epoch.number}, "follows": list(FOLLOWS[name]), **_shown()}

    answer(output, work, _render)


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
    for sentence in shown.get("follows", ()):
        console.print(sentence, soft_wrap=True)
