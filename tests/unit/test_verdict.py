"""What becomes of each row, and when it leaves: on small hand-made tables, before anything is treated."""

import datetime
from dataclasses import replace
from datetime import UTC, date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from privacy.clocks import past_event_days
from privacy.declared import MISFITS
from privacy.fates import NO_CLOCK, Fate, FateIndexBuilder
from privacy.keys import Epoch, Keys, SubjectKeys
from privacy.policy import Policy
from privacy.policy_file import read_policy
from privacy.retention import NO_EVENT, day_number, expiry_column, local_days
from privacy.subjects import macs_of
from privacy.suppression import Suppression, Suppressions
from privacy.tokens import tokens
from privacy.treat import TableTreater, columns_read
from privacy.verdict import Verdict, decide
from privacy.world import LatestEvents, World

AS_OF = date(2026, 6, 15)
NOW = datetime.datetime(2026, 6, 15, 10, 0, tzinfo=UTC)

SHOP = """\
version: "1.0"
controller: {name: A shop, contact: privacy@shop.example, privacy_policy: Version 3}
time_zone: Europe/Amsterdam
fiscal_year: {first_month: 1}
quarantine: {share: 0.01, rows: 5}
purposes: {sales: {meaning: Sell things.}}
recipients: {}
promises: {P08: {meaning: Complaints.}, P09: {meaning: The books.}, P10: {meaning: As long as the trade.}}
domains: {person: {of: integer, meaning: A person.}}
never_extracted: {}
tables:
  person:
    publish_as: persons
    meaning: Those who buy.
    purpose: sales
    legal_basis: contract
    subject: {who: buyer, found_by: [{column: person, identifies: customer}]}
    primary_key: person
    retention: {keep_at_most: 7 years, after: {latest: [since, trade.sold_on]}, promise: P09}
    objected_when_set: opted_out
    columns:
      person: {type: integer, role: direct_identifier, treatment: {kind: pseudonymize, domain: person}}
      since: {type: date, role: quasi_identifier, treatment: {kind: generalize, to: day}}
      opted_out: {type: date, role: quasi_identifier, treatment: suppress}
  trade:
    publish_as: trades
    meaning: What they bought.
    purpose: sales
    legal_basis: contract
    subject: {who: buyer, found_by: [{column: person, identifies: customer}]}
    primary_key: trade
    retention: {keep_at_most: 7 years, after: sold_on, promise: P09}
    columns:
      trade: {type: text, role: non_personal, treatment: keep, because: A number and no more.}
      person: {type: integer, role: direct_identifier, references: person,
               treatment: {kind: pseudonymize, domain: person}}
      sold_on: {type: date, role: quasi_identifier, treatment: {kind: generalize, to: day}}
      sold_at: {type: timestamp, role: quasi_identifier, treatment: {kind: generalize, to: day}}
      due_on: {type: date, role: quasi_identifier, treatment: {kind: generalize, to: day}, future: allow}
  bill:
    publish_as: bills
    meaning: What they owe.
    purpose: sales
    legal_basis: legal_obligation
    subject: {who: buyer, via: trade}
    primary_key: bill
    retention: {keep_at_most: 5 years, after: sent_on, promise: P09}
    columns:
      bill: {type: integer, role: non_personal, treatment: keep, because: A number and no more.}
      trade: {type: text, role: non_personal, treatment: keep, because: A number and no more., references: trade}
      sent_on: {type: date, role: quasi_identifier, treatment: {kind: generalize, to: day}}
  line:
    publish_as: lines
    meaning: Its parts.
    purpose: sales
    legal_basis: contract
    subject: {who: buyer, via: trade}
    primary_key: line
    retention: {via: trade}
    columns:
      line: {type: integer, role: non_personal, treatment: keep, because: A number and no more.}
      trade: {type: text, role: non_personal, treatment: keep, because: A number and no more., references: trade}
  complaint:
    publish_as: complaints
    meaning: What went wrong.
    purpose: sales
    legal_basis: contract
    subject: {who: buyer}
    primary_key: complaint
    retention:
      clock_of: [trade, bill]
      otherwise: {keep_at_most: 5 years, after: handled_on, while_unset: keep, promise: P08}
      promise: P10
    columns:
      complaint: {type: integer, role: non_personal, treatment: keep, because: A number and no more.}
      trade: {type: text, role: non_personal, treatment: keep, because: A number and no more., references: trade}
      bill: {type: integer, role: non_personal, treatment: keep, because: A number and no more., references: bill}
      handled_on: {type: date, role: quasi_identifier, treatment: {kind: generalize, to: day}}
  catalogue:
    publish_as: catalogue
    meaning: What is for sale.
    purpose: sales
    legal_basis: contract
    subject: {who: nobody}
    primary_key: thing
    retention: {unlimited: true, because: It tells nothing about people.}
    columns:
      thing: {type: integer, role: non_personal, treatment: keep, because: A number and no more.}
"""

