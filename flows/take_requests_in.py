"""Requests of people, between two runs of the main job."""

from prefect import flow

from privacy.errors import LockError
from tasks.final_state import ends_readably
from tasks.forms import IntakeOptions
from tasks.outcomes import TakenIn, taken_in
from tasks.plan_waiting import plan_waiting
from tasks.register_requests import register_requests
from tasks.run_names import of_the_minute
from tasks.take_out_decided import take_out_decided


@flow(
    name="take-requests-in",
    flow_run_name=of_the_minute("requests"),
    timeout_seconds=50 * 60,
    persist_result=False,
)
@ends_readably(taken_in, skip_on=LockError)
def take_requests_in(options: IntakeOptions = IntakeOptions()) -> TakenIn:  # noqa: B008 (frozen, a form's default)
    """Register what the shop's own table asks, take out the few, and plan the many for approval."""
    registered = register_requests(options.as_of, options.apply_at_most)
    record = take_out_decided(options.as_of) if registered.decided else None
    plan_hash = plan_waiting(options.as_of) if registered.needs_approval else None
    return TakenIn(registered, record, plan_hash)
