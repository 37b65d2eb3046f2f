"""`sluis down`: the end of what `sluis up` started."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from cli.answer import answer
from cli.local_prefect.home import Home
from cli.local_prefect.starting import bring_down
from cli.options import Output, OutputAs, common
from cli.up import PrefectHome


@common
def down(directory: PrefectHome = None, output: OutputAs = Output.text) -> None:
    """End the server and the worker that `sluis up` started from this folder, with the runs under way; nothing else.

    A run that is ended publishes nothing; the next one heals. The folder stays as it is.
    Exit codes: 0 nothing of it runs any more · 2 no folder is named.
    """

    def work() -> dict[str, Any]:
        home = Home.named(directory)
        if not home.folder.is_dir():
            return {"ended": 0}
        with home.held():
            return {"ended": bring_down(home.note())}

    answer(output, work, _render)


def _render(console: Console, told: dict[str, Any]) -> None:
    console.print(f"Down; processes ended: {told['ended']}." if told["ended"] else "Nothing was up.")
