"""`sluis deployments`: the declarations of the deployments, for whoever has the package and no clone."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from cli.answer import answer
from cli.options import Output, OutputAs, common
from privacy.errors import UsageError

FILE = "prefect.yaml"


@common
def deployments(output: OutputAs = Output.text) -> None:
    """Write prefect.yaml into the current folder, for `prefect deploy`; one that is there is never overwritten.

    Exit codes: 0 written · 2 there is one already · 3 the folder cannot be written.
    """
    answer(output, _write, _render)


def _write() -> dict[str, Any]:
    declared = files("flows").joinpath(FILE).read_text(encoding="utf-8")
    there = False
    try:
        with Path(FILE).open("x", encoding="utf-8") as file:
            file.write(declared)
    except FileExistsError:
        there = True
    if there:
        raise UsageError(f"{FILE} is there already, and it is not overwritten.\n  Move it away, or use it as it is.")
    return {"written": FILE, "deployments": [one["name"] for one in yaml.safe_load(declared)["deployments"]]}


def _render(console: Console, told: dict[str, Any]) -> None:
    console.print(
        f"{told['written']}: {', '.join(told['deployments'])}. Change schedules there, then register all with"
    )
    console.print(
        "  prefect work-pool create sluis --type process\n  prefect --no-prompt deploy --all", highlight=False
    )
