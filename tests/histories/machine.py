"""Histories at random: any deed at any time, by the rules of a state machine."""

from __future__ import annotations

import atexit
import datetime
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from stores.keyring_file import create_keyring
from stores.ledger import open_ledger
from stores.settings import database_url
from tests.conftest import Place
from tests.histories.deeds import ByFunctions, Deeds
from tests.histories.history import History
from tests.histories.killing import POINTS_AT_MOST, without_gate
from tests.histories.shop import ADDRESSES, GUESTS, PEOPLE, POLICY, Shop, ago, now, spelled

IN_MEMORY = Path("/dev/shm")
TODAY = datetime.date.today()

PERSON = st.sampled_from(PEOPLE)
ACCOUNT = st.sampled_from(sorted(ADDRESSES))
BUYER = st.sampled_from(
    [(account, email) for account, emails in ADDRESSES.items() for email in emails]
    + [(None, email) for email in GUESTS]
)
SOME = st.integers(0, 9)


@cache
def _template(make_place: Callable[[Path], Place]) -> History:
    """Make a shop whose warehouse a good run has filled, once; histories begin with a copy of it."""
    place = make_place(Path(tempfile.mkdtemp(prefix="histories-", dir=IN_MEMORY if IN_MEMORY.is_dir() else None)))
    Shop(place.source).create(TODAY)
    place.policy.write_text(POLICY, encoding="utf-8")
    create_keyring(place.keyring, TODAY)
    open_ledger(database_url("ledger", place.environment))
    undo = without_gate()
    try:
        made = History(place, ByFunctions(place))
        made.run()
    finally:
        undo()
    atexit.register(shutil.rmtree, place.folder)
    return made


def new_history(
    make_deeds: Callable[[Place], Deeds] = ByFunctions,
    ungated: bool = False,
    make_place: Callable[[Path], Place] = Place,
) -> History:
    """Begin a history of its own, after the first run of all."""
    template = _template(make_place)
    place = template.place.copied(Path(tempfile.mkdtemp(prefix="history-", dir=template.place.folder.parent)))
    return template.copied(place, make_deeds(place), ungated)


