"""`sluis keys destroy`: take an old epoch out of the key file for good."""

from __future__ import annotations

import datetime
import os
from typing import Annotated, Any

import typer
from rich.console import Console

from cli.answer import answer
from cli.keys import key_file, render_keys, shown
from cli.options import Output, OutputAs, common
from privacy.keys import Keyring, Keys, RootName
from stores.actor import acting
from stores.key_destruction import destroy_epoch
from stores.keyring_file import read_keyring
from stores.ledger import existing_ledger, open_ledger
from stores.opening import open_warehouse
from stores.settings import database_url, require
from tasks.exclusive import exclusively
from tasks.publication import new_run_id
from tasks.standing import check_standing

NOT_REACHED = (
    "Not reached: backups and other copies of the key file, snapshots, a file system's journal, blocks that a disk no "
    "longer shows. Destroy the copies, or this epoch in each of them."
)
TOKENS_STAND = "The published warehouse still has tokens of this epoch; `sluis run` gives them anew."


@common
def destroy(
    root: Annotated[RootName, typer.Option("--root", help="Which root loses an epoch.")],
    epoch: Annotated[int, typer.Option("--epoch", help="The number of the epoch; never the newest.")],
    output: OutputAs = Output.text,
) -> None:
    """Remove an old epoch from the key file, which is overwritten where it lay, and keep a receipt in the ledger.

    Tokens of a destroyed epoch can never be tied to a person again by the key. An epoch that tombstones, other
    suppressions, requests, legal holds, the warehouse or receipts still need is refused.

    Exit codes: 0 destroyed · 2 the epoch is the newest, not there or still needed, or the key file is refused ·
    3 there is no ledger, a run holds the warehouse, or a file cannot be written; run it again for the receipt ·
    5 replay owed, or a ledger older than the warehouse.
    """

    def work() -> dict[str, Any]:
        require(os.environ, "warehouse", "ledger", "keyring")
        url, before = database_url("ledger", os.environ), read_keyring(key_file())
        existing_ledger(url)
        ledger = open_ledger(url)
        warehouse = open_warehouse(database_url("warehouse", os.environ))
        now = datetime.datetime.now(datetime.UTC)
        with exclusively(warehouse, ledger, new_run_id(now), acting(os.environ)):
            check_standing(warehouse, ledger, before)
            published = warehouse.published()
            receipt = destroy_epoch(key_file(), ledger, published, root, epoch, now)
        stand = root == "analytics" and published and published.key_fingerprint == _fingerprint(before, epoch)
        return {
            "destroyed": {"root": root, "epoch": epoch},
            "receipt": {"number": receipt.number, "receipt_id": receipt.receipt_id},
            "follows": [*([TOKENS_STAND] if stand else []), NOT_REACHED],
            **shown(),
        }

    answer(output, work, _render)


def _fingerprint(keyring: Keyring, number: int) -> str | None:
    """Name the keys of an epoch as runs are recorded with them."""
    return next((Keys(epoch).fingerprint() for epoch in keyring.roots["analytics"] if epoch.number == number), None)


def _render(console: Console, told: dict[str, Any]) -> None:
    destroyed, receipt = told["destroyed"], told["receipt"]
    console.print(
        f"{destroyed['root']} epoch {destroyed['epoch']} is destroyed; receipt {receipt['number']} is of it.",
        highlight=False,
    )
    render_keys(console, told)
