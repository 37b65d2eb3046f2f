"""The epochs of the key file: a new one for one root, the roots of before staying; and an old one destroyed."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

from privacy.keys import Epoch, Keyring, RootName
from stores.keyring_file import fresh_root
from stores.keyring_rewrite import rewrite


def rotate_root(path: Path, name: RootName, today: datetime.date) -> Epoch:
    """Add an epoch with a fresh root; nothing is changed where that is refused (KeyringError, LockError) or fails."""

    def edit(before: Keyring, text: str) -> str:
        return text.rstrip("\n") + "\n" + fresh_root(name, before.newest(name).number + 1, today)

    def meant(before: Keyring, after: Keyring) -> bool:
        return after.roots == {**before.roots, name: (*before.roots[name], after.newest(name))}

    return rewrite(path, edit, meant).newest(name)


def remove_epoch(path: Path, name: RootName, number: int) -> None:
    """Take an epoch out of the key file, and overwrite the file of before where it lies on the disk.

    What a file system keeps elsewhere is not reached: backups, snapshots, a journal, blocks that a disk has worn out.
    """
    entry = re.compile(rf"^\[\[{name}\]\]\nepoch = {number}\n(?:[a-z]+ = .*\n)*\n?", re.M)

    def edit(_: Keyring, text: str) -> str:
        return entry.sub("", text.rstrip("\n") + "\n")

    def meant(before: Keyring, after: Keyring) -> bool:
        kept = tuple(epoch for epoch in before.roots[name] if epoch.number != number)
        return after.roots == {**before.roots, name: kept} and kept != before.roots[name]

    rewrite(path, edit, meant, wiped=True)
