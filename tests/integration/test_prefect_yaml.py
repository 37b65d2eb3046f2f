"""Deployments load as a worker would load them, and their forms are the flows'."""

from __future__ import annotations

import datetime
import typing
from collections.abc import Iterator
from importlib import import_module
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema
import pytest
import yaml
from prefect.client.schemas.objects import ConcurrencyLimitStrategy
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.server.schemas.schedules import CronSchedule
from prefect.utilities.asyncutils import run_coro_as_sync
from prefect.utilities.importtools import import_object
from prefect.utilities.templating import apply_values
from pydantic import BaseModel

from stores.settings import VARIABLES
from tasks.final_state import SKIPPED, WARNED

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "prefect.yaml").read_text(encoding="utf-8")
DECLARED: dict[str, Any] = yaml.safe_load(TEXT)
BY_NAME: dict[str, dict[str, Any]] = {one["name"]: one for one in DECLARED["deployments"]}
ASKED_EACH_TIME: dict[str, Any] = {"approve": {"approval": {"plan_hash": "0f" * 32, "stated_name": "second.officer"}}}
"""Parameters that no deployment can have beforehand."""

AMSTERDAM = ZoneInfo("Europe/Amsterdam")

each_deployment = pytest.mark.parametrize("deployment", DECLARED["deployments"], ids=lambda one: one["name"])


def flow_of(deployment: dict[str, Any]) -> Flow[Any, Any]:
    return load_flow_from_entrypoint(deployment["entrypoint"], use_placeholder_flow=False)


def form_of(deployment: dict[str, Any]) -> type[BaseModel]:
    """Give the one parameter's type."""
    (form,) = [kind for name, kind in typing.get_type_hints(flow_of(deployment).fn).items() if name != "return"]
    assert issubclass(form, BaseModel)
    return form


def schema_of(deployment: dict[str, Any]) -> dict[str, Any]:
    return flow_of(deployment).parameters.model_dump_for_openapi()


def parameters_of(deployment: dict[str, Any]) -> dict[str, Any]:
    return {**deployment["parameters"], **ASKED_EACH_TIME.get(deployment["name"], {})}


# ── entrypoints ───────────────────────────────────────────────────────────────────────────────────────────────────


@each_deployment
def test_the_entrypoint_loads_without_a_placeholder(
    deployment: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)  # in whatever folder a worker is

    flow = flow_of(deployment)

    folder, file, function = deployment["entrypoint"].split(".")
    assert (folder, file) == ("flows", function)
    assert flow.fn.__name__ == function
    assert flow.name == function.replace("_", "-")


def test_every_flow_has_a_deployment() -> None:
    in_folder = {file.stem for file in (ROOT / "flows").glob("[a-z]*.py")}

    assert {one["entrypoint"].split(".")[1] for one in DECLARED["deployments"]} == in_folder


@each_deployment
def test_a_run_ends_after_a_time_and_has_a_name_of_its_own(deployment: dict[str, Any]) -> None:
    flow = flow_of(deployment)

    assert flow.timeout_seconds
    assert flow.flow_run_name
    assert flow.persist_result is False
    assert not flow.retries, "Prefect would retry whatever fails"


def test_the_automation_that_crashes_silent_runs_knows_every_name_of_a_last_state() -> None:
    """A run that ended under a name which it does not wait for would be marked as crashed a little later."""
    automations = yaml.safe_load(files("flows").joinpath("automations.yaml").read_text(encoding="utf-8"))["automations"]
    (silent,) = [one for one in automations if one["name"] == "sluis-crash-silent-runs"]

    names = {"Completed", "Failed", "Cancelled", "Crashed", "TimedOut", SKIPPED, WARNED}

    assert {f"prefect.flow-run.{name}" for name in names} <= set(silent["trigger"]["expect"])


def test_a_package_carries_the_declarations() -> None:
    assert files("flows").joinpath("prefect.yaml").read_text(encoding="utf-8") == TEXT


# ── forms ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@each_deployment
def test_its_parameters_are_those_of_the_flow(deployment: dict[str, Any]) -> None:
    flow_of(deployment).validate_parameters(parameters_of(deployment))
    jsonschema.validate(parameters_of(deployment), schema_of(deployment))
    assert deployment["enforce_parameter_schema"] is True


@each_deployment
def test_a_field_that_the_form_does_not_know_is_refused(deployment: dict[str, Any]) -> None:
    ((name, fields),) = parameters_of(deployment).items()

    with pytest.raises(jsonschema.ValidationError, match="Additional properties"):
        jsonschema.validate({name: {**fields, "source": ""}}, schema_of(deployment))


@each_deployment
def test_every_field_has_a_title_help_and_a_place_in_the_order(deployment: dict[str, Any]) -> None:
    fields = form_of(deployment).model_json_schema()["properties"]

    assert [field["position"] for field in fields.values()] == list(range(len(fields)))
    for name, field in fields.items():
        assert field["title"][0].isupper(), name
        assert len(field["description"]) > 40, name
        assert not set("*`") & set(field["description"]), "the UI shows help as it is written"


