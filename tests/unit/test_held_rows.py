"""Rows under a legal hold: counted, and kept beyond their clock where their table says so; nobody who must go stays."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from privacy.errors import PolicyError
from privacy.evidence import warnings_of
from privacy.fates import NO_CLOCK, Fate
from privacy.keys import Epoch, Keys, SubjectKeys
from privacy.policy_file import read_policy
from privacy.records import held_macs, records_of
from privacy.treat import TableTreater
from privacy.world import LatestEvents, World
from tests.unit.test_verdict import AS_OF, LONG_AGO, NOW, RECENT, SHOP, batch, expiries, fates, holding_back, judge

ROOT = SubjectKeys((Epoch(1, date(2026, 1, 1), bytes(range(32, 64))),))

STAY = "    while_held: stay\n    columns:\n"

HELD = SHOP.replace("    columns:\n      trade: {type: text", f"{STAY}      trade: {{type: text", 1).replace(
    "    columns:\n      complaint:", f"{STAY}      complaint:", 1
)

GUESTS = """\
  guest:
    publish_as: guests
    meaning: Who buys unknown.
    purpose: sales
    legal_basis: contract
    subject: {who: guest}
    primary_key: guest
    retention: {keep_at_most: 7 years, after: sold_on, promise: P09}
    derived: {from: trade, where_null: person, one_row_per: guest}
    columns:
      guest: {type: text, role: direct_identifier, treatment: {kind: pseudonymize, domain: guest}, from: email}
      sold_on: {type: date, role: quasi_identifier, treatment: {kind: generalize, to: month}}
  bill:
