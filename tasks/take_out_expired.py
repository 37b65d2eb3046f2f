"""Rows whose time is over leave the warehouse."""

from __future__ import annotations

import datetime
import os

from prefect import task
from prefect.cache_policies import NO_CACHE

from privacy.evidence import RunRecord
from privacy.leak_proof import leak_proof
from stores.settings import Settings
from tasks.warehouse_retention import expire_warehouse


@task(task_run_name="take out expired", cache_policy=NO_CACHE, persist_result=False)
@leak_proof
def take_out_expired(as_of: datetime.date | None) -> RunRecord:
    """Publish the warehouse without them, and without whoever is held back; the source is not read."""
    return expire_warehouse(Settings.from_environment(os.environ, source_needed=False), as_of)
