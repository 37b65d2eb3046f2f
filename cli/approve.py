"""`sluis approve`: somebody else agrees with a plan."""

from __future__ import annotations

import datetime
import os
from typing import Any

from rich.console import Console

from cli.answer import answer
from cli.options import Output, OutputAs, common
from cli.request_options import PlanHash
from stores.actor import acting
from stores.settings import Settings
from tasks.approval import approve_plan


@common
def approve(plan: PlanHash, output: OutputAs = Output.text) -> None:
    """Approve a plan that somebody else made, before it is applied. Who approves is recorded as far as it is known.

    Exit codes: 0 approved, also for a second time · 2 no such plan · 5 one's own plan, or one that was applied; replay
    owed, or a ledger older than the warehouse.
    """

    def work() -> dict[str, Any]:
        settings = Settings.from_environment(os.environ, source_needed=False)
        return approve_plan(settings, plan, acting(os.environ), datetime.datetime.now(datetime.UTC))

    answer(output, work, _render)


def _render(console: Console, told: dict[str, Any]) -> None:
    console.print(f"Approved by {', '.join(told['approved_by'])}.", highlight=False)
