"""Flows, each run in this process: what they do to the shop of those who ask, and how their last states read."""

from __future__ import annotations

import datetime
import shutil
from typing import Any

import pytest
from prefect.states import State

from flows.apply_retention import apply_retention
from flows.approve_plan import approve_plan
from flows.refresh_warehouse import refresh_warehouse
from flows.replay_warehouse import replay_warehouse
from flows.take_requests_in import take_requests_in
from privacy.errors import GateError
from stores.lock import exclusive
from tasks.forms import ApprovalForm, IntakeOptions, PublishOptions, RefreshOptions
from tests.conftest import Place
from tests.prefect_server import PrefectServer
from tests.rights_shop import ANNA, BOB, CARLA, DORA, asked, in_ledger, states, totals, wish

WORKER = "worker.of.sluis"

pytestmark = pytest.mark.usefixtures("orchestrator")


@pytest.fixture
def at(shop: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Give the shop; flows in this process find it in their environment, as in a worker's."""
    for name, value in {**shop.environment, "SLUIS_ACTOR": WORKER}.items():
        monkeypatch.setenv(name, value)
    return shop


def ended(flow: Any, *forms: Any) -> State[Any]:
    """Run a flow; give its last state."""
    state: State[Any] = flow(*forms, return_state=True)
    return state


def said(state: State[Any]) -> tuple[str, str]:
    """Give the name and the message of a state, as the UI shows them."""
    return state.name or "", state.message or ""


def approval(plan_hash: str, name: str = "second.officer", **more: Any) -> ApprovalForm:
    return ApprovalForm(plan_hash=plan_hash, stated_name=name, **more)


# ── requests between two runs ─────────────────────────────────────────────────────────────────────────────────────


def test_a_few_people_leave_without_a_full_extract(at: Place) -> None:
    wish(at, "AVG-1", "forget me", (ANNA, None))
    at.change_source("delete from line")  # which a full extract would see

    name, message = said(ended(take_requests_in))

    assert name == "Completed"
    assert message.startswith("New requests: 1.\nPublished as of ")
    assert "Requests applied: 1." in message
    assert states(at) == {"AVG-1": "applied"}
    assert totals(at) == {5, 6, 7, 8, 9, 10, 11, 12, 13}
    assert at.rows("select count(*) from analytics.lines") == [(18,)]


def test_where_nobody_asks_nothing_is_published(at: Place) -> None:
    before = at.fingerprint()

    state = ended(take_requests_in)

    assert said(state) == ("Completed", "New requests: 0.\nNobody had to leave; nothing was published.")
    assert at.fingerprint() == before


def test_many_are_planned_approved_in_a_form_and_leave(at: Place) -> None:
    for number, who in enumerate((ANNA, BOB, CARLA, DORA)):
        wish(at, f"AVG-{number}", "forget me", (who, None))

    name, message = said(ended(take_requests_in))
    ((plan_hash, planner),) = in_ledger(at, "select plan_hash, actor from plan")

    assert name == "Completed"
    assert f"Waiting for approval: plan {plan_hash}\nStart the deployment approve with it." in message
    assert "! requests that wait for approval, of more than 3 people together: 4" in message
    assert planner == WORKER
    assert totals(at) == {*range(1, 15)}

    name, message = said(ended(approve_plan, approval(plan_hash)))

    assert name == "Completed"
    assert f"(erasure) is approved by second.officer (stated in a form, to the worker of {WORKER})." in message
    assert "Who filled in the form is not known" in message
    assert "Requests applied: 4." in message
    assert set(states(at).values()) == {"applied"}
    assert totals(at) == {8, 11, 12, 13}
    basis = f"stated in a form, to the worker of {WORKER}"
    assert in_ledger(at, "select actor, basis from approval") == [("second.officer", basis)]


def test_an_intake_asked_again_makes_the_same_plan(at: Place) -> None:
    for number, who in enumerate((ANNA, BOB, CARLA, DORA)):
        wish(at, f"AVG-{number}", "forget me", (who, None))

    ended(take_requests_in)
    ended(take_requests_in)

    assert in_ledger(at, "select count(*) from plan") == [(1,)]


def test_fewer_may_leave_than_the_policy_says_and_never_more(at: Place) -> None:
    wish(at, "AVG-1", "forget me", (ANNA, None))
    before = at.fingerprint()

    name, message = said(ended(take_requests_in, IntakeOptions(apply_at_most=0)))

    assert name == "Completed"
    assert "! requests that wait for another run, as this one may take out 0 people at most: 1" in message
    assert (states(at), at.fingerprint()) == ({"AVG-1": "registered"}, before)
    assert in_ledger(at, "select count(*) from plan") == [(0,)], "what needs no approval needs no plan"

    for number, who in enumerate((BOB, CARLA, DORA), 2):
        wish(at, f"AVG-{number}", "forget me", (who, None))
    ended(take_requests_in, IntakeOptions(apply_at_most=1000))

    assert set(states(at).values()) == {"registered"}


def test_an_intake_beside_another_run_is_skipped_and_changes_nothing(at: Place) -> None:
    wish(at, "AVG-1", "forget me", (ANNA, None))

    with exclusive(at.warehouse, "20260101T000000Z-abcdef"):
        name, message = said(ended(take_requests_in))

    assert name == "Skipped"
    assert "Nothing was done: warehouse.duckdb is held by run 20260101T000000Z-abcdef" in message
    assert states(at) == {}


def test_an_intake_from_a_source_that_drifted_registers_nothing(at: Place) -> None:
    wish(at, "AVG-1", "forget me", (ANNA, None))
    at.change_source("alter table buyer add column bsn text")

    name, message = said(ended(take_requests_in))

    assert name == "Failed"
    assert "bsn" in message
    assert states(at) == {}


# ── approvals ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def planned(at: Place) -> str:
    """Let Rita ask for four people's erasure, and the worker plan it; give the plan's hash."""
    asked(at, "AVG-1", *(f"buyer_id={who}" for who in (ANNA, BOB, CARLA, DORA)), SLUIS_ACTOR="rita")
    ended(take_requests_in)
    ((plan_hash,),) = in_ledger(at, "select plan_hash from plan")
    return str(plan_hash)


def test_an_approval_that_waits_applies_nothing(at: Place, planned: str) -> None:
    before = at.fingerprint()

    name, message = said(ended(approve_plan, approval(planned, then="wait")))

    assert name == "Completed"
    assert "is approved by second.officer" in message
    assert at.fingerprint() == before

    assert said(ended(approve_plan, approval(planned)))[0] == "Completed", "and again, to apply it"
    assert states(at) == {"AVG-1": "applied"}


@pytest.mark.parametrize("name", [WORKER, "Worker.Of.Sluis"])
def test_whoever_planned_cannot_approve_in_whatever_spelling(at: Place, planned: str, name: str) -> None:
    before = at.fingerprint()

    state = ended(approve_plan, approval(planned, name))

    assert said(state) == (
        "Failed",
        "Whoever made a plan cannot approve it.\n  Let somebody else run `sluis approve`.",
    )
    assert at.fingerprint() == before
    assert in_ledger(at, "select count(*) from approval") == [(0,)]


def test_whoever_asked_does_not_count_and_what_is_missing_is_told(at: Place, planned: str) -> None:
    name, message = said(ended(approve_plan, approval(planned, "Rita")))

    assert name == "Completed", "the approval is noted"
    assert "1 approvals by others than those who asked are needed, and 0 given" in message
    assert states(at) == {"AVG-1": "registered"}


def test_a_plan_that_is_none_and_one_that_is_stale_are_told(at: Place, planned: str) -> None:
    assert said(ended(approve_plan, approval("0f" * 32)))[1].startswith("The ledger has no plan with this hash")
    ended(apply_retention)  # another warehouse than was planned for

    name, message = said(ended(approve_plan, approval(planned)))

    assert name == "Failed"
    assert message.startswith("plan: the warehouse, the policy or who is held back has changed since.")


# ── publishes, and how they end ───────────────────────────────────────────────────────────────────────────────────


def test_retention_needs_no_source(at: Place) -> None:
    at.source.rename(at.source.with_name("moved.away"))
    in_eight_years = datetime.date.today() + datetime.timedelta(days=8 * 366)

    name, message = said(ended(apply_retention, PublishOptions(as_of=in_eight_years)))

    assert name == "Completed"
    assert message.startswith(f"Published as of {in_eight_years}: 0 rows in 3 tables; left out: ")


def test_a_replay_takes_out_of_an_older_warehouse_whoever_has_left(at: Place) -> None:
    kept = shutil.copytree(at.folder, at.folder.with_name("kept"))
    wish(at, "AVG-1", "forget me", (ANNA, None))
    ended(take_requests_in)
    for file in at.folder.glob("warehouse.duckdb*"):
        file.unlink()
    for file in kept.glob("warehouse.duckdb*"):
        shutil.copy2(file, at.folder)

    name, message = said(ended(apply_retention))
    assert (name, "Run `sluis replay` before anybody reads it." in message) == ("Failed", True)

    assert said(ended(replay_warehouse))[0] == "Completed"
    assert totals(at) == {5, 6, 7, 8, 9, 10, 11, 12, 13}


def test_a_closed_gate_says_which_promise_where_in_how_many_rows_and_what_to_do(at: Place) -> None:
    at.change_source(f"update buyer set name = 'Kanarie' where buyer_id = {ANNA}")
    line = at.change_policy(
        "email: {type: text, role: direct_identifier, treatment: suppress}\n      guest_id",
        "email: {type: text, role: non_personal, treatment: keep, because: Nothing.}\n      guest_id",
    )
    before = at.fingerprint()

    state = ended(refresh_warehouse)
    name, message = said(state)

    assert name == "Failed"
    first, *broken, way_out = message.split("\n")
    assert first.endswith("are broken, 0 checks crashed.")
    assert any(f"policy.yaml:{line}: sales.email: " in told and " rows" in told for told in broken), message
    assert way_out == "  Nothing was published. Mend the treatment, the policy or the source, and run again."
    assert at.fingerprint() == before
    assert "kanarie" not in message.lower()


def test_an_error_goes_through_prefect_as_it_is(at: Place) -> None:
    """The command tells the record that a closed gate carries."""
    at.change_policy(
        "email: {type: text, role: direct_identifier, treatment: suppress}\n      guest_id",
        "email: {type: text, role: non_personal, treatment: keep, because: Nothing.}\n      guest_id",
    )

    with pytest.raises(GateError) as raised:
        refresh_warehouse()

    assert raised.value.record
    assert raised.value.__cause__ is raised.value.__context__ is None


def test_a_policy_that_is_not_there_ends_in_a_state_that_says_so(at: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUIS_POLICY", "elsewhere/policy.yaml")

    told = (
        "policy elsewhere/policy.yaml cannot be read (FileNotFoundError).\n"
        "  Name a file that is there, may be read, and is text in UTF-8."
    )
    for flow in (refresh_warehouse, apply_retention, take_requests_in, replay_warehouse):
        assert said(ended(flow)) == ("Failed", told)


def test_warnings_are_told_and_fail_a_run_where_the_form_says_so(at: Place) -> None:
    wish(at, "AVG-1", "access", (ANNA, None), received="2020-01-01T00:00:00+00:00")
    warned = "! requests past the day on which they were due: 1"

    name, message = said(ended(take_requests_in, IntakeOptions()))
    assert (name, message.split("\n")[-1]) == ("Completed", warned)

    name, message = said(ended(refresh_warehouse, RefreshOptions(on_warnings="fail")))
    assert (name, warned in message.split("\n")) == ("Warned", True)
    assert message.startswith("Published as of ")


def test_a_run_that_takes_too_long_ends_as_timed_out_and_changes_nothing(at: Place) -> None:
    before = at.fingerprint()

    state = ended(refresh_warehouse.with_options(timeout_seconds=0.2))

    assert said(state) == ("TimedOut", "Flow run exceeded timeout of 0.2 second(s)")
    assert at.fingerprint() == before
    assert said(ended(refresh_warehouse))[0] == "Completed", "the next one works"


def test_runs_are_named_by_day_or_plan_and_never_by_a_person(
    at: Place, orchestrator: PrefectServer, planned: str
) -> None:
    ended(refresh_warehouse, RefreshOptions(as_of=datetime.date(2026, 3, 10)))
    ended(approve_plan, approval(planned, "olga.kanarie"))

    names = {run["name"] for run in orchestrator.asked_for()}

    assert "refresh of 2026-03-10" in names
    assert f"approve plan {planned[:12]}" in names
    assert not any("olga" in name for name in names)
