"""What commands tell people in words: every warning, no publish that was none, and names as they are written."""

from __future__ import annotations

import io
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli.summary import render_publish, render_run, show_counts
from privacy.erasure_plan import told_until
from privacy.evidence import COUNTED
from tests.conftest import Outcome, Place, run_in_own_process, run_in_process
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


def test_what_a_policy_says_is_shown_as_it_is_written_although_it_looks_like_markup(place: Place) -> None:
    """It ended with a traceback and 1, the code of a broken promise; of a run that had published, too."""
    place.change_policy('version: "test"', 'version: "2 [/b] :smile:"')

    checked, planned = in_words(place, "check"), in_words(place, "plan")

    assert (checked.exit_code, planned.exit_code) == (0, 0), checked.said + planned.said
    assert "Policy 2 [/b] :smile: is valid" in checked.stdout
    assert "policy 2 [/b] :smile: · as of" in planned.stdout


def test_the_hundredth_line_of_a_policy_is_told_as_a_number(place: Place) -> None:
    """It was told as a small picture of the number."""
    lines = place.policy.read_text(encoding="utf-8").splitlines()
    text = "\n".join([*lines[:3], *["#"] * 96, "nonsense: 1", *lines[3:]])
    place.policy.write_text(text, encoding="utf-8")

    assert f"{place.policy}:100: nonsense: is not a key" in in_words(place, "check").stderr


@pytest.mark.parametrize("output", ["text", "json"])
def test_whoever_interrupts_a_command_while_it_loads_is_answered_too(output: str, tmp_path: Path) -> None:
    """It ended with a traceback, and nothing on stdout; to load takes a second or two."""
    (tmp_path / "typer.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n", encoding="utf-8")

    ended = run_in_own_process("check", "--output", output, PYTHONPATH=str(tmp_path))

    assert (ended.returncode, "Traceback" in ended.stderr) == (130, False), ended.stderr
    assert ended.stderr.startswith("sluis: interrupted before anything was begun.")
    if output == "json":
        assert json.loads(ended.stdout)["error"]["code"] == 130


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


@pytest.mark.parametrize(
    ("warehouse", "looks", "not_so"),
    [
        ("duckdb:///warehouse.duckdb", "duckdb_tables()", "psql"),
        (
            "postgresql+psycopg://a:geheim@db.example/w",
            r"psql w -c '\dt+ (analytics|marts).*'",
            "duckdb",
        ),
    ],
)
def test_a_run_says_how_to_look_around_in_the_warehouse_that_it_published_to(
    monkeypatch: pytest.MonkeyPatch, warehouse: str, looks: str, not_so: str
) -> None:
    monkeypatch.setenv("SLUIS_WAREHOUSE", warehouse)
    said = io.StringIO()

    render_run(
        Console(file=said),
        {
            "run_id": "20261126T120000Z-000000",
            "policy_version": "1.0",
            "as_of": "2026-11-26",
            "published": True,
            "seconds": 1.0,
            "gates": {"passed": 1, "failed": [], "crashed": []},
            "tables": {},
            "warnings": [],
        },
    )

    assert looks in said.getvalue()
    assert not_so not in said.getvalue()
    assert "geheim" not in said.getvalue()


def test_help_leaves_out_flags_that_a_command_ignores_and_takes_all_the_same(shop: Place) -> None:
    shown = in_words(shop, "erase", "list", "--help").stdout

    assert "--output" in shown
    assert "--as-of" not in shown
    assert "--strict" not in shown
    assert in_words(shop, "erase", "list", "--as-of", "2026-03-10", "--strict").exit_code == 0


def test_help_breaks_its_lines_where_the_terminal_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")

    lines = run_in_process("run", "--help").stdout.splitlines()

    (first,) = (line for line in lines if line.strip().startswith("Nothing becomes visible"))
    assert len(first.rstrip()) > 80
    assert any(line.strip().startswith("Exit codes: 0 published") for line in lines)


def test_a_url_that_names_no_driver_of_ours_is_answered_with_one_that_does(shop: Place) -> None:
    outcome = in_words(shop, "check", "--source", "postgres://jan:geheim@localhost/shop")

    assert outcome.exit_code == 2
    assert "PostgreSQL is written postgresql+psycopg://" in outcome.stderr
    assert "geheim" not in outcome.said


@pytest.mark.parametrize(
    ("until", "told"),
    [
        (None, ""),
        ("2026-11-26", ", needed until 2026-11-26"),
        ("2026-11-25", ", needed until 2026-11-25 and no longer"),
    ],
)
def test_no_letter_says_that_rows_are_needed_until_a_day_that_is_past(until: str | None, told: str) -> None:
    assert told_until(until, "2026-11-26") == told


def test_a_prefect_server_that_is_named_and_silent_is_told_as_that(shop: Place) -> None:
    outcome = run_in_process("run", "--output", "json", **shop.environment, PREFECT_API_URL="http://127.0.0.1:9/api")

    assert outcome.exit_code == 3
    assert outcome.json["error"]["message"].startswith("Prefect: no server answers at PREFECT_API_URL.")


@pytest.mark.parametrize("from_stdin", [True, False])
def test_a_file_of_an_editor_that_marks_its_encoding_is_read(
    shop: Place, monkeypatch: pytest.MonkeyPatch, from_stdin: bool
) -> None:
    marked = f"\ufeffbuyer_id={BOB}\r\n"
    file = shop.folder / "asked.txt"
    file.write_text(marked, encoding="utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO(marked))

    outcome = in_words(
        shop, "erase", "request", "--reference", "AVG-1", "--subject-file", "-" if from_stdin else str(file)
    )

    assert outcome.exit_code == 0, outcome.said


def test_the_command_tells_its_version() -> None:
    stated = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["version"]
    assert run_in_process("--version").stdout == f"{stated}\n"
