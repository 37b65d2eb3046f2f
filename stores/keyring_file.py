"""The key file: TOML, readable by its owner only. Made once, backed up apart from every database."""

from __future__ import annotations

import base64
import binascii
import contextlib
import datetime
import os
import secrets
import stat
import tomllib
from pathlib import Path
from typing import Any, get_args

from privacy.errors import KeyringError
from privacy.keys import ROOT_BYTES, Epoch, Keyring, RootName, check_root

FORMAT = 1


def create_keyring(path: Path, today: datetime.date) -> None:
    """Write a key file with a fresh root for every name (mode 0600); an existing file is never overwritten."""
    lines = ["# Sluis keys. Whoever holds this file can single out known people in the warehouse: keep it apart.\n"]
    lines.append(f"format = {FORMAT}\n")
    lines += [fresh_root(name, 1, today) for name in get_args(RootName)]
    made = False
    with contextlib.suppress(FileExistsError):
        write_owners_only(path, "".join(lines))
        made = True
    if not made:
        raise KeyringError(
            f"{path} exists already; a new key would change every token. Name another file, or keep this one."
        )


def fresh_root(name: RootName, epoch: int, today: datetime.date) -> str:
    """Give the entry of a new epoch as it stands in a key file."""
    root = base64.b64encode(secrets.token_bytes(ROOT_BYTES)).decode()
    return f'\n[[{name}]]\nepoch = {epoch}\ncreated = {today.isoformat()}\nroot = "{root}"\n'


def write_owners_only(path: Path, text: str) -> None:
    """Write a new file that was never readable by others, down to the disk; FileExistsError if there is one."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def read_keyring(path: Path) -> Keyring:
    """Read a key file; KeyringError if it is missing, readable by others, not whole, short or not random."""
    raw = _parse(path)
    roots = {name: _epochs(path, name, raw) for name in get_args(RootName)}
    drawn = [epoch.root for epochs in roots.values() for epoch in epochs]
    if len(set(drawn)) < len(drawn):
        raise KeyringError(f"{path}: two of its roots are equal; each must be drawn by itself. Restore its backup.")
    return Keyring(roots)


def _parse(path: Path) -> dict[str, Any]:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise KeyringError(f"{path} is a folder; name the key file in it.")
        if stat.S_IMODE(mode) & 0o077:
            raise KeyringError(
                f"{path} can be read by others (mode {stat.S_IMODE(mode):04o}).\n  Run: chmod 600 {path}"
            )
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except KeyringError:
        raise
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problem = type(error).__name__
    else:
        if raw.get("format") == FORMAT:
            return raw
        problem = "unknown format"
    raise KeyringError(
        f"{path} is missing or is no key file ({problem}).\n  Put its backup back; where there never was one, "
        f"make it with `sluis keys init --keyring {path}`."
    )


def _epochs(path: Path, name: RootName, raw: dict[str, Any]) -> tuple[Epoch, ...]:
    entries = raw.get(name) or []
    try:
        epochs = tuple(
            Epoch(int(entry["epoch"]), entry["created"], base64.b64decode(entry["root"], validate=True))
            for entry in entries
        )
    except (KeyError, TypeError, ValueError, binascii.Error):
        epochs = ()
    if not epochs or [epoch.number for epoch in epochs] != sorted({epoch.number for epoch in epochs}):
        raise KeyringError(
            f"{path}: {name} has no root, or its epochs do not count up.\n  Make a key file with `sluis keys init`, "
            "or restore this one from its backup."
        )
    for epoch in epochs:
        check_root(name, epoch.number, epoch.root)
    return epochs
