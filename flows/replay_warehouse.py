"""After an older warehouse was put back."""

from prefect import flow

from privacy.evidence import RunRecord
from tasks.final_state import ends_readably
from tasks.forms import PublishOptions
from tasks.outcomes import published
from tasks.replay_tombstones import replay_tombstones
from tasks.run_names import of_the_minute


@flow(
    name="replay-warehouse",
    flow_run_name=of_the_minute("replay"),
    timeout_seconds=4 * 60 * 60,
    persist_result=False,
)
@ends_readably(published)
def replay_warehouse(options: PublishOptions = PublishOptions()) -> RunRecord:  # noqa: B008 (frozen, a form's default)
    """Take out of a warehouse that was put back whoever has left since."""
    return replay_tombstones(options.as_of)
