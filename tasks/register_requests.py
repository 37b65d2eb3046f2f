"""The source's table of requests, read without a full extract."""

from __future__ import annotations

import datetime
import os

from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.source import find_drift, refuse_drift
from privacy.leak_proof import leak_proof
from privacy.world import World, local_date
from stores.actor import acting
from stores.ledger import open_ledger
from stores.opening import open_source, open_warehouse
from stores.settings import Settings
from tasks.chamber import read_rules
from tasks.exclusive import exclusively
from tasks.extraction import LISTENER, Extraction
from tasks.outcomes import Registered
from tasks.publication import new_run_id
from tasks.requests_intake import suppressing, take_in
from tasks.standing import check_standing


@task(task_run_name="register requests", cache_policy=NO_CACHE, persist_result=False)
@leak_proof
def register_requests(as_of: datetime.date | None, apply_at_most: int | None) -> Registered:
    """Register what the source's table asks, and decide as many as may leave without approval."""
    settings, now = Settings.from_environment(os.environ), datetime.datetime.now(datetime.UTC)
    policy, keyring = read_rules(settings)
    warehouse, ledger, source = (
        open_warehouse(settings.warehouse),
        open_ledger(settings.ledger),
        open_source(settings.source),
    )
    keys, actor = keyring.subjects(), acting(os.environ)
    world = World(policy, keyring.analytics(), as_of or local_date(now, policy.time_zone), now, keys)
    with exclusively(warehouse, ledger, new_run_id(now), actor):
        check_standing(warehouse, ledger, keyring)
        schema = source.schema()
        refuse_drift(policy, find_drift(policy, schema))
        with source.snapshot() as snapshot:
            extraction = Extraction(world, snapshot, LISTENER.get())
            found = take_in(extraction, schema, ledger, keys, actor.name, apply_at_most)
        decided = len(suppressing(ledger, "decided"))
    return Registered(found.new, decided, found.pending, found.needs_approval, list(found.warnings))
