"""`sluis keys`: make, show and rotate the key file."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.answer import answer
from cli.options import Output, OutputAs, common
from privacy.keys import Keys, RootName
from stores.keyring_file import create_keyring, read_keyring
from stores.keyring_rotation import rotate_root
from stores.settings import VARIABLES, require

keys = typer.Typer(no_args_is_help=True, help="Make, show and rotate the key file that all pseudonyms depend on.")

_BACKUP = "Back the key file up again: its older copies lack this epoch."
FOLLOWS: dict[RootName, tuple[str, ...]] = {
    "analytics": (
        "The next run gives every token anew, and warns of it: none equals one of before. Values beside a token may.",
        "What keeps tokens outside the warehouse must be refreshed after it.",
        _BACKUP,
    ),
    "tombstones": (
        "What is registered from now on is matched under the new epoch.",
        "What is matched under the older epochs needs them for as long as it stands; "
        "`sluis keys destroy --root tombstones` refuses one that is needed.",
        _BACKUP,
    ),
    "receipts": (
        "The next receipts are signed under the new epoch: pass its public key on, `sluis receipt show` tells it.",
        "The receipts of before are still verified under the epochs that signed them.",
        _BACKUP,
    ),
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
        create_keyring(key_file(), datetime.datetime.now(datetime.UTC).date())
        return shown()

    answer(output, work, render_keys)


@keys.command()
@common
def show(output: OutputAs = Output.text) -> None:
    """Check the key file and show its epochs by fingerprint; never a key. Exit codes: 0 good · 2 refused."""
    answer(output, shown, render_keys)


@keys.command()
@common
def rotate(
    root: Annotated[RootName, typer.Option("--root", help="Which root gets a new epoch.")] = "analytics",
    output: OutputAs = Output.text,
) -> None:
    """Add an epoch with a fresh random root to the key file; the roots of before stay in it.

    The file is replaced as a whole or not at all, and never readable by others.
    Exit codes: 0 rotated · 2 the key file is refused · 3 it cannot be written, or another process rotates it.
    """

    def work() -> dict[str, Any]:
        epoch = rotate_root(key_file(), root, datetime.datetime.now(datetime.UTC).date())
        return {"rotated": {"root": root, "epoch": epoch.number}, "follows": list(FOLLOWS[root]), **shown()}

    answer(output, work, render_keys)


def key_file() -> Path:
    """Name the key file that is set."""
    require(os.environ, "keyring")
    return Path(os.environ[VARIABLES["keyring"]])


def shown() -> dict[str, Any]:
    """Give the epochs of the key file by fingerprint; never a key."""
    epochs = [
        {
            "root": name,
            "epoch": epoch.number,
            "created": epoch.created.isoformat(),
            "fingerprint": Keys(epoch).fingerprint(),
        }
        for name, found in read_keyring(key_file()).roots.items()
        for epoch in found
    ]
    return {"keyring": str(key_file()), "epochs": epochs}


def render_keys(console: Console, told: dict[str, Any]) -> None:
    """Show the epochs as a table, and what follows from what was done."""
    table = Table("root", "epoch", "created", "fingerprint", title=Text(told["keyring"]), title_justify="left")
    for epoch in told["epochs"]:
        table.add_row(*map(str, epoch.values()))
    console.print(table)
    for sentence in told.get("follows", ()):
        console.print(sentence, soft_wrap=True)
