"""The gates open."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from privacy.leak_proof import leak_proof
from tasks.run import chamber_of


@task(task_run_name="publish candidate", cache_policy=NO_CACHE, persist_result=False)
@leak_proof
def publish_candidate(run: str) -> None:
    """Make all tables visible at once."""
    chamber, _ = chamber_of(run)
    chamber.publish()
