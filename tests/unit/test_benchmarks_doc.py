"""docs/benchmarks.md names all that can be measured and every flag; benchmarks/ names no column of the shop."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.__main__ import ALL, parser

PAGE = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text(encoding="utf-8")
FIRST_CELLS = re.findall(r"^\| `([^`]+)` \|", PAGE, re.M)
FLAGS = {flag for action in parser()._actions for flag in action.option_strings if flag.startswith("--")} - {"--help"}


def test_every_part_and_every_flag_has_its_row_and_no_row_is_left_over() -> None:
    assert set(FIRST_CELLS) == set(ALL) | FLAGS


@pytest.mark.parametrize("command", re.findall(r"^\|[^|`]+\| `(--[^`]+)` \|", PAGE, re.M))
def test_every_command_beside_a_figure_can_be_given(command: str) -> None:
    parser().parse_args(command.split())


def test_an_unknown_part_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--only", "copy,nonsense"])

    assert "unknown: nonsense; known: copy, copy_limited, hashed, sluis" in capsys.readouterr().err
