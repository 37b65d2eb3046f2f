"""A plan that needs somebody else's word."""

from prefect import flow

from tasks.apply_approved import apply_approved
from tasks.final_state import ends_readably
from tasks.forms import ApprovalForm
from tasks.outcomes import Approved, approved
from tasks.record_approval import record_approval


@flow(
    name="approve-plan",
    flow_run_name="approve plan {approval.plan_hash:.12}",
    timeout_seconds=2 * 60 * 60,
    persist_result=False,
)
@ends_readably(approved)
def approve_plan(approval: ApprovalForm) -> Approved:
    """Note that somebody approves a plan; apply it once enough have."""
    given = record_approval(approval.plan_hash, approval.stated_name)
    if approval.then == "wait" or given.kind != "erasure":
        return given
    return apply_approved(given)
