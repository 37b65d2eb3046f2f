"""`sluis replay`: after an older warehouse was put back."""

from __future__ import annotations

import os
from typing import Any

from cli.answer import answer
from cli.options import AsOf, Output, OutputAs, Strict, common
from cli.progress import progress_shown
from cli.summary import render_publish
from stores.settings import Settings
from tasks.replay import replay as replay_tombstones


@common
def replay(as_of: AsOf = None, strict: Strict = False, output: OutputAs = Output.text) -> None:
    """Take out of a warehouse that was put back whoever has been erased, restricted or has objected since.

    The source is not needed. Until then every other command refuses to work with this warehouse.
    Exit codes: 0 published · 1 a promise is broken · 2 a key is missing · 3 runtime · 5 a ledger older than the
    warehouse, or a backup from before what the ledger remembers.
    """

    def work() -> dict[str, Any]:
        with progress_shown(output):
            return replay_tombstones(Settings.from_environment(os.environ, source_needed=False), as_of).as_json()

    answer(output, work, render_publish, strict)