Row = dict[str, Any]


@pytest.fixture(scope="module")
def policy() -> Policy:
    return read_policy(SHOP, "shop.yaml")


@pytest.fixture
def world(policy):
    """A world without persons."""
    keys = Keys(Epoch(1, date(2026, 1, 1), bytes(range(32))))
    world = World(policy, keys, AS_OF, NOW)
    world.indexes["person"] = FateIndexBuilder().build()
    world.events["person", "trade", "sold_on"] = LatestEvents.of([])
    return world


def columns_of(world: World, table: str, rows: list[Row]) -> dict[str, pa.Array]:
    """The columns that treating a table reads; what a row leaves out is NULL."""
    read = columns_read(world.policy.tables[table])
    return {
        name: pa.array([row.get(name) for row in rows], kind.arrow(world.policy.time_zone))
        for name, kind in read.items()
    }


def judge(world: World, table: str, *rows: Row, misfits: dict[str, np.ndarray] | None = None) -> Verdict:
    """Decide some rows of a table, and keep what became of them for tables that refer to it."""
    spec, columns = world.policy.tables[table], columns_of(world, table, list(rows))
    verdict = decide(table, spec, columns, misfits or {}, world)
    index = FateIndexBuilder()
    index.add(columns[spec.source_of(spec.primary_key)], verdict.fates, verdict.expires)
    world.indexes[table] = index.build()
    return verdict


def fates(verdict: Verdict) -> list[str]:
    return [Fate(fate).word for fate in verdict.fates]


def expiries(verdict: Verdict) -> list[date | None]:
    return expiry_column(verdict.expires).to_pylist()


def reasons(verdict: Verdict) -> list[str]:
    return verdict.reason_of(np.ones(len(verdict.fates), np.bool_)).to_pylist()


def holding_back(world: World, **kinds: int) -> World:
    """A world in which a person is erased, restricted or objects, by number."""
    keys = SubjectKeys((Epoch(1, date(2026, 1, 1), bytes(range(32, 64))),))
    numbers = macs_of(pa.array(kinds.values(), pa.int64()), "customer", keys.key("customer", 1)).to_pylist()
    asked = [Suppression(kind, "customer", 1, mac, bytes(16), NOW) for kind, mac in zip(kinds, numbers, strict=True)]
    return replace(world, subject_keys=keys, suppressions=Suppressions.of(asked))


LONG_AGO, RECENT = date(2010, 1, 1), date(2025, 3, 15)

# Which fate comes first


@pytest.mark.parametrize(
    ("row", "asked", "fate"),
    [
        ({"since": RECENT}, None, "published"),
        ({"since": None}, None, "quarantined"),
        ({"since": LONG_AGO}, None, "expired"),
        ({"since": LONG_AGO, "opted_out": RECENT}, None, "objected"),
        ({"since": None, "opted_out": RECENT}, None, "objected"),
        ({"since": LONG_AGO, "opted_out": RECENT}, "restricted", "restricted"),
        ({"since": RECENT}, "objected", "objected"),
        ({"since": LONG_AGO}, "objected", "objected"),
        ({"since": None, "opted_out": RECENT}, "erased", "erased"),
        ({"since": RECENT}, "erased", "erased"),
    ],
)
def test_of_several_fates_the_first_stands(world, row, asked, fate):
    if asked:
        world = holding_back(world, **{asked: 1})

    assert fates(judge(world, "person", {"person": 1, **row})) == [fate]


def test_a_row_without_a_key_goes_to_quarantine_unless_it_has_expired_anyway(world):
    verdict = judge(world, "person", {"since": RECENT}, {"since": LONG_AGO})

    assert fates(verdict) == ["quarantined", "expired"]
    assert reasons(verdict) == ["person: no key", ""]


def test_a_row_counts_at_its_first_reason(world):
    rows = [{"since": None}, {"person": 2, "since": None}, {"person": 3, "since": RECENT}]

    assert reasons(judge(world, "person", *rows)) == [
        "person: no key",
        "since, trade.sold_on: not set, so no clock can run",
        "",
    ]


