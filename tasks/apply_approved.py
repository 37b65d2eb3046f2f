"""An approved plan is carried out."""

from __future__ import annotations

import os
from dataclasses import replace

from prefect import task
from prefect.cache_policies import NO_CACHE

from privacy.errors import ApprovalError
from privacy.leak_proof import leak_proof
from stores.settings import Settings
from tasks.erasure import apply_erasure
from tasks.outcomes import Approved


@task(task_run_name="apply approved", cache_policy=NO_CACHE, persist_result=False)
@leak_proof
def apply_approved(approved: Approved) -> Approved:
    """Take the people of a plan out of the warehouse; say what is missing where too few have approved it."""
    settings = Settings.from_environment(os.environ, source_needed=False)
    try:
        return replace(approved, record=apply_erasure(settings, approved.plan_hash))
    except ApprovalError as error:
        return replace(approved, not_applied=str(error))
