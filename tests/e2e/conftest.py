"""The demo shop, made and run once by the real command; tests read it and leave it as it is."""

from __future__ import annotations

import datetime
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from stores.keyring_file import create_keyring
from tests.conftest import Place, run_in_process
from tests.shop_oracle import Shop, Tokens

SUPPRESSED = (
    "tracking_code: {type: text, role: direct_identifier, treatment: suppress, meaning: Tracking code; always empty.}"
)
KEPT = (
    "tracking_code: {type: text, role: non_personal, treatment: keep, because: Only a code., meaning: Tracking code.}"
)

WAIVED = (
    "\nwaivers: []\n",
    "\nwaivers:\n  - {table: delivery, column: tracking_code, kind: parcel, because: Only a code., owner: Nobody, "
    "until: 2999-12-31}\n",
)


@dataclass(frozen=True)
class Run(Place):
    """A run of the demo shop and what it told."""

    told: dict[str, Any]
    shop_file: Path
    keys: Path

    @property
    def source(self) -> Path:
        return self.shop_file

    @property
    def keyring(self) -> Path:
        return self.keys

    @property
    def tables(self) -> dict[str, dict[str, Any]]:
        """Give the counts by published table."""
        tables: dict[str, dict[str, Any]] = self.told["tables"]
        return tables

    @property
    def private(self) -> Path:
        """Give the file beside the warehouse that analysts do not read."""
        (file,) = self.folder.glob("warehouse.duckdb.private-*")
        return file

    @property
    def tokens(self) -> Tokens:
        return Tokens.of(self.keyring)

    def set_aside(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the private file."""
        with duckdb.connect(str(self.private), read_only=True) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(scope="session")
def demo(prefect_server: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Make a shop and run the main job on it, as `sluis demo` does; of 3,000 orders, or as DEMO_ORDERS says."""
    orders = os.environ.get("DEMO_ORDERS", "3000")
    folder = tmp_path_factory.mktemp("demo") / "shop"
    outcome = run_in_process("demo", "--dir", str(folder), "--orders", orders, "--output", "json")
    assert outcome.exit_code == 0, outcome.said
    return Run(folder, outcome.json, folder / "shop.sqlite", folder / "keyring.toml")


@pytest.fixture(scope="session")
def shop(demo: Run) -> Shop:
    """Give the demo shop's rows, and what must have become of them."""
    return Shop(demo.source, datetime.date.fromisoformat(demo.told["as_of"]), datetime.datetime.now(datetime.UTC))


RunAgain = Callable[..., Run]


@pytest.fixture(scope="session")
def run_again(demo: Run, tmp_path_factory: pytest.TempPathFactory) -> RunAgain:
    """Run the main job on the demo shop's source once more, into another folder: over what stands there, or afresh."""

    def again(over_the_last: bool = False, other_keys: bool = False, policy: tuple[tuple[str, str], ...] = ()) -> Run:
        folder = tmp_path_factory.mktemp("again")
        if over_the_last:
            for file in (demo.warehouse, demo.private, demo.folder / "ledger.sqlite"):
                shutil.copy2(file, folder)
        keys = folder / "other.toml" if other_keys else demo.keyring
        if other_keys:
            create_keyring(keys, datetime.date.today())
        shutil.copy(demo.policy, folder / "policy.yaml")
        place = Run(folder, {}, demo.source, keys)
        for old, new in policy:
            place.change_policy(old, new)
        outcome = run_in_process("run", "--output", "json", **place.environment)
        assert outcome.exit_code == 0, outcome.said
        return Run(folder, outcome.json, demo.source, keys)

    return again


@pytest.fixture(scope="session")
def careless(run_again: RunAgain) -> Run:
    """Run under other keys, by a policy that takes tracking codes for harmless and keeps them."""
    return run_again(other_keys=True, policy=((SUPPRESSED, KEPT), WAIVED))
