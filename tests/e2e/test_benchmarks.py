"""`make bench` still measures what it says, on a shop too small to say anything."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from benchmarks.__main__ import ALL
from benchmarks.erasure import APPLY, ERASING, PLAIN, PLAN, REGISTER
from benchmarks.gate import GATE, STATEMENTS
from benchmarks.measure import WHOLE
from benchmarks.race import BY_HAND, RACE
from benchmarks.treatment import STEPS, TREAT

pytestmark = [pytest.mark.long, pytest.mark.alone]

Steps = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run everything once; give the JSON."""
    folder = tmp_path_factory.mktemp("bench")
    flags = ("--orders", "400", "--rounds", "1", "--sizes", "400", "--dir", str(folder))
    command = [sys.executable, "-m", "benchmarks", *flags, "--json", str(folder / "told.json")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    read: dict[str, Any] = json.loads((folder / "told.json").read_text(encoding="utf-8"))
    return read


def steps(measured: dict[str, Any]) -> Steps:
    return {step["name"]: step for step in measured["steps"]}


def test_every_part_is_measured(told: dict[str, Any]) -> None:
    assert told.keys() >= {"race", *set(ALL) - RACE.keys()}
    assert told["race"][0].keys() == RACE.keys()


def test_all_contestants_but_the_script_by_hand_read_the_same_rows(told: dict[str, Any]) -> None:
    rows = {name: steps(measured)[WHOLE]["rows"] for name, measured in told["race"][0].items()}
    by_hand = {name: rows.pop(name) for name in BY_HAND}

    assert len(set(rows.values())) == 1
    for read in by_hand.values():
        assert read == pytest.approx(rows["copy"] * told["by_hand_share"], rel=0.01, abs=9)  # half a row a table


def test_the_steps_of_a_treatment_add_up_to_it(told: dict[str, Any]) -> None:
    found = steps(told["treatment"])
    tables = {name.partition("/")[0] for name in found if name.endswith(f"/{TREAT}")}

    assert len(tables) > 10
    for table in tables:
        parts = sum(found[f"{table}/{step}"]["cpu"] for step in STEPS[:-1])
        assert parts == pytest.approx(found[f"{table}/{TREAT}"]["cpu"])
        assert all(found[f"{table}/{step}"]["cpu"] > 0 for step in (*STEPS, TREAT))


def test_erasure_is_measured_beside_a_plain_run(told: dict[str, Any]) -> None:
    found = steps(told["erasure"])

    assert found[PLAIN]["rows"] > found[APPLY]["rows"] > 0
    assert found[ERASING]["rows"] == found[PLAIN]["rows"]
    assert all(found[name]["cpu"] > 0 for name in (PLAIN, REGISTER, PLAN, APPLY, ERASING))


def test_the_statements_of_the_gate_are_caught_and_run_without_it(told: dict[str, Any]) -> None:
    found = steps(told["gate"])

    assert found[GATE]["rows"] > 300, "checks"
    assert 0 < found[STATEMENTS]["rows"] < 1000
    assert 0 < found[STATEMENTS]["cpu"] < found[GATE]["cpu"]


def test_a_copy_and_a_run_read_the_same_rows_from_each_server(told: dict[str, Any]) -> None:
    for kind, (measured,) in told["servers"].items():
        rows = {name: steps(found)[WHOLE]["rows"] for name, found in measured.items()}
        assert rows["copy"] == rows["sluis"] > 400, kind
