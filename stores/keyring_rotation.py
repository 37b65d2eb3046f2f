"""Rotation: a new epoch for one root of the key file, in one rename; the roots of before stay in the file.

The key file itself is locked, not a file beside it: whoever gets the lock of a file that has been replaced meanwhile
holds nothing, and is told so. A rotation that is killed leaves the key file as it was, and perhaps a half-made one
beside it (`….new`, mode 0600), which the next rotation removes.
"""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from privacy.errors import KeyringError, LockError
from privacy.keys import Epoch, Keyring, RootName
from stores.durable import sync
from stores.keyring_file import fresh_root, read_keyring, write_owners_only
from stores.lock import taken


def rotate_root(path: Path, name: RootName, today: datetime.date) -> Epoch:
    """Add an epoch with a fresh root; nothing is changed where that is refused (KeyringError, LockError) or fails."""
    read_keyring(path)
    path = path.resolve()
    with _held(path):
        before = read_keyring(path)
        text = path.read_text(encoding="utf-8").rstrip("\n") + "\n"
        half_made = half_made_beside(path)
        half_made.unlink(missing_ok=True)
        try:
            write_owners_only(half_made, text + fresh_root(name, before.newest(name).number + 1, today))
            added = _added(half_made, before, name)
            if not added:
                raise KeyringError(f"{path} is not written as `sluis keys init` writes it. Add the epoch by hand.")
            half_made.replace(path)
        finally:
            half_made.unlink(missing_ok=True)
        sync(path.parent)
    return added


def half_made_beside(path: Path) -> Path:
    """Name the file in which a rotation makes the next key file."""
    return path.with_name(f"{path.name}.new")


def _added(half_made: Path, before: Keyring, name: RootName) -> Epoch | None:
    """Read the new key file; give its new epoch if all else is as before."""
    with contextlib.suppress(KeyringError):
        after = read_keyring(half_made)
        if after.roots == {**before.roots, name: (*before.roots[name], after.newest(name))}:
            return after.newest(name)
    return None


@contextmanager
def _held(path: Path) -> Iterator[None]:
    handle = os.open(path, os.O_RDONLY)
    try:
        owner = os.fstat(handle).st_uid
        if owner != os.geteuid():
            raise KeyringError(f"{path} belongs to user {owner}, who could not read it any more. Rotate as that user.")
        if not taken(handle) or not os.path.samestat(os.fstat(handle), path.stat()):
            raise LockError(f"{path} is being rotated by another process.\n  See what it did: `sluis keys show`.")
        yield
    finally:
        os.close(handle)