def test_a_value_of_a_wrong_type_sends_its_row_to_quarantine(world):
    verdict = judge(
        world, "person", {"person": 1, "since": RECENT}, {"person": 2}, misfits={"since": np.array([False, True])}
    )

    assert fates(verdict) == ["published", "quarantined"]
    assert reasons(verdict)[1] == "since: not of its declared type"


def test_an_opt_out_that_cannot_be_read_is_not_published(world):
    verdict = judge(world, "person", {"person": 1, "since": RECENT}, misfits={"opted_out": np.array([True])})

    assert fates(verdict) == ["quarantined"]


def test_rows_are_judged_alike_alone_and_together(world):
    rows = [
        {"person": 1, "since": RECENT},
        {"person": 2, "since": LONG_AGO},
        {"since": RECENT},
        {"person": 4, "since": RECENT, "opted_out": RECENT},
    ]

    together = judge(world, "person", *rows)

    assert fates(together) == [word for row in rows for word in fates(judge(world, "person", row))]
    assert expiries(together) == [day for row in rows for day in expiries(judge(world, "person", row))]


# A table's own clock


@pytest.mark.parametrize(
    ("sold", "fate", "expires"),
    [
        (date(2019, 5, 31), "expired", date(2026, 6, 1)),
        (date(2019, 6, 29), "expired", date(2026, 6, 1)),
        (date(2019, 6, 30), "published", date(2026, 7, 1)),
        (date(2026, 6, 15), "published", date(2033, 6, 1)),
    ],
)
def test_a_row_leaves_with_the_month_in_which_it_must(world, sold, fate, expires):
    verdict = judge(world, "trade", {"trade": "a", "sold_on": sold})

    assert (fates(verdict), expiries(verdict)) == ([fate], [expires])


def test_the_latest_event_counts_also_that_of_rows_which_refer_here(world):
    keys = pa.array([1, 1, 3, None])
    days = pa.array([date(2024, 5, 5), date(2022, 2, 2), date(2012, 3, 3), RECENT])
    world.events["person", "trade", "sold_on"] = LatestEvents.of([(keys, local_days(days))])

    verdict = judge(world, "person", *({"person": key, "since": LONG_AGO} for key in (1, 2, 3)), {"person": 4})

    assert fates(verdict) == ["published", "expired", "expired", "quarantined"]
    assert expiries(verdict)[:3] == [date(2031, 5, 1), date(2017, 1, 1), date(2019, 3, 1)]


def test_an_event_of_referring_rows_counts_from_the_day_on_which_it_happens(world):
    days = pa.array([AS_OF, AS_OF + datetime.timedelta(days=1), None])

    found = past_event_days(world.policy.tables["trade"], "sold_on", {"sold_on": days}, world)

    assert found.tolist() == [day_number(AS_OF), NO_EVENT, NO_EVENT]


@pytest.mark.parametrize(("first", "second"), [("a", "b"), (7, -3)])
def test_the_latest_event_is_found_over_batches_by_keys_of_text_and_numbers(first, second):
    batches = [(first, 10), (second, 20), (first, 30), (second, 5), (second, NO_EVENT)]
    latest = LatestEvents.of((pa.array([key, None]), np.array([day, 99], np.int32)) for key, day in batches)

    assert latest.look_up(pa.array([second, None, first])).tolist() == [20, NO_EVENT, 30]
    assert latest.look_up(pa.array([first, second]).slice(1)).tolist() == [20]


@pytest.mark.parametrize("keys", [pa.array([1, 0, None]), pa.array(["a", "", None])])
def test_where_nothing_refers_there_is_no_event(keys):
    assert LatestEvents.of([]).look_up(keys).tolist() == [NO_EVENT] * 3


def test_without_a_limit_no_clock_runs(world):
    verdict = judge(world, "catalogue", {"thing": 1})

    assert (fates(verdict), expiries(verdict)) == (["published"], [None])


# What lies in the future


@pytest.mark.parametrize(
    ("row", "fate"),
    [
        ({"sold_on": date(2026, 6, 15)}, "published"),
        ({"sold_on": date(2026, 6, 16)}, "quarantined"),
        ({"sold_on": RECENT, "sold_at": NOW}, "published"),
        ({"sold_on": RECENT, "sold_at": NOW + datetime.timedelta(seconds=1)}, "quarantined"),
        ({"sold_on": RECENT, "due_on": date(2030, 1, 1)}, "published"),
    ],
)
def test_what_has_not_happened_yet_is_set_aside_unless_the_policy_allows_it(world, row, fate):
    assert fates(judge(world, "trade", {"trade": "a", **row})) == [fate]


