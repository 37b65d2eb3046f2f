"""Somebody's word for a plan, given in a form."""

from __future__ import annotations

import datetime
import os

from prefect import task
from prefect.cache_policies import NO_CACHE

from privacy.leak_proof import leak_proof
from stores.actor import acting, stated_in_a_form
from stores.ledger import open_ledger
from stores.settings import Settings
from tasks.approval import approve_plan
from tasks.outcomes import Approved


@task(task_run_name="record approval", cache_policy=NO_CACHE, persist_result=False)
@leak_proof
def record_approval(plan_hash: str, stated_name: str) -> Approved:
    """Note the approval in the ledger, on what the name rests, and which worker passed it on."""
    settings = Settings.from_environment(os.environ, source_needed=False)
    actor = stated_in_a_form(stated_name, acting(os.environ))
    told = approve_plan(settings, plan_hash, actor, datetime.datetime.now(datetime.UTC))
    kind = open_ledger(settings.ledger).plans.get(plan_hash).kind
    return Approved(plan_hash, kind, tuple(told["approved_by"]))
