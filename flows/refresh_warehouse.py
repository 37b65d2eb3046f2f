"""The main job."""

from prefect import flow
from prefect.futures import as_completed
from prefect.task_runners import ThreadPoolTaskRunner

from privacy.evidence import RunRecord
from privacy.leak_proof import leak_proof
from stores.source import READERS
from tasks.gate_candidate import gate_candidate
from tasks.in_parallel import in_parallel
from tasks.inspect_source import inspect_source
from tasks.load_table import load_table
from tasks.publish_candidate import publish_candidate
from tasks.run import RefreshOptions, exclusive_run
from tasks.shown import shown


@flow(name="refresh-warehouse", task_runner=ThreadPoolTaskRunner(max_workers=READERS), persist_result=False)
@leak_proof
@shown
def refresh_warehouse(options: RefreshOptions = RefreshOptions()) -> RunRecord:  # noqa: B008 (frozen, a form's default)
    """Rebuild what analysts see: extract, treat, gate, publish."""
    with exclusive_run(options) as run:
        inspect_source(run.id)
        in_parallel(run.references, lambda table: load_table.submit(table, run.id), as_completed)
        gate_candidate(run.id)
        publish_candidate(run.id)
    return run.record