def test_the_future_is_judged_by_the_real_time_and_not_by_the_retention_clock(world):
    back_then = replace(world, as_of=date(2020, 1, 1))

    verdict = judge(back_then, "trade", {"trade": "a", "sold_on": RECENT}, {"trade": "b", "sold_on": date(2027, 1, 1)})

    assert fates(verdict) == ["published", "quarantined"]
    assert reasons(verdict)[1] == "sold_on: in the future"


def test_today_is_the_day_in_the_policys_time_zone(world):
    before_midnight = datetime.datetime(2026, 6, 15, 22, 30, tzinfo=UTC)
    late = replace(world, now=before_midnight)

    assert late.today == date(2026, 6, 16)
    assert fates(judge(late, "trade", {"trade": "a", "sold_on": date(2026, 6, 16)})) == ["published"]


# Children


@pytest.fixture
def trades(world):
    """A world in which trades have met every fate."""
    asked = holding_back(world, erased=3, restricted=4, objected=5)
    judge(asked, "person", {"person": 1, "since": RECENT}, {"person": 2, "since": LONG_AGO})
    people = {"live": None, "erased": 3, "restricted": 4, "objected": 5}
    rows = [{"trade": name, "person": person, "sold_on": RECENT} for name, person in people.items()]
    judge(asked, "trade", *rows, {"trade": "old", "sold_on": LONG_AGO}, {"trade": "undated"})
    return world


def test_a_child_shares_its_parents_fate_clock_and_reason(trades):
    names = ["live", "erased", "restricted", "objected", "old", "undated", "gone", None]

    verdict = judge(trades, "line", *({"line": i, "trade": name} for i, name in enumerate(names, 1)))

    assert fates(verdict) == [
        "published", "erased", "restricted", "objected", "expired", "quarantined", "quarantined", "quarantined",
    ]  # fmt: skip
    assert expiries(verdict) == [date(2032, 3, 1)] * 4 + [date(2017, 1, 1), None, None, None]
    assert reasons(verdict)[5:] == [
        "trade: its row in trade is in quarantine",
        "trade: the source has no such row in trade",
        "trade: no parent",
    ]


def test_a_reference_to_a_row_that_is_not_published_is_counted_by_that_rows_fate(trades):
    names = ["live", "erased", "old", "undated", None]

    verdict = judge(trades, "bill", *({"bill": i, "trade": name, "sent_on": RECENT} for i, name in enumerate(names, 1)))

    assert fates(verdict) == ["published", "erased", "published", "published", "published"]  # found via its trade
    assert verdict.unlinked["trade"].tolist() == [0, Fate.ERASED, Fate.EXPIRED, Fate.QUARANTINED, 0]


def test_a_reference_to_nothing_is_an_orphan(trades):
    verdict = judge(trades, "trade", {"trade": "x", "person": 3, "sold_on": RECENT})

    assert (fates(verdict), reasons(verdict)) == (
        ["quarantined"],
        ["person: the source has no such row in person"],
    )


def test_nothing_can_refer_to_a_table_without_rows(trades):
    trades.indexes["trade"] = FateIndexBuilder().build()

    assert fates(judge(trades, "line", {"line": 1, "trade": "live"}, {"line": 2})) == ["quarantined"] * 2


# The clock of a linked record


@pytest.fixture
def linked(trades):
    """… and bills beside them, one with a clock of its own that runs out earlier, one undated."""
    judge(
        trades,
        "bill",
        {"bill": 1, "trade": "live", "sent_on": RECENT},
        {"bill": 2, "trade": "live", "sent_on": LONG_AGO},
        {"bill": 3, "trade": "live"},
        {"bill": 4, "trade": "gone", "sent_on": RECENT},
    )
    return trades


