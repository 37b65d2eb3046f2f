"""Requests in trouble: killed, refused by the gate, or overtaken by another; each is applied once, and wholly."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from privacy.errors import GateError, StoreError
from stores.ledger.requests import Requests
from stores.settings import Settings
from tasks.chamber import open_chamber
from tests.conftest import Place
from tests.interrupted import PROCESSES, Point, befalls, die
from tests.rights_shop import (
    ANNA,
    BOB,
    GUESTS,
    apply,
    asked,
    in_ledger,
    plan,
    rows_of,
    run,
    sluis,
    states,
    totals,
)

pytestmark = pytest.mark.long

WITHOUT_ANNA = {*range(1, 15)} - {1, 2, 3, 4, 14}

BEFORE_THE_SWAP = Point("stores.warehouse.duckdb_live", "LiveFile.swap_in")
AFTER_THE_SWAP = replace(BEFORE_THE_SWAP, after=True)
AFTER_THE_RECEIPT = Point("stores.ledger.receipts", "Receipts.append", after=True)
BEFORE_THE_END = Point("stores.ledger.requests", "Requests.applied", after=True)


def killed_at(point: Point, work: Callable[[Place], object], place: Place) -> None:
    """Do some work in this process, which is killed on its way."""
    befalls(point, die)
    work(place)


def kill(work: Callable[[Place], object], place: Place, point: Point) -> None:
    """Do it in a process of its own."""
    process = PROCESSES.Process(target=killed_at, args=(point, work, place))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def apply_planned(place: Place) -> None:
    """Carry out the one plan that there is."""
    ((plan_hash,),) = in_ledger(place, "select plan_hash from plan")
    apply(place, str(plan_hash))


def receipts_of(place: Place) -> list[tuple[object, ...]]:
    """Count the receipts of each run."""
    return in_ledger(place, "select json_extract(body, '$.run_id'), count(*) from receipt group by 1 order by 2 desc")


@pytest.mark.parametrize("work", [apply_planned, run])
@pytest.mark.parametrize(
    "point",
    [AFTER_THE_SWAP, AFTER_THE_RECEIPT, BEFORE_THE_END],
    ids=["after the swap", "after the receipt", "before the run's end"],
)
def test_whoever_was_taken_out_by_what_was_killed_is_noted_by_the_next_command(
    shop: Place, work: Callable[[Place], object], point: Point
) -> None:
    asked(shop, "AVG-1", f"buyer_id={ANNA}")
    plan(shop)

    kill(work, shop, point)

    assert totals(shop) == WITHOUT_ANNA
    ((killed,),) = shop.rows("select run_id from sluis_meta.run")
    assert in_ledger(shop, "select state from run where run_id = ?", killed) == [("sealed",)]
    assert sluis(shop, "erase", "list").exit_code == 0, "nothing is owed: it only lacks its end"
    asked(shop, "AVG-2", f"email={GUESTS}")
    healing = plan(shop, "--reference", "AVG-2")["plan_hash"]

    assert apply(shop, healing).exit_code == 0

    assert states(shop) == {"AVG-1": "applied", "AVG-2": "applied"}
    assert in_ledger(shop, "select run_id from request where reference = 'AVG-1'") == [(killed,)]
    (receipt,) = in_ledger(shop, "select receipt_id from receipt where json_extract(body, '$.run_id') = ?", killed)
    assert in_ledger(shop, "select receipt_id from request where reference = 'AVG-1'") == [receipt]
    assert in_ledger(shop, "select state from run where run_id = ?", killed) == [("published",)]
    assert [times for _, times in receipts_of(shop)] == [1, 1, 1]
    assert sluis(shop, "receipt", "verify").exit_code == 0


@pytest.mark.parametrize("work", [apply_planned, run])
def test_what_is_killed_before_the_swap_has_published_nothing_and_the_next_run_does_it_all(
    shop: Place, work: Callable[[Place], object]
) -> None:
    asked(shop, "AVG-1", f"buyer_id={ANNA}")
    plan(shop)
    before = rows_of(shop)

    kill(work, shop, BEFORE_THE_SWAP)

    assert rows_of(shop) == before
    assert states(shop) == {"AVG-1": "decided"}
    run(shop)
    assert totals(shop) == WITHOUT_ANNA
    assert states(shop) == {"AVG-1": "applied"}
    assert [times for _, times in receipts_of(shop)] == [1, 1]
    assert in_ledger(shop, "select state from run order by started_at") == [
        ("published",),
        ("abandoned",),
        ("published",),
    ]


def test_a_request_decided_in_a_run_that_the_gate_refused_is_applied_by_the_next_publish(shop: Place) -> None:
    asked(shop, "AVG-1", f"buyer_id={ANNA}")
    before = rows_of(shop)
    shop.change_source("update sale set channel = null where sale_id = 13")
    words = "because: Says nothing of anybody."
    shop.change_policy(words, words + ", promises: [{kind: not_null}]")
    with pytest.raises(GateError):
        run(shop)
    assert rows_of(shop) == before
    assert states(shop) == {"AVG-1": "decided"}
    shop.change_policy(", promises: [{kind: not_null}]", "")

    outcome = apply(shop, plan(shop)["plan_hash"])

    assert outcome.json["requests"]["applied"] == 1
    assert totals(shop) == WITHOUT_ANNA
    assert states(shop) == {"AVG-1": "applied"}


def restrict_bob(place: Place) -> None:
    asked(place, "ART18-2", f"buyer_id={BOB}", right="restrict")


def let_anna_go(place: Place) -> None:
    assert sluis(place, "restrict", "lift", "--reference", "ART18-1").exit_code == 0


@pytest.mark.parametrize("meanwhile", [restrict_bob, let_anna_go])
def test_what_is_asked_while_a_run_is_under_way_stops_it_before_it_publishes(
    shop: Place, meanwhile: Callable[[Place], None]
) -> None:
    asked(shop, "ART18-1", f"buyer_id={ANNA}", right="restrict")
    before = shop.fingerprint()

    with (
        pytest.raises(StoreError, match="people were held back or let go during the run"),
        open_chamber(Settings.from_environment(shop.environment), None) as chamber,
        ExitStack() as stack,
    ):
        chamber.inspect(stack)
        for name, _ in chamber.policy.in_order():
            chamber.load(name)
        meanwhile(shop)
        chamber.gate()
        chamber.publish()

    assert shop.fingerprint() == before
    assert in_ledger(shop, "select state from run order by started_at") == [("published",), ("failed",)]
    run(shop)
    held_back = {1, 2, 3, 4, 5, 6, 14} if meanwhile is restrict_bob else set()
    assert totals(shop) == {*range(1, 15)} - held_back


@pytest.mark.parametrize("meanwhile", [restrict_bob, let_anna_go])
def test_what_is_asked_once_a_plan_is_agreed_to_stops_it_as_others_would_be_out_than_are_held_back(
    shop: Place, meanwhile: Callable[[Place], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(shop, "ART18-1", f"buyer_id={ANNA}", right="restrict")
    asked(shop, "AVG-1", f"email={GUESTS}")
    planned, before = plan(shop)["plan_hash"], shop.fingerprint()
    decide = Requests.decide

    def overtaken(self: Requests, *given: Any) -> None:
        monkeypatch.setattr(Requests, "decide", decide)
        decide(self, *given)
        meanwhile(shop)

    monkeypatch.setattr(Requests, "decide", overtaken)

    outcome = apply(shop, planned)

    assert outcome.exit_code == 3, outcome.said
    assert "people were held back or let go during the run" in outcome.json["error"]["message"]
    assert (shop.fingerprint(), states(shop)["AVG-1"]) == (before, "decided")
    run(shop)
    held_back = {1, 2, 3, 4, 5, 6, 14} if meanwhile is restrict_bob else set()
    assert totals(shop) == {*range(1, 15)} - held_back - {11, 12}