@each_deployment
def test_no_parameter_can_say_where_data_or_keys_are(deployment: dict[str, Any]) -> None:
    """A form has days, numbers, choices, and text of a fixed pattern; and no URL fits into one."""
    fields = form_of(deployment).model_json_schema()["properties"]

    assert not fields.keys() & {"url", "password", "path", "env", *VARIABLES, *VARIABLES.values()}
    for name, field in fields.items():
        for kind in field.get("anyOf", [field]):
            if kind["type"] == "string":
                assert "enum" in kind or "pattern" in kind or kind["format"] == "date", name


def test_nothing_declared_says_where_data_or_keys_are() -> None:
    settings = "\n".join(line.split("#")[0] for line in TEXT.splitlines())

    assert "://" not in settings
    assert not any(variable in settings for variable in VARIABLES.values())
    assert not any(deployment["work_pool"]["job_variables"] for deployment in DECLARED["deployments"])


# ── when, where, and what the reader is told ──────────────────────────────────────────────────────────────────────


def times(deployment: dict[str, Any], after: datetime.datetime, number: int) -> list[datetime.datetime]:
    """Give the next times of a schedule, as the server reckons them."""
    (schedule,) = deployment["schedules"]
    clock = CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])
    return run_coro_as_sync(clock.get_dates(n=number, start=after)) or []


def test_nights_are_those_of_the_policys_time_zone() -> None:
    policy = yaml.safe_load((ROOT / "policies/autopar.yaml").read_text(encoding="utf-8"))
    schedules = [schedule for one in DECLARED["deployments"] for schedule in one["schedules"]]

    assert {one["timezone"] for one in schedules if one["slug"] == "nightly"} == {policy["time_zone"]}
    assert [one["timezone"] for one in schedules if one["slug"] != "nightly"] == ["UTC"]


@pytest.mark.parametrize("changes", [datetime.date(2027, 3, 28), datetime.date(2027, 10, 31)], ids=["spring", "autumn"])
@pytest.mark.parametrize(("name", "clock"), [("refresh", (3, 30)), ("retention", (5, 30))])
def test_every_night_has_one_run_also_when_the_clocks_change(
    name: str, clock: tuple[int, int], changes: datetime.date
) -> None:
    evening = datetime.datetime.combine(changes - datetime.timedelta(days=2), datetime.time(12), AMSTERDAM)

    nights = [moment.astimezone(AMSTERDAM) for moment in times(BY_NAME[name], evening, 4)]

    assert [night.date() for night in nights] == [changes + datetime.timedelta(days=n) for n in (-1, 0, 1, 2)]
    assert {(night.hour, night.minute) for night in nights} == {clock}


@pytest.mark.parametrize("changes", [datetime.date(2027, 3, 28), datetime.date(2027, 10, 31)], ids=["spring", "autumn"])
def test_requests_are_taken_in_every_hour_also_when_the_clocks_change(changes: datetime.date) -> None:
    evening = datetime.datetime.combine(changes - datetime.timedelta(days=1), datetime.time(22), AMSTERDAM)

    hours = times(BY_NAME["erasure-intake"], evening, 12)

    assert {later.timestamp() - earlier.timestamp() for earlier, later in pairwise(hours)} == {3600}


def test_replay_and_approval_wait_for_somebody() -> None:
    assert [name for name, one in BY_NAME.items() if not one["schedules"]] == ["replay", "approve"]


@each_deployment
def test_it_says_what_it_is_and_where_it_runs(deployment: dict[str, Any]) -> None:
    assert deployment["description"].startswith("**")
    assert {"sluis", "personal-data"} <= set(deployment["tags"])
    assert deployment["work_pool"]["name"] == "sluis"
    limit = deployment["concurrency_limit"]
    assert (limit["limit"], ConcurrencyLimitStrategy(limit["collision_strategy"])) == (1, limit["collision_strategy"])


@pytest.mark.parametrize("name", BY_NAME)
def test_the_pages_name_every_deployment(name: str) -> None:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")

    assert f"| `{name}` |" in page


def test_a_variant_for_containers_is_in_the_comments() -> None:
    """Taken out of its comment, each is what Prefect reads."""
    lines = [line.strip().removeprefix("# ") for line in TEXT.splitlines() if line.strip().startswith("# ")]
    starts = [number for number, line in enumerate(lines) if line.strip() == "work_pool:"]

    variants = [yaml.safe_load("\n".join(_block(lines[start:])))["work_pool"] for start in starts]

    assert [variant["name"] for variant in variants] == ["sluis-docker", "sluis-kubernetes"]
    assert all(variant["job_variables"]["env"].keys() == {"SLUIS_HOME"} for variant in variants)


def _block(lines: list[str]) -> Iterator[str]:
    yield lines[0]
    for line in lines[1:]:
        if not line.startswith("  "):
            return
        yield line


def test_the_pull_step_leads_a_worker_to_its_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SLUIS_HOME", str(ROOT))
    monkeypatch.chdir(tmp_path)
    (step,) = DECLARED["pull"]
    ((name, inputs),) = step.items()

    import_object(name)(**apply_values(inputs, {}))

    assert Path.cwd() == ROOT
    assert import_module("flows")