@pytest.mark.parametrize(
    ("links", "fate", "expires"),
    [
        ({"trade": "live"}, "published", date(2032, 3, 1)),
        ({"bill": 1}, "published", date(2030, 3, 1)),
        ({"trade": "live", "bill": 1}, "published", date(2030, 3, 1)),
        ({"trade": "live", "bill": 2}, "expired", date(2015, 1, 1)),
        ({"trade": "old"}, "expired", date(2017, 1, 1)),
        ({"trade": "old", "bill": 1}, "expired", date(2017, 1, 1)),
        # The linked record's own fate is not shared, its clock is.
        ({"trade": "erased"}, "published", date(2032, 3, 1)),
        # A record in quarantine still lends its clock, if it has one.
        ({"bill": 4}, "published", date(2030, 3, 1)),
        ({"bill": 3}, "quarantined", None),
        ({"trade": "live", "bill": 3}, "quarantined", date(2032, 3, 1)),
        ({"trade": "undated"}, "quarantined", None),
        ({"trade": "gone"}, "quarantined", None),
        ({"trade": "gone", "bill": 2}, "expired", date(2015, 1, 1)),
    ],
)
def test_a_linked_record_lends_its_clock_and_the_first_of_two_counts(linked, links, fate, expires):
    """Whatever the complaint's own event: a clock of its own runs only where nothing is linked."""
    for handled in (None, LONG_AGO, RECENT):
        verdict = judge(linked, "complaint", {"complaint": 1, "handled_on": handled, **links})

        assert (fates(verdict), expiries(verdict)) == ([fate], [expires])


def test_a_record_without_links_runs_its_own_clock_once_the_event_has_happened(linked):
    verdict = judge(
        linked,
        "complaint",
        {"complaint": 1, "handled_on": date(2021, 6, 29)},
        {"complaint": 2, "handled_on": date(2021, 6, 30)},
        {"complaint": 3},
    )

    assert fates(verdict) == ["expired", "published", "published"]
    assert expiries(verdict) == [date(2026, 6, 1), date(2026, 7, 1), None]


def test_the_reasons_name_the_link(linked):
    verdict = judge(linked, "complaint", {"complaint": 1, "bill": 3}, {"complaint": 2, "trade": "gone"})

    assert reasons(verdict) == [
        "bill: its row in bill is in quarantine and has no clock",
        "trade: the source has no such row in trade",
    ]


# What is counted and published of it all


def batch(world: World, table: str, rows: list[Row]) -> pa.RecordBatch:
    columns = columns_of(world, table, rows)
    marks = pa.array([0] * len(rows), pa.int64())
    return pa.RecordBatch.from_arrays([*columns.values(), marks], [*columns, MISFITS])


def test_every_row_is_counted_once_and_clockless_ones_beside(linked):
    treater = TableTreater("complaint", linked)
    rows = [
        {"complaint": 1, "trade": "erased"},
        {"complaint": 2, "trade": "old"},
        {"complaint": 3, "trade": "gone"},
        {"complaint": 4},
        {"complaint": 5, "trade": "live"},
    ]

    treated = treater.treat(batch(linked, "complaint", rows))

    assert treater.counts.extracted == 5
    assert treater.counts.fates == {Fate.PUBLISHED: 3, Fate.EXPIRED: 1, Fate.QUARANTINED: 1}
    assert treater.counts.unlinked == {"trade": {Fate.ERASED: 1}}
    assert treater.counts.clockless == 1
    assert treated.published.column("complaint").to_pylist() == [1, 4, 5]
    assert treated.published.column("trade").to_pylist() == [None, None, "live"]
    assert treated.published.column("_expires_on").to_pylist() == [date(2032, 3, 1), None, date(2032, 3, 1)]
    assert treated.quarantined.column("_reason").to_pylist() == ["trade: the source has no such row in trade"]


def test_a_reference_bears_the_token_of_its_target_also_where_its_own_row_is_set_aside(world):
    people = TableTreater("person", world)
    treated = people.treat(batch(world, "person", [{"person": 1, "since": RECENT}, {"person": 2}]))
    world.indexes["person"] = people.index.build()
    rows = [
        {"trade": "a", "person": 1, "sold_on": RECENT},
        {"trade": "b", "person": 1},
        {"trade": "c", "person": 2, "sold_on": RECENT},
        {"trade": "d", "person": 2},
        {"trade": "e", "person": 1, "sold_on": RECENT},
        {"trade": "f", "person": 99, "sold_on": RECENT},
    ]

    trades = TableTreater("trade", world).treat(batch(world, "trade", rows))

    (token,) = treated.published.column("person").to_pylist()
    assert trades.published.column("person").to_pylist() == [token, None, token]
    of_nobody = tokens(pa.array([99]), "integer", world.keys.token_key("person"))
    assert trades.quarantined.column("person").to_pylist() == [token, None, *of_nobody.to_pylist()]


def test_an_empty_batch_is_treated_to_an_empty_one(linked):
    for table in linked.policy.tables:
        treated = TableTreater(table, linked).treat(batch(linked, table, []))

        assert (treated.published.num_rows, treated.quarantined) == (0, None)


def test_no_expiry_is_no_day(world):
    assert judge(world, "catalogue", {"thing": 1}).expires.tolist() == [NO_CLOCK]
