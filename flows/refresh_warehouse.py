"""The main job."""

from prefect import flow

from privacy.evidence import RunRecord
from privacy.leak_proof import leak_proof
from tasks.gate_candidate import gate_candidate
from tasks.inspect_source import inspect_source
from tasks.load_table import load_table
from tasks.publish_candidate import publish_candidate
from tasks.run import RefreshOptions, exclusive_run


@flow(name="refresh-warehouse", persist_result=False)
@leak_proof
def refresh_warehouse(options: RefreshOptions = RefreshOptions()) -> RunRecord:  # noqa: B008 (frozen, a form's default)
    """Rebuild what analysts see: extract, treat, gate, publish."""
    with exclusive_run(options) as run:
        inspect_source(run.id)
        for table in run.tables:
            load_table(table, run.id)
        gate_candidate(run.id)
        publish_candidate(run.id)
    return run.record
