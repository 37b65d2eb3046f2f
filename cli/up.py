"""`sluis up`: a Prefect server and worker on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from cli.answer import answer
from cli.local_prefect.home import Home
from cli.local_prefect.starting import bring_up
from cli.options import Output, OutputAs, common
from cli.progress import progress_shown
from stores.settings import Settings
from tasks.chamber import read_rules

PrefectHome = Annotated[
    Path | None,
    typer.Option("--dir", envvar="PREFECT_HOME", help="Prefect's own folder: its database, logs and results."),
]
Port = Annotated[
    int | None,
    typer.Option(min=1024, max=65535, help="Where the server listens. Default: the last one, 4200, or a free one."),
]


@common
def up(directory: PrefectHome = None, port: Port = None, output: OutputAs = Output.text) -> None:
    """Start a Prefect server and a worker on this machine, and register all deployments with their schedules.

    Both stay when the command ends; `sluis down` ends them. They listen on this machine only, send no statistics, and
    keep runs for 90 days. The worker works with the places that are set now; to change them, `sluis down` and up again.
    Exit codes: 0 it is up · 2 a setting is missing or wrong, a port is in use · 3 something did not start.
    """

    def work() -> dict[str, Any]:
        home = Home.named(directory)
        read_rules(Settings.from_environment(os.environ))
        with progress_shown(output) as tell:
            note, started = bring_up(home, port, os.environ, tell)
        return {"address": note.address, "api": note.api, "dir": str(home.folder), "started": started}

    answer(output, work, _render)


def _render(console: Console, told: dict[str, Any]) -> None:
    console.print(f"{'Up' if told['started'] else 'Is up already'}: {told['address']}", highlight=False)
    console.print(
        f"Logs are in {told['dir']}. Let other commands use this server with\n  export PREFECT_API_URL={told['api']}\n"
        f"End it with\n  sluis down --dir {told['dir']}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
