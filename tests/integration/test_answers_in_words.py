"""What commands tell people in words: every warning, no publish that was none, and names as they are written."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from cli.summary import render_publish, show_counts
from privacy.evidence import COUNTED
from tests.conftest import Outcome, Place, run_in_process
from tests.rights_shop import BOB, apply, asked, plan


def in_words(place: Place, *arguments: str) -> Outcome:
    """Type a command that answers in words."""
    return run_in_process(*arguments, **place.environment)


def test_what_a_publish_without_the_source_warns_of_is_told_and_explains_its_exit_code(shop: Place) -> None:
    (shop.folder / "warehouse.duckdb.wal").write_bytes(b"somebody opened it for writing")

    outcome = in_words(shop, "retention", "apply", "--strict")

    assert outcome.exit_code == 6
    assert "! warehouse.duckdb had been opened for writing by somebody" in outcome.stdout


def test_a_publish_that_the_gate_refuses_is_not_told_as_one(shop: Place) -> None:
    asked(shop, "AVG-1", f"buyer_id={BOB}")
    record = apply(shop, plan(shop)["plan_hash"]).json
    refused: dict[str, Any] = {**record, "published": False}
    refused["gates"] = {**record["gates"], "failed": [{"promise": "unique"}]}
    said = io.StringIO()

    render_publish(Console(file=said), refused)

    assert "1 broken" in said.getvalue()
    assert "Not published" in said.getvalue()
    assert "requests applied" not in said.getvalue()


def test_a_reference_is_shown_as_it_is_written_although_it_looks_like_markup(shop: Place) -> None:
    asked(shop, "AVG[red]-1[/x]", f"buyer_id={BOB}")

    outcome = in_words(shop, "erase", "list")

    assert outcome.exit_code == 0, outcome.said
    assert "AVG[red]-1[/x]" in outcome.stdout


@pytest.mark.parametrize("output", ["text", "json"])
def test_whoever_interrupts_a_command_is_told_what_that_leaves(
    shop: Place, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.erase.all_requests", pressed)

    outcome = in_words(shop, "erase", "list", "--output", output)

    assert outcome.exit_code == 130
    assert "sluis: interrupted. What is published is whole" in outcome.stderr
    if output == "json":
        assert (outcome.json["error"]["code"], outcome.json["error"]["kind"]) == (130, "interrupted")
    else:
        assert outcome.stdout == ""


@pytest.mark.parametrize("terminal", [True, False])
def test_figures_are_whole_in_a_narrow_terminal_and_without_one(terminal: bool) -> None:
    rows = {fate.word: 1_234_567 + number for number, fate in enumerate(COUNTED)} | {"extracted": 12_345_678}
    said = io.StringIO()

    show_counts(
        Console(file=said, width=40, force_terminal=terminal, no_color=True), {"newsletter_subscriptions": rows}
    )

    words = said.getvalue().replace(",\n", " ").split()
    assert "…" not in said.getvalue()
    assert {f"{number:,}" for number in rows.values()} <= set(words)
    assert rows.keys() <= {word.strip(",:") for word in words}
