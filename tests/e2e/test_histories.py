"""Histories: any deed at any time, and after each of them what is there is what must be.

By the functions under the commands 500 histories of 20 deeds are tried: 250 here, as many in
test_histories_by_commands.py, so that two workers share them. They go without the gate: its promises are checked by the
histories by commands, 50 of 20 deeds, which are real ones against a Prefect server.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest

from tests.histories.history import History
from tests.histories.killing import without_gate
from tests.histories.machine import Histories, new_history, search
from tests.histories.shop import now

pytestmark = pytest.mark.long

ANNA, CARLS_OWN, GINA, HUGO = (
    ("customer", 1),
    ("email", "carl@example.com"),
    ("email", "gina@example.com"),
    (
        "email",
        "hugo@example.com",
    ),
)


class SomeHistories(Histories):
    """The first half."""


def test_whatever_happens_nobody_held_back_is_seen_and_everybody_else_is() -> None:
    search(SomeHistories, 250)


# ── histories that went wrong once ────────────────────────────────────────────────────────────────────────────────


def a_new_request_after_a_rotation(history: History) -> None:
    history.register("erasure", ANNA)
    history.run()
    history.rotate("tombstones")
    history.register("erasure", GINA)
    history.run()


def an_erasure_after_a_rotation_beside_a_tombstone_that_nothing_meets(history: History) -> None:
    history.register("erasure", GINA)
    history.run()
    history.shop.change("delete from sale where lower(trim(email)) = 'gina@example.com'")
    history.rotate("tombstones")
    history.run()
    history.register("erasure", ANNA)
    history.apply(history.plan())


def a_backup_of_before_a_rotation(history: History) -> None:
    history.rotate("tombstones")
    history.back_up()
    history.register("erasure", CARLS_OWN)
    history.run()
    history.put_back(0, warehouse=True, ledger=False)
    history.replay()


def somebody_erased_twice_with_a_rotation_between_request_and_run(history: History) -> None:
    history.register("erasure", GINA)
    history.run()
    history.shop.sell(None, GINA[1], now())
    history.run()
    history.register("erasure", GINA)
    history.rotate("tombstones")
    history.shop.sell(None, GINA[1], now())
    history.run()


def a_plan_for_people_named_before_a_rotation(history: History) -> None:
    history.register("erasure", GINA, HUGO, ANNA, ("customer", 2))
    history.rotate("tombstones")
    history.run()
    history.shop.sell(None, GINA[1], now())
    history.apply(history.plan())
    history.run()


def a_backup_while_a_killed_run_has_left_its_folder(history: History) -> None:
    history.run()
    history.kill("run", 0, 1)
    history.back_up()
    history.put_back(0, warehouse=True, ledger=False)
    history.run()


def an_erased_guest_with_a_sale_of_tomorrow(history: History) -> None:
    tomorrow = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    history.shop.sell(None, GINA[1], tomorrow.isoformat())
    history.register("erasure", GINA)
    history.run()


def _an_address_becomes_their_own(history: History) -> None:
    history.register("erasure", ("customer", 2))
    history.shop.change("update buyer set email = 'carl@example.com' where buyer_id = 3")


def an_address_that_became_their_own_before_a_run(history: History) -> None:
    _an_address_becomes_their_own(history)
    history.run()


def an_address_that_became_their_own_before_a_plan(history: History) -> None:
    _an_address_becomes_their_own(history)
    history.apply(history.plan())
    history.run()


def an_address_that_became_their_own_before_a_run_that_was_killed(history: History) -> None:
    _an_address_becomes_their_own(history)
    history.kill("run", 1, 1)
    history.shop.change("update buyer set email = 'home@example.com' where buyer_id = 3")
    history.run()


WENT_WRONG: list[Callable[[History], None]] = [
    a_new_request_after_a_rotation,
    an_erasure_after_a_rotation_beside_a_tombstone_that_nothing_meets,
    a_backup_of_before_a_rotation,
    somebody_erased_twice_with_a_rotation_between_request_and_run,
    a_plan_for_people_named_before_a_rotation,
    a_backup_while_a_killed_run_has_left_its_folder,
    an_erased_guest_with_a_sale_of_tomorrow,
    an_address_that_became_their_own_before_a_run,
    an_address_that_became_their_own_before_a_plan,
    an_address_that_became_their_own_before_a_run_that_was_killed,
]


@pytest.mark.parametrize("happens", WENT_WRONG, ids=lambda happens: happens.__name__)
def test_a_history_that_went_wrong_once_goes_right(happens: Callable[[History], None]) -> None:
    undo = without_gate()
    try:
        happens(new_history(ungated=True))
    finally:
        undo()
