"""Gate 1."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from privacy.leak_proof import leak_proof
from tasks.run import chamber_of


@task(task_run_name="gate candidate", cache_policy=NO_CACHE, persist_result=False)
@leak_proof
def gate_candidate(run: str) -> None:
    """Check every promise on all rows of the candidate; stop on one broken or one check crashed."""
    chamber, _ = chamber_of(run)
    chamber.gate()
