"""After a rotation of the root tombstones, whoever was erased before it is held back, and can still be looked for."""

from __future__ import annotations

import pytest

from tests.conftest import Command, Place


@pytest.fixture
def rotated(published: Place, run: Command, sluis: Command) -> Place:
    """Give the corner shop after its first buyer was erased, and the root tombstones rotated; no run since."""
    people = published.folder / "people.txt"
    people.write_text("buyer_id=1\n", encoding="utf-8")
    asked = sluis("erase", "request", "--subject-file", str(people), "--reference", "R-1", **published.environment)
    assert asked.exit_code == 0, asked.said
    assert run().json["requests"]["applied"] == 1
    assert sluis("keys", "rotate", "--root", "tombstones", **published.environment).exit_code == 0
    return published


def test_a_run_keys_anew_whom_it_meets_and_verify_looks_for_them(rotated: Place, run: Command, sluis: Command) -> None:
    assert run().json["tables"]["buyers"]["erased"] == 1

    verified = sluis("erase", "verify", "--reference", "R-1", "--output", "json", **rotated.environment)

    assert verified.exit_code == 0
    assert verified.json["identifiers"] == 1  # the account; no row without one bears its address


def test_whom_the_source_forgot_before_that_run_does_not_stop_anything(
    rotated: Place, run: Command, sluis: Command
) -> None:
    rotated.change_source(
        "delete from line where sale_id in (select sale_id from sale where buyer_id = 1)",
        "delete from sale where buyer_id = 1",
        "delete from buyer where buyer_id = 1",
    )
    assert run().exit_code == 0

    assert sluis("retention", "apply", **rotated.environment).exit_code == 0
    verified = sluis("erase", "verify", "--reference", "R-1", **rotated.environment)
    assert verified.exit_code == 2
    assert "cannot be looked for by the keys of this warehouse" in verified.stderr


def test_without_the_source_a_request_under_an_older_key_than_the_index_is_refused_rather_than_applied_to_nobody(
    published: Place, run: Command, sluis: Command
) -> None:
    published.change_policy("quarantine:", "requests: {apply_at_most: 1}\nquarantine:")
    people = published.folder / "people.txt"
    people.write_text("buyer_id=1\nbuyer_id=2\n", encoding="utf-8")
    assert not sluis(
        "erase", "request", "--subject-file", str(people), "--reference", "R-1", **published.environment
    ).exit_code
    assert sluis("keys", "rotate", "--root", "tombstones", **published.environment).exit_code == 0
    assert run().json["requests"]["pending"] == 1

    published.source.rename(published.folder / "away.sqlite")

    planned = sluis("erase", "plan", **published.environment)

    assert planned.exit_code == 5
    assert "made under another key than people are held back by" in planned.stderr
