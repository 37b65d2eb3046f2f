"""A file of public keys, for whoever verifies receipts without the key file: lines `epoch key`, as Sluis shows them."""

from __future__ import annotations

import re
from pathlib import Path

from privacy.errors import KeyringError
from stores.settings import read_text


def read_public_keys(path: Path) -> dict[int, bytes]:
    """Read the public key of each epoch; blank lines and those that begin with # are passed over."""
    keys: dict[int, bytes] = {}
    for number, line in enumerate(read_text(path, "public keys").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = re.fullmatch(r"\s*([0-9]{1,9})\s+([0-9a-f]{64})\s*", line)
        if not found or int(found[1]) in keys:
            raise KeyringError(
                f"{path}:{number}: no line of an epoch and its key, or of an epoch that has one already.\n"
                "  Copy the lines from `sluis receipt show`: the number, a blank, 64 hexadecimal digits."
            )
        keys[int(found[1])] = bytes.fromhex(found[2])
    if not keys:
        raise KeyringError(f"{path} holds no public key.\n  Copy the lines from `sluis receipt show`.")
    return keys
