"""Those whose requests are decided leave the warehouse."""

from __future__ import annotations

import datetime
import os

from prefect import task
from prefect.cache_policies import NO_CACHE

from privacy.evidence import RunRecord
from privacy.leak_proof import leak_proof
from stores.actor import acting
from stores.settings import Settings
from tasks.remains import Decision, publish_remains


@task(task_run_name="take out decided", cache_policy=NO_CACHE, persist_result=False)
@leak_proof
def take_out_decided(as_of: datetime.date | None) -> RunRecord:
    """Publish the warehouse without them; the source is not read."""
    settings = Settings.from_environment(os.environ, source_needed=False)
    return publish_remains(settings, "erasure", acting(os.environ), as_of, Decision())