class Histories(RuleBasedStateMachine):
    """Deeds in any order; History sees after each that what is there is what must be."""

    make_deeds: Callable[[Place], Deeds] = ByFunctions
    make_place: Callable[[Path], Place] = Place
    ungated = True

    @initialize()
    def begin(self) -> None:
        self.undo = without_gate() if self.ungated else lambda: None
        self.history = new_history(type(self).make_deeds, self.ungated, type(self).make_place)
        self.shop = self.history.shop

    def teardown(self) -> None:
        if hasattr(self, "history"):
            self.undo()
            self.history.place.remove()

    # ── publishes ─────────────────────────────────────────────────────────────────────────────────────────────────

    @rule()
    def run(self) -> None:
        self.history.run()

    @rule()
    def erase_by_plan(self) -> None:
        self.history.apply(self.history.plan())

    @rule()
    def replay(self) -> None:
        self.history.replay()

    @rule()
    def retention(self) -> None:
        self.history.retention()

    @rule(meanwhile=st.sampled_from(["erasure", "restriction", "objection", "end", "plan"]), person=PERSON)
    def race(self, meanwhile: str, person: Any) -> None:
        self.history.race(meanwhile, person)

    @rule(
        deed=st.sampled_from(["run", "apply", "replay", "retention"]),
        point=st.integers(0, POINTS_AT_MOST - 1),
        entry=st.integers(1, 2),
    )
    def kill(self, deed: str, point: int, entry: int) -> None:
        self.history.kill(deed, point, entry)

    # ── rights ────────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(person=PERSON)
    def ask_for_erasure(self, person: Any) -> None:
        self.history.register("erasure", person)

    @rule(person=PERSON, plan=st.booleans())
    def erase(self, person: Any, plan: bool) -> None:
        self.history.register("erasure", person)
        if plan:
            self.history.apply(self.history.plan())
        else:
            self.history.run()

    @rule(people=st.lists(PERSON, min_size=2, max_size=4, unique=True))
    def ask_for_erasure_of_several(self, people: Any) -> None:
        self.history.register("erasure", *people)

    @rule(person=PERSON, right=st.sampled_from(["restriction", "objection"]))
    def restrict_or_object(self, person: Any, right: str) -> None:
        self.history.register(right, person)

    @rule(some=SOME)
    def lift_or_withdraw(self, some: int) -> None:
        references = [one.reference for one in self.history.ledger.requests.values() if one.right != "erasure"]
        self.history.end(references[some % len(references)] if references else "R-0")

    # ── the shop ──────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(person=PERSON, some=SOME, again=st.booleans())
    def come_back(self, person: Any, some: int, again: bool) -> None:
        """Let somebody who was erased buy again, and perhaps be erased again."""
        self.history.register("erasure", person)
        self.history.run()
        erased = [one for one in self.history.ledger.requests.values() if one.right == "erasure" and one.holds_back]
        for who in sorted(erased[some % len(erased)].everybody) if erased else ():
            kind, value = who
            if kind == "customer":
                self.shop.join(value, ADDRESSES[value][0], now())
            self.shop.sell(*((value, ADDRESSES[value][0]) if kind == "customer" else (None, value)), now())
            if again:
                self.history.run()
                self.history.register("erasure", who)
                self.history.run()
        self.history.run()

    @rule(buyer=BUYER, months=st.sampled_from([0, 0, 0, 1, 12, 17, 30]), spelling=SOME)
    def sell(self, buyer: Any, months: int, spelling: int) -> None:
        account, email = buyer
        self.shop.sell(account, spelled(email, spelling), now() if months == 0 else ago(TODAY, months))

    @rule(buyer=BUYER, odd=st.sampled_from(["no day", "tomorrow"]))
    def sell_oddly(self, buyer: Any, odd: str) -> None:
        tomorrow = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
        self.shop.sell(*buyer, None if odd == "no day" else tomorrow.isoformat())

    @rule(account=ACCOUNT)
    def write(self, account: int) -> None:
        self.shop.write(account, now())

    @rule(account=ACCOUNT)
    def join_anew(self, account: int) -> None:
        self.shop.join(account, ADDRESSES[account][0], now())

    @rule(account=ACCOUNT, other=ACCOUNT)
    def change_address(self, account: int, other: int) -> None:
        address = ADDRESSES[other][0] if other != account else f"new.{account}@example.net"
        self.shop.change("update buyer set email = ? where buyer_id = ?", address, account)

    @rule(account=ACCOUNT)
    def delete_account(self, account: int) -> None:
        self.shop.change("delete from buyer where buyer_id = ?", account)

    @rule(some=SOME)
    def delete_sale(self, some: int) -> None:
        sales = sorted(self.shop.rows()["sale"])
        if sales:
            self.shop.change("delete from line where sale_id = ?", sales[some % len(sales)])
            self.shop.change("delete from sale where sale_id = ?", sales[some % len(sales)])

    @rule(some=SOME, months=st.sampled_from([0, 5]))
    def hold(self, some: int, months: int) -> None:
        sales = sorted(self.shop.rows()["sale"])
        if sales:
            row = "insert into dispute values (null, 'M-1', 'sale', ?, '2000-01-01', null)"
            self.shop.change(row, sales[some % len(sales)])
        if months:
            self.let_time_pass(months)
            self.history.run()

    @rule()
    def release_holds(self) -> None:
        self.shop.change("delete from dispute")

    # ── clocks, keys and backups ──────────────────────────────────────────────────────────────────────────────────

    @rule(months=st.integers(1, 5))
    def let_time_pass(self, months: int) -> None:
        day = datetime.date.fromisoformat(ago(self.history.as_of, -months)[:10])
        self.history.as_of = day

    @rule(root=st.sampled_from(["analytics", "tombstones", "tombstones", "receipts"]))
    def rotate(self, root: str) -> None:
        self.history.rotate(root)
        self.history.run()

    @rule()
    def back_up(self) -> None:
        self.history.back_up()

    @rule(some=SOME, replayed=st.booleans())
    def put_the_warehouse_back(self, some: int, replayed: bool) -> None:
        self.history.back_up()
        self.history.run()
        self.history.put_back(some, warehouse=True, ledger=False)
        self.history.run()
        if replayed:
            self.history.replay()

    @rule(some=SOME)
    def put_both_back(self, some: int) -> None:
        self.history.put_back(some, warehouse=True, ledger=True)
        self.history.run()

    @rule(some=SOME, anew=st.booleans())
    def put_the_ledger_back(self, some: int, anew: bool) -> None:
        self.history.back_up()
        self.history.put_back(some, warehouse=False, ledger=True)
        self.history.replay()
        if self.history.standing():
            self.history.run()
            if anew:
                self.history.move_away()
                self.history.run()
            else:
                self.history.put_back(-1, warehouse=False, ledger=True)

    @classmethod
    def begun_before(cls) -> None:
        """Make what all histories begin with, before anything is changed in the software."""
        _template(cls.make_place)

    @classmethod
    def of(cls, *deeds: str) -> type[Histories]:
        """Give a machine that knows these deeds only."""
        others = {name for name, what in vars(cls).items() if hasattr(what, "hypothesis_stateful_rule")} - {*deeds}
        return type("SomeHistories", (cls,), dict.fromkeys(others))


def search(machine: type[Histories], histories: int) -> None:
    """Try so many histories of 20 deeds, or a share of them: the same where CI is set, elsewhere others each time."""
    share = float(os.environ.get("HISTORIES_SHARE", "1"))
    tried = settings(
        max_examples=round(histories * share),
        stateful_step_count=20,
        deadline=None,
        database=None,
        derandomize="CI" in os.environ,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=tried)
