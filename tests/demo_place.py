"""The demo shop with its policy and keys, of a size that a test chooses."""

from __future__ import annotations

import datetime
from importlib.resources import files
from pathlib import Path

from demo.shop import build_shop
from stores.keyring_file import create_keyring
from tests.conftest import Place


def demo_place(folder: Path, orders: int, today: datetime.date) -> Place:
    """Make a demo shop in a folder, as it is on a day; nothing has run yet."""
    made = Place(folder)
    build_shop(made.source, orders=orders, seed=1, today=today)
    made.policy.write_bytes(files("policies").joinpath("autopar.yaml").read_bytes())
    create_keyring(made.keyring, today)
    return made
