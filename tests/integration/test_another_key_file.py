"""A key file that is not the one by which people are held back lets nobody in again."""

from __future__ import annotations

import datetime
import shutil

import pytest

from stores.keyring_file import create_keyring
from tests.conftest import Command, Place
from tests.corner_shop import token_in


@pytest.fixture
def forgotten(published: Place, run: Command, sluis: Command) -> Place:
    """Give the corner shop after its first buyer was erased, with the key file kept as kept.toml too."""
    people = published.folder / "people.txt"
    people.write_text("buyer_id=1\n", encoding="utf-8")
    asked = sluis("erase", "request", "--subject-file", str(people), "--reference", "R-1", **published.environment)
    assert asked.exit_code == 0, asked.said
    assert run().json["requests"]["applied"] == 1
    shutil.copy2(published.keyring, published.folder / "kept.toml")
    published.keyring.unlink()
    return published


@pytest.mark.parametrize(
    "command", [("run",), ("erase", "list"), ("erase", "verify", "--reference", "R-1"), ("replay",)], ids=" ".join
)
def test_another_key_file_is_refused_while_somebody_is_held_back(
    forgotten: Place, sluis: Command, command: tuple[str, ...]
) -> None:
    create_keyring(forgotten.keyring, datetime.date.today())
    before = forgotten.fingerprint()

    refused = sluis(*command, "--output", "json", **forgotten.environment)

    assert refused.exit_code == 2
    assert refused.json["error"]["kind"] == "keyring"
    assert "another key file signed this ledger's last receipt" in refused.json["error"]["message"]
    assert forgotten.fingerprint() == before


def test_with_the_key_file_of_before_put_back_the_buyer_stays_out(forgotten: Place, run: Command) -> None:
    erased = token_in(forgotten.folder / "kept.toml", 1, "buyer")
    shutil.copy2(forgotten.folder / "kept.toml", forgotten.keyring)

    assert run().json["tables"]["buyers"]["erased"] == 1
    assert forgotten.rows(f"select count(*) from analytics.buyers where buyer_id = '{erased}'") == [(0,)]


def test_a_missing_key_file_is_to_be_put_back_before_one_is_made(forgotten: Place, run: Command) -> None:
    missing = run()

    assert missing.exit_code == 2
    assert "Put its backup back; where there never was one, make it with" in missing.stderr
