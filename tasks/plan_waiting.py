"""What waits for approval becomes a plan that somebody can approve."""

from __future__ import annotations

import datetime
import os

from prefect import task
from prefect.cache_policies import NO_CACHE

from privacy.leak_proof import leak_proof
from stores.settings import Settings
from tasks.erasure import plan_erasure


@task(task_run_name="plan waiting", cache_policy=NO_CACHE, persist_result=False)
@leak_proof
def plan_waiting(as_of: datetime.date | None) -> str:
    """Plan all requests that wait; give the plan's hash, under which the ledger keeps it."""
    return plan_erasure(Settings.from_environment(os.environ, source_needed=False), None, as_of).hash
