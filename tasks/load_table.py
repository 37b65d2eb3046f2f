"""One table on its way from the source to the candidate."""

from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from privacy.leak_proof import leak_proof
from tasks.load_progress import LoadProgress
from tasks.run import chamber_of


@task(task_run_name="load {table}", cache_policy=NO_CACHE, persist_result=False)
@leak_proof
def load_table(table: str, run: str) -> dict[str, Any]:
    """Extract, treat and stage one table; return what became of its rows."""
    chamber, _ = chamber_of(run)
    return chamber.load(table, LoadProgress(table)).as_json()
