"""Gate 0, and what waits to be answered."""

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.events import emit_event

from privacy.leak_proof import leak_proof
from tasks.run import chamber_of

DEADLINE_NEAR = "sluis.deadline.near"
"""The event that tells of requests whose day is near or past, with their numbers."""


@task(task_run_name="inspect source", cache_policy=NO_CACHE, persist_result=False)
@leak_proof
def inspect_source(run: str, full: bool = False) -> dict[str, int]:
    """Stop unless the source is what the policy describes; then hold one snapshot of it, and choose what to treat.

    Say about how many rows each table has.
    """
    chamber, stack = chamber_of(run)
    chamber.inspect(stack, full)
    if chamber.deadlines.any:
        emit_event(
            event=DEADLINE_NEAR, resource={"prefect.resource.id": "sluis.requests"}, payload=vars(chamber.deadlines)
        )
    return chamber.sizes()
