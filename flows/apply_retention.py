"""Retention in the warehouse, whether the main job has run or not."""

from prefect import flow

from privacy.evidence import RunRecord
from tasks.final_state import ends_readably
from tasks.forms import PublishOptions
from tasks.outcomes import published
from tasks.run_names import of_the_day
from tasks.take_out_expired import take_out_expired


@flow(
    name="apply-retention",
    flow_run_name=of_the_day("retention"),
    timeout_seconds=2 * 60 * 60,
    persist_result=False,
)
@ends_readably(published)
def apply_retention(options: PublishOptions = PublishOptions()) -> RunRecord:  # noqa: B008 (frozen, a form's default)
    """Take out of the warehouse what has expired."""
    return take_out_expired(options.as_of)