"""


def world_of(text: str = HELD, **held: list[Any]) -> World:
    """Give a world in which records of some tables are held: persons 1 and 2, who are published."""
    macs = held_macs(
        (table, record.newest)
        for table, keys in held.items()
        for record in records_of(table, pa.array(keys), ROOT)
        if record
    )
    keys = Keys(Epoch(1, date(2026, 1, 1), bytes(range(32))))
    world = World(read_policy(text, "shop.yaml"), keys, AS_OF, NOW, ROOT, held=macs)
    world.events["person", "trade", "sold_on"] = LatestEvents.of([])
    judge(world, "person", {"person": 1, "since": RECENT}, {"person": 2, "since": LONG_AGO})
    return world


def trade(key: str, **columns: Any) -> dict[str, Any]:
    return {"trade": key, "person": 1, "sold_on": LONG_AGO, "sold_at": NOW, **columns}


def test_a_held_row_stays_although_its_clock_has_run_out_and_says_so_by_having_none():
    verdict = judge(world_of(trade=["held"]), "trade", trade("held"), trade("other"))

    assert fates(verdict) == ["published", "expired"]
    assert expiries(verdict) == [None, date(2017, 1, 1)]
    assert verdict.held.tolist() == [True, False]


def test_where_the_table_does_not_say_so_a_held_row_leaves_and_is_counted():
    world = world_of(SHOP, trade=["held"])

    verdict = judge(world, "trade", trade("held"))

    assert fates(verdict) == ["expired"]
    assert verdict.held.tolist() == [True]


def test_the_clock_of_a_held_row_stands_still_before_it_has_run_out():
    verdict = judge(world_of(trade=["held"]), "trade", trade("held", sold_on=RECENT))

    assert expiries(verdict) == [None]


def test_a_held_row_of_somebody_who_objected_is_out_all_the_same():
    text = HELD.replace(
        "    objected_when_set: opted_out\n", "    objected_when_set: opted_out\n    while_held: stay\n"
    )
    world = world_of(text, person=[3, 4])

    verdict = judge(
        world, "person", {"person": 3, "since": LONG_AGO, "opted_out": RECENT}, {"person": 4, "since": LONG_AGO}
    )

    assert fates(verdict) == ["objected", "published"]
    assert verdict.held.tolist() == [True, True]


@pytest.mark.parametrize("kind", ["erased", "restricted", "objected"])
def test_a_held_row_of_somebody_who_must_not_be_seen_is_out_all_the_same(kind):
    verdict = judge(holding_back(world_of(trade=["held"]), **{kind: 1}), "trade", trade("held"))

    assert fates(verdict) == [kind]
    assert verdict.held.tolist() == [True]


def test_a_held_row_that_is_out_all_the_same_lends_nobody_a_clock_that_stands_still():
    world = holding_back(world_of(trade=["held"]), erased=1)
    judge(world, "trade", trade("held"))
    judge(world, "bill")

    assert fates(judge(world, "complaint", {"complaint": 1, "trade": "held"})) == ["expired"]


def test_a_held_row_that_cannot_be_trusted_goes_to_quarantine_and_not_to_analysts():
    verdict = judge(world_of(trade=["held"]), "trade", trade("held", person=99))

    assert fates(verdict) == ["quarantined"]


def test_children_stay_with_a_held_parent_and_are_not_held_themselves():
    world = world_of(trade=["held"])
    judge(world, "trade", trade("held"), trade("other"))

    verdict = judge(world, "line", {"line": 1, "trade": "held"}, {"line": 2, "trade": "other"})

    assert fates(verdict) == ["published", "expired"]
    assert expiries(verdict)[0] is None
    assert not verdict.held.any()


def test_a_held_row_does_not_lead_to_what_has_left():
    treater = TableTreater("trade", world_of(trade=["held"]))

    treated = treater.treat(batch(treater.world, "trade", [trade("held", person=2)]))

    assert treated.published.column("person").to_pylist() == [None]
    assert treater.counts.unlinked == {"person": {Fate.EXPIRED: 1}}


def test_a_held_row_does_not_lead_to_a_derived_row_which_has_left_by_the_same_clock():
    text = (
        HELD.replace("  bill:\n", GUESTS, 1)
        .replace("domains: {", "domains: {guest: {of: text, meaning: A guest.}, ", 1)
        .replace(
            "      sold_on: {type: date",
            "      guest: {from: email, only_where_null: person, references: guest}\n      sold_on: {type: date",
            1,
        )
    )
    world = world_of(text, trade=["held", "named"])
    treater = TableTreater("trade", world)
    unknown = {"person": None, "email": "a guest"}

    treated = treater.treat(
        batch(world, "trade", [trade("held", **unknown), trade("young", sold_on=RECENT, **unknown), trade("named")])
    )

    assert [token is None for token in treated.published.column("guest").to_pylist()] == [True, False, True]
    assert treater.counts.unlinked == {"guest": {Fate.EXPIRED: 1}}


def test_held_rows_are_counted_beside_the_sum_and_are_not_told_as_clocks_that_do_not_run():
    world = world_of(trade=["held"], complaint=[1, 2])
    judge(world, "trade", trade("held"))
    judge(world, "bill")
    rows = [
        {"complaint": 1, "handled_on": LONG_AGO},
        {"complaint": 2, "trade": "held"},
        {"complaint": 3, "trade": "held"},
        {"complaint": 4, "handled_on": LONG_AGO},
        {"complaint": 5},
    ]
    treater = TableTreater("complaint", world)

    treated = treater.treat(batch(world, "complaint", rows))

    assert treated.published.column("complaint").to_pylist() == [1, 2, 3, 5]
    assert treater.counts.held == 2
    assert treater.counts.extracted == 5
    assert list(warnings_of({"complaints": treater.counts}, {})) == [
        "complaints: rows whose clock does not run yet (event not set): 1"
    ]


def test_a_hold_on_a_table_is_none_on_another_with_the_same_key():
    verdict = judge(world_of(line=["held"]), "trade", trade("held"))

    assert fates(verdict) == ["expired"]
    assert not verdict.held.any()


def test_without_holds_nothing_is_held():
    verdict = judge(world_of(), "trade", trade("held"))

    assert not verdict.held.any()
    assert verdict.expires.tolist() != [NO_CLOCK]


# What a policy may say of holds

HOLDS = "holds: {from: dispute, matter: m, table: t, record: r, held_from: f, held_until: u}\n"
LISTED = "never_extracted: {dispute: Read for holds only.}\n"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ([("never_extracted: {}\n", HOLDS + "never_extracted: {}\n")], "holds.from: is not under never_extracted"),
        (
            [("never_extracted: {}\n", HOLDS.replace("dispute", "trade") + "never_extracted: {}\n")],
            "holds.from: is treated under tables as well; it is read for this purpose only",
        ),
        (
            [("    retention: {via: trade}\n", "    retention: {via: trade}\n    while_held: stay\n")],
            "tables.line.while_held: keeps nothing, for its rows leave with the rows that trade leads to",
        ),
        (
            [("  bill:\n", GUESTS.replace("    derived:", "    while_held: stay\n    derived:"))],
            "tables.guest.while_held: keeps nothing, for its rows leave with the rows that it is derived from",
        ),
    ],
)
def test_holds_that_could_be_read_for_anything_else_or_keep_nothing_are_refused(changes, told):
    text = SHOP.replace("domains: {", "domains: {guest: {of: text, meaning: A guest.}, ", 1)
    for old, new in changes:
        text = text.replace(old, new, 1)

    with pytest.raises(PolicyError, match=re.escape(told)):
        read_policy(text, "shop.yaml")


def test_a_table_of_requests_is_read_for_requests_only():
    requests = (
        "requests: {table: {from: asked, reference: r, right: r, received: d, state: s, "
        "identified_by: [{column: c, identifies: customer}]}}\n"
    )

    with pytest.raises(PolicyError, match=r"requests\.table\.from: is not under never_extracted"):
        read_policy(SHOP.replace("never_extracted: {}\n", requests + "never_extracted: {}\n"), "shop.yaml")


def test_a_table_of_holds_that_is_never_extracted_is_accepted():
    assert read_policy(SHOP.replace("never_extracted: {}\n", HOLDS + LISTED), "shop.yaml").holds
