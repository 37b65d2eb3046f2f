"""The histories can fail: each of these bugs, planted in the software, is found by a short search.

Like the histories by functions, they go without the gate: what is shown is that the model sees what went wrong.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

import privacy.closure
import privacy.suppression
import privacy.treat
import privacy.verdict
import stores.ledger.lock
import stores.ledger.suppressions
import stores.warehouse.doom
import tasks.erasure
import tasks.publication
import tasks.remains
from privacy.fates import NO_CLOCK, Fate
from tests.histories.machine import Histories

pytestmark = pytest.mark.long

Plant = Callable[[pytest.MonkeyPatch], None]


def suppression_is_ignored_for_one_table(patch: pytest.MonkeyPatch) -> None:
    suppressed = privacy.verdict._suppressed

    def but_for_letters(table: Any, *arguments: Any) -> None:
        if table.publish_as != "letters":
            suppressed(table, *arguments)

    patch.setattr(privacy.verdict, "_suppressed", but_for_letters)


def generations_are_not_applied(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(privacy.treat, "renewed", lambda tokens, *_: tokens)


def rows_expire_a_month_late(patch: pytest.MonkeyPatch) -> None:
    first_absent = privacy.verdict.first_absent_month

    def later(*arguments: Any) -> Any:
        days = first_absent(*arguments)
        following = (days.astype("datetime64[D]").astype("datetime64[M]") + 1).astype("datetime64[D]").astype(np.int32)
        return np.where(days == NO_CLOCK, days, following).astype(np.int32)

    patch.setattr(privacy.verdict, "first_absent_month", later)


def remains_forget_objections(patch: pytest.MonkeyPatch) -> None:
    doomed = tasks.remains.doomed
    patch.setattr(tasks.remains, "doomed", lambda *of: [one for one in doomed(*of) if one.fate != Fate.OBJECTED])


def an_erasure_has_no_receipt(patch: pytest.MonkeyPatch) -> None:
    settle = tasks.publication.settle

    def but_of_erasures(ledger: Any, keyring: Any, record: Any, proof: Any) -> None:
        if record["kind"] != "erasure":
            settle(ledger, keyring, record, proof)

    patch.setattr(tasks.publication, "settle", but_of_erasures)


def the_standing_is_not_checked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tasks.publication, "check_standing", lambda *_, **__: None)


def a_closure_crosses_a_shared_address(patch: pytest.MonkeyPatch) -> None:
    def crossing(links: Any) -> Iterator[Any]:
        for person in links._people:
            accounts = {mac for kind, mac in person if kind == "customer"}
            yield frozenset({("email", email) for one in accounts for email in links._emails_of[one]} - person)

    patch.setattr(privacy.closure.Links, "close", crossing)


def children_stay_behind(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(stores.warehouse.doom, "parents", lambda table: {})


def a_changed_ledger_is_not_noticed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(stores.ledger.suppressions.Suppressions, "digest", lambda self: "the same")
    patch.setattr(tasks.publication, "digest_of", lambda live: "the same")


def a_hold_lets_rows_go(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(privacy.verdict, "_hold", lambda *_: None)


def two_may_hold_the_warehouse(patch: pytest.MonkeyPatch) -> None:
    for module in (tasks.publication, tasks.erasure):
        patch.setattr(module, "exclusively", lambda *_: contextlib.nullcontext())
    patch.setattr(stores.ledger.lock.Lock, "refuse_if_lost", lambda *_: None)


def the_first_of_two_erasures_counts(patch: pytest.MonkeyPatch) -> None:
    of = privacy.suppression.Listed.of.__func__  # type: ignore[attr-defined]

    def earliest(cls: Any, suppressions: Any) -> Any:
        ordered = sorted(suppressions, key=lambda one: one.since)
        first = {(one.kind, one.identifies, one.mac): one for one in reversed(ordered)}
        return of(cls, first.values())

    patch.setattr(privacy.suppression.Listed, "of", classmethod(earliest))


BUGS: dict[Plant, tuple[str, ...]] = {
    suppression_is_ignored_for_one_table: ("erase", "restrict_or_object", "run"),
    generations_are_not_applied: ("erase", "come_back", "run"),
    rows_expire_a_month_late: ("let_time_pass", "run", "sell"),
    remains_forget_objections: ("restrict_or_object", "erase_by_plan"),
    an_erasure_has_no_receipt: ("ask_for_erasure", "erase_by_plan"),
    the_standing_is_not_checked: ("back_up", "run", "put_the_warehouse_back"),
    a_closure_crosses_a_shared_address: ("erase",),
    children_stay_behind: ("ask_for_erasure", "erase_by_plan"),
    a_changed_ledger_is_not_noticed: ("race", "restrict_or_object"),
    a_hold_lets_rows_go: ("hold", "let_time_pass", "run"),
    two_may_hold_the_warehouse: ("race", "restrict_or_object"),
    the_first_of_two_erasures_counts: ("erase", "come_back", "run"),
}
"""Each with the deeds among which it is searched for: with all of them the search would be as good, and longer."""


@pytest.mark.parametrize("plant", BUGS, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    Histories.begun_before()
    machine = Histories.of(*BUGS[plant])
    plant(monkeypatch)

    crash = duckdb.Error if plant is two_may_hold_the_warehouse else AssertionError
    with pytest.raises((AssertionError, crash)):  # nothing else: a plant that merely breaks the software shows nothing
        search(machine)


@pytest.mark.parametrize("deeds", sorted(set(BUGS.values())), ids=" ".join)
def test_the_same_search_finds_nothing_where_none_is_planted(deeds: tuple[str, ...]) -> None:
    search(Histories.of(*deeds), histories=3)


def search(machine: type[Histories], histories: int = 15) -> None:
    """Try some short histories, always the same ones."""
    run_state_machine_as_test(
        seed(7)(machine),
        settings=settings(
            max_examples=histories,
            stateful_step_count=8,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
