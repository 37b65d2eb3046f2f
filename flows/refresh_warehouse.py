"""The main job."""

from prefect import flow
from prefect.futures import as_completed
from prefect.task_runners import ThreadPoolTaskRunner

from privacy.evidence import RunRecord
from stores.source import READERS
from tasks.final_state import ends_readably
from tasks.forms import RefreshOptions
from tasks.gate_candidate import gate_candidate
from tasks.in_parallel import in_parallel
from tasks.inspect_source import inspect_source
from tasks.load_table import load_table
from tasks.outcomes import published
from tasks.publish_candidate import publish_candidate
from tasks.run import exclusive_run
from tasks.run_names import of_the_day


@flow(
    name="refresh-warehouse",
    flow_run_name=of_the_day("refresh"),
    task_runner=ThreadPoolTaskRunner(max_workers=READERS),  # type: ignore[arg-type]
    timeout_seconds=6 * 60 * 60,
    persist_result=False,
)
@ends_readably(published)
def refresh_warehouse(options: RefreshOptions = RefreshOptions()) -> RunRecord:  # noqa: B008 (frozen, a form's default)
    """Rebuild what analysts see: extract, treat, gate, publish."""
    with exclusive_run(options.as_of) as run:
        sizes = inspect_source(run.id, full=options.rows == "all")
        in_parallel(run.references, lambda table: load_table.submit(table, run.id), as_completed, sizes)
        gate_candidate(run.id)
        publish_candidate(run.id)
    return run.record
