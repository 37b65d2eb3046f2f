"""Where a benchmark's shop and its results are."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from stores.settings import Settings


def settings(folder: Path, contestant: str) -> Settings:
    """Give the places of one contestant's run on the shop in `folder`."""
    return Settings(
        source=sa.make_url(f"sqlite:///{folder}/shop.sqlite"),
        warehouse=sa.make_url(f"duckdb:///{folder}/{contestant}.duckdb"),
        ledger=sa.make_url(f"sqlite:///{folder}/{contestant}-ledger.sqlite"),
        policy=folder / "policy.yaml",
        keyring=folder / "keyring.toml",
    )
