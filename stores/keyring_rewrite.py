"""Change the key file as a whole, in one rename, or not at all.

The key file itself is locked, not a file beside it: whoever gets the lock of a file that has been replaced meanwhile
holds nothing, and is told so. A change that is killed leaves the key file as it was, and perhaps a half-made one
beside it (`….new`, mode 0600), which the next change removes.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from privacy.errors import KeyringError, LockError
from privacy.keys import Keyring
from stores.durable import sync
from stores.keyring_file import read_keyring, write_owners_only
from stores.lock import taken


def rewrite(
    path: Path, edit: Callable[[Keyring, str], str], meant: Callable[[Keyring, Keyring], bool], wiped: bool = False
) -> Keyring:
    """Replace the key file's text by an edited one, if its roots before and after are as `meant`; give those after.

    With `wiped`, what stood in the file before is overwritten where it lies. Nothing is changed where that is refused
    (KeyringError, LockError) or fails.
    """
    read_keyring(path)
    path = path.resolve()
    half_made = half_made_beside(path)
    with _held(path), contextlib.ExitStack() as leftovers:
        before = read_keyring(path)
        text = edit(before, path.read_text(encoding="utf-8"))
        superseded = [file for file in (path, half_made) if wiped and file.exists()]
        old = [leftovers.enter_context(_opened(file, os.O_RDWR)) for file in superseded]
        half_made.unlink(missing_ok=True)
        try:
            write_owners_only(half_made, text)
            after = _read(half_made)
            if not after or not meant(before, after):
                raise KeyringError(f"{path} is not written as `sluis keys init` writes it. Change it by hand.")
            half_made.replace(path)
        finally:
            half_made.unlink(missing_ok=True)
        sync(path.parent)
        for handle in old:
            _wipe(handle)
    return after


def half_made_beside(path: Path) -> Path:
    """Name the file in which the next key file is made."""
    return path.with_name(f"{path.name}.new")


def _read(half_made: Path) -> Keyring | None:
    with contextlib.suppress(KeyringError):
        return read_keyring(half_made)
    return None


@contextmanager
def _opened(path: Path, how: int) -> Iterator[int]:
    handle = os.open(path, how)
    try:
        yield handle
    finally:
        os.close(handle)


def _wipe(handle: int) -> None:
    """Overwrite a file that has lost its name; one that has another name still is somebody's copy."""
    found = os.fstat(handle)
    if not found.st_nlink:
        os.pwrite(handle, bytes(found.st_size), 0)
        os.fsync(handle)


@contextmanager
def _held(path: Path) -> Iterator[None]:
    with _opened(path, os.O_RDONLY) as handle:
        owner = os.fstat(handle).st_uid
        if owner != os.geteuid():
            raise KeyringError(
                f"{path} belongs to user {owner}, who could not read it any more. Change it as that user."
            )
        if not taken(handle) or not os.path.samestat(os.fstat(handle), path.stat()):
            raise LockError(f"{path} is being changed by another process.\n  See what it did: `sluis keys show`.")
        yield
