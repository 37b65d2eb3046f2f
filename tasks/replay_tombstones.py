"""Whoever has left since an older warehouse was published leaves it again."""

from __future__ import annotations

import datetime
import os

from prefect import task
from prefect.cache_policies import NO_CACHE

from privacy.evidence import RunRecord
from privacy.leak_proof import leak_proof
from stores.settings import Settings
from tasks.replay import replay


@task(task_run_name="replay tombstones", cache_policy=NO_CACHE, persist_result=False)
@leak_proof
def replay_tombstones(as_of: datetime.date | None) -> RunRecord:
    """Publish what is left of a warehouse that was put back; the source is not read."""
    return replay(Settings.from_environment(os.environ, source_needed=False), as_of)
