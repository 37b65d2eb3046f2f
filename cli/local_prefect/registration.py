"""What is registered with a Prefect server: the work pool, the deployments of prefect.yaml, automations.yaml."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from cli.local_prefect.processes import open_private
from privacy.errors import StoreError, UsageError

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient


def work_pool() -> str:
    """Name the work pool of prefect.yaml."""
    (name,) = {deployment["work_pool"]["name"] for deployment in _declared("prefect.yaml")["deployments"]}
    return str(name)


def make_work_pool(client: SyncPrefectClient, name: str) -> None:
    """Make a work pool whose runs are processes, unless there is one of the name."""
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectNotFound
    from prefect.workers.process import ProcessWorker

    try:
        client.read_work_pool(name)
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        client.create_work_pool(WorkPoolCreate(name=name, type="process", base_job_template=template))


def deploy(environment: Mapping[str, str], log: Path) -> None:
    """Register all deployments, as `prefect deploy --all` does; one of the same name is replaced."""
    file = _file("prefect.yaml")
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(file)]
    with open_private(log) as said:
        ended = subprocess.run(
            command, cwd=environment["SLUIS_HOME"], env=dict(environment), stdout=said, stderr=said, check=False
        )
    if ended.returncode:
        raise StoreError(f"{file} could not be deployed.\n  {log} tells why.")


def make_automations(client: SyncPrefectClient) -> None:
    """Make the automations of automations.yaml; one of the same name is left as its owner has changed it."""
    from prefect.events.schemas.automations import AutomationCore

    there = {automation.name for automation in client.read_automations()}
    for declared in _declared("automations.yaml")["automations"]:
        if declared["name"] not in there:
            client.create_automation(AutomationCore.model_validate(declared))


def _file(name: str) -> Path:
    """Find a file that comes with the flows; UsageError if it was not installed with them."""
    found = Path(str(files("flows").joinpath(name)))
    if not found.is_file():
        raise UsageError(f"{found} is missing.\n  Install Sluis anew, or take the file from its source.")
    return found


def _declared(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(_file(name).read_text(encoding="utf-8"))
    return read
