"""Where the shops of a benchmark are, and what a run on one writes."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import sqlalchemy as sa

from privacy.policy import Policy
from privacy.policy_file import read_policy
from stores.settings import Settings


def shop_of(orders: int, folder: Path) -> Path:
    """Give the folder of a shop of that many orders; it is made if it is not there yet, and its file read once."""
    shop = folder / f"shop-{orders}"
    if not (shop / "shop.sqlite").exists():
        command = [sys.executable, "-m", "cli.main", "demo", "--dir", str(shop), "--orders", str(orders), "--shop-only"]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    (shop / "policy.yaml").write_bytes(files("policies").joinpath("autopar.yaml").read_bytes())
    with (shop / "shop.sqlite").open("rb") as file:  # so that the first contestant finds it in memory as the last does
        while file.read(1 << 24):
            pass
    return shop


def policy_of(shop: Path) -> Policy:
    """Read the policy by which every contestant chooses tables and columns."""
    return read_policy((shop / "policy.yaml").read_text(encoding="utf-8"), "policy.yaml")


def settings(shop: Path, to: Path, source: str = "") -> Settings:
    """Give the places of a run on a shop; `source`: the URL of a server that holds a copy of it."""
    return Settings(
        source=sa.make_url(source or f"sqlite:///{shop}/shop.sqlite"),
        warehouse=sa.make_url(f"duckdb:///{to}/warehouse.duckdb"),
        ledger=sa.make_url(f"sqlite:///{to}/ledger.sqlite"),
        policy=shop / "policy.yaml",
        keyring=shop / "keyring.toml",
    )
