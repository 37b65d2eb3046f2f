"""Destroy an old epoch of the key file on command, with a receipt."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

from privacy.errors import UsageError
from privacy.keys import Keyring, RootName
from privacy.receipts import Deed, Receipt
from stores.keyring_file import read_keyring
from stores.keyring_rotation import remove_epoch
from stores.ledger import Ledger
from stores.ledger.key_use import needed_by
from stores.warehouse import Published


def destroy_epoch(
    path: Path, ledger: Ledger, published: Published | None, root: RootName, number: int, now: datetime.datetime
) -> Receipt:
    """Remove an epoch that nothing needs any more from the key file, and give the receipt of it.

    An epoch that has left the file without a receipt (the command was killed, or somebody removed it by hand) gets one
    that says so: nothing of it was there before. UsageError where the epoch is the newest, never was, is still needed,
    or has its receipt.
    """
    keyring = read_keyring(path)
    before = [epoch.number for epoch in keyring.roots[root]]
    _refuse(keyring, ledger, root, number)
    if root == "tombstones" and published and published.index_epoch == number:
        raise UsageError(
            f"tombstones epoch {number} is still needed: by it the warehouse knows whose rows are whose.\n"
            "  `sluis run` makes its private index under the newest epoch; then it can go."
        )
    if number in before:
        remove_epoch(path, root, number)
    after = [epoch.number for epoch in read_keyring(path).roots[root]]
    deed = Deed(
        kind="key_destroyed",
        at=now,
        proof={"in_key_file_before": before.count(number), "in_key_file_after": after.count(number)},
        counts={_destroyed(root): number, "epochs_left": len(after)},
    )
    return ledger.receipts.append(deed, keyring.receipts())


def _destroyed(root: RootName) -> str:
    """Name the count under which a receipt tells the number of an epoch that is gone."""
    return f"{root}_epoch"


def _refuse(keyring: Keyring, ledger: Ledger, root: RootName, number: int) -> None:
    newest = keyring.newest(root).number
    if number == newest:
        raise UsageError(
            f"{root} epoch {number} is the newest: new things are made under it.\n"
            f"  Rotate first: `sluis keys rotate --root {root}`."
        )
    if number not in range(1, newest):
        raise UsageError(f"{root} has no epoch {number}, and never had. `sluis keys show` lists those there are.")
    if needed := needed_by(ledger.engine, root, number):
        told = ", ".join(f"{what}: {count:,}" for what, count in needed.items())
        raise UsageError(
            f"{root} epoch {number} is still needed ({told}).\n"
            "  Without it these could not be matched or verified any more; the key file is as it was."
        )
    for receipt in ledger.receipts.all():
        if json.loads(receipt.body).get("counts", {}).get(_destroyed(root)) == number:
            raise UsageError(f"{root} epoch {number} was destroyed before: receipt {receipt.number} is of it.")
