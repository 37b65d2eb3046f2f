"""Gate 0."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from privacy.leak_proof import leak_proof
from tasks.run import chamber_of


@task(task_run_name="inspect source", cache_policy=NO_CACHE, persist_result=False)
@leak_proof
def inspect_source(run: str) -> None:
    """Stop unless the source is what the policy describes; then hold one snapshot of it."""
    chamber, stack = chamber_of(run)
    chamber.inspect(stack)
