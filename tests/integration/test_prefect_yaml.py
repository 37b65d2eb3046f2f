"""Deployments load as a worker would load them, and their parameters are the flows'."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema
import pytest
import yaml
from prefect.client.schemas.schedules import CronSchedule
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.utilities.importtools import import_object
from prefect.utilities.templating import apply_values

ROOT = Path(__file__).resolve().parents[2]
DECLARED: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))

each_deployment = pytest.mark.parametrize(
    "deployment", DECLARED["deployments"], ids=lambda deployment: deployment["name"]
)


@pytest.fixture
def in_the_project(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(ROOT)
    yield


def flow_of(deployment: dict[str, Any]) -> Flow[Any, Any]:
    return load_flow_from_entrypoint(deployment["entrypoint"], use_placeholder_flow=False)


@each_deployment
def test_the_entrypoint_loads_without_a_placeholder(deployment: dict[str, Any], in_the_project: None) -> None:
    flow = flow_of(deployment)

    assert flow.fn.__name__ == deployment["entrypoint"].split(":")[1]
    assert Path(deployment["entrypoint"].split(":")[0]).stem == flow.fn.__name__


@each_deployment
def test_its_parameters_are_those_of_the_flow(deployment: dict[str, Any], in_the_project: None) -> None:
    flow = flow_of(deployment)

    flow.validate_parameters(deployment["parameters"])
    jsonschema.validate(deployment["parameters"], flow.parameters.model_dump_for_openapi())


@each_deployment
def test_a_parameter_that_the_flow_does_not_know_is_refused(deployment: dict[str, Any], in_the_project: None) -> None:
    with pytest.raises(jsonschema.ValidationError, match="Additional properties"):
        jsonschema.validate({"options": {"source": ""}}, flow_of(deployment).parameters.model_dump_for_openapi())


@each_deployment
def test_it_runs_on_a_schedule_of_the_policys_time_zone(deployment: dict[str, Any]) -> None:
    policy = yaml.safe_load((ROOT / "policies/autopar.yaml").read_text(encoding="utf-8"))

    for schedule in deployment["schedules"]:
        CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])
        assert ZoneInfo(schedule["timezone"]) == ZoneInfo(policy["time_zone"])


@each_deployment
def test_it_says_what_it_is_and_where_it_runs(deployment: dict[str, Any]) -> None:
    assert deployment["description"]
    assert deployment["tags"]
    assert deployment["work_pool"]["name"]


def test_the_pull_step_leads_a_worker_to_the_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SLUIS_HOME", str(ROOT))
    monkeypatch.chdir(tmp_path)
    (step,) = DECLARED["pull"]
    ((name, inputs),) = step.items()

    import_object(name)(**apply_values(inputs, {}))

    assert Path.cwd() == ROOT


def test_nothing_in_it_says_where_data_or_keys_are() -> None:
    text = (ROOT / "prefect.yaml").read_text(encoding="utf-8")

    assert "://" not in text
    assert not any(deployment["work_pool"].get("job_variables") for deployment in DECLARED["deployments"])
