"""Suppressions in the ledger, on SQLite and PostgreSQL: read, met, keyed anew, and expired."""

from __future__ import annotations

import datetime

import pyarrow as pa
import pytest

from privacy.errors import UsageError
from stores.ledger import Ledger
from stores.ledger.identifiers import Identifier
from stores.ledger.suppressions import LIVE, Rekeyed, digest_of
from tests.requested import LATER, NOW, all_decided, asked, customer, email

TODAY = datetime.date(2029, 1, 1)
WINDOW = datetime.date(2027, 1, 1)
WINDOW_MOMENT = datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)


def decided(ledger: Ledger, reference: str, *subjects: tuple[Identifier, ...], right: str = "erasure") -> str:
    ids = ledger.requests.register([asked(reference, *subjects, right=right)], "anna", NOW).request_ids
    ledger.requests.decide(ids.values(), NOW)
    return ids[reference]


def reference_of(ledger: Ledger, identifier: Identifier) -> str:
    (found,) = {row["reference"] for row in ledger.suppressions.live().to_pylist() if row["mac"] == identifier.mac}
    return str(found)


def test_without_any_there_is_an_empty_table_of_the_same_columns(ledger: Ledger) -> None:
    live = ledger.suppressions.live()

    assert (live.schema, len(live)) == (LIVE, 0)
    assert ledger.suppressions.epochs() == frozenset()
    assert ledger.suppressions.horizon() is None
    assert ledger.suppressions.digest() == digest_of(live)


def test_what_suppresses_comes_in_one_order_whatever_the_database(ledger: Ledger) -> None:
    people = [(customer(number), email(number, epoch=1 + number % 2)) for number in range(50)]
    decided(ledger, "R-1", *people)

    rows = ledger.suppressions.live().to_pylist()

    macs = [(row["identifies"], row["epoch"], row["mac"]) for row in rows]
    assert macs == sorted((who.identifies, who.epoch, who.mac) for person in people for who in person)
    assert {row["since"] for row in rows} == {NOW}
    assert ledger.suppressions.epochs() == {1, 2}


def test_what_is_lifted_suppresses_no_more(ledger: Ledger) -> None:
    decided(ledger, "R-1", (customer(1, epoch=7),), right="restriction")
    ledger.requests.lift("R-1", LATER)

    assert len(ledger.suppressions.live()) == 0
    assert ledger.suppressions.epochs() == frozenset()


def test_the_digest_changes_with_what_suppresses_and_with_nothing_else(ledger: Ledger) -> None:
    digests = [ledger.suppressions.digest()]

    request_id = decided(ledger, "R-1", (customer(1),))
    digests.append(ledger.suppressions.digest())
    ledger.requests.add_identifiers(request_id, 0, [email("a")], "source")
    digests.append(ledger.suppressions.digest())
    decided(ledger, "R-2", (customer(2),), right="restriction")
    digests.append(ledger.suppressions.digest())
    assert len(set(digests)) == 4

    ledger.suppressions.seen([reference_of(ledger, customer(1))], TODAY)
    ledger.requests.register([asked("R-3", (customer(3),))], "anna", NOW)
    ledger.requests.applied(all_decided(ledger), "run 1", NOW, "receipt 1")
    assert ledger.suppressions.digest() == digests[-1] == digest_of(ledger.suppressions.live())

    ledger.requests.lift("R-2", LATER)
    assert ledger.suppressions.digest() == digests[-2]


def test_a_tombstone_keyed_anew_stays_what_it_is(ledger: Ledger) -> None:
    decided(ledger, "R-1", (customer(1), email("a")))
    reference = reference_of(ledger, customer(1))
    ledger.suppressions.seen([reference], TODAY)
    anew = [Rekeyed(reference, customer(1, epoch=2)), Rekeyed(reference, email("a", epoch=2))]

    assert ledger.suppressions.rekey(anew) == 2
    assert ledger.suppressions.rekey([*anew, Rekeyed(reference, email("a"))]) == 0

    rows = ledger.suppressions.live().to_pylist()
    assert [(row["identifies"], row["epoch"]) for row in rows] == [
        (i, e) for i in ("customer", "email") for e in (1, 2)
    ]
    assert {(row["kind"], row["reference"], row["since"]) for row in rows} == {("erased", reference, NOW)}
    ledger.requests.applied(all_decided(ledger), "run 1", NOW, "receipt 1")
    assert ledger.suppressions.expire(TODAY, WINDOW_MOMENT) == 0, "the new rows were seen on the same day"


def test_an_unknown_suppression_cannot_be_keyed_anew(ledger: Ledger) -> None:
    decided(ledger, "R-1", (customer(1),))
    reference, before = reference_of(ledger, customer(1)), ledger.suppressions.live()

    with pytest.raises(UsageError, match="not all of the suppressions"):
        ledger.suppressions.rekey([Rekeyed(reference, customer(1, epoch=2)), Rekeyed("unknown", email("a", epoch=2))])

    assert ledger.suppressions.live() == before


def test_an_old_tombstone_that_is_not_met_expires_and_with_it_whom_it_was_about(ledger: Ledger) -> None:
    request_id = decided(ledger, "R-1", (customer(1), email("a")), (email("b"),))
    ledger.requests.applied(all_decided(ledger), "run 1", LATER, "receipt 1")

    assert ledger.suppressions.expire(WINDOW, WINDOW_MOMENT) == 2

    assert len(ledger.suppressions.live()) == 0
    assert ledger.suppressions.horizon() == NOW
    assert ledger.requests.identifiers([request_id]) == {}
    request = ledger.requests.get("R-1")
    assert (request.state, request.receipt_id, request.run_id) == ("applied", None, "run 1")
    with pytest.raises(UsageError, match="they have expired"):
        ledger.requests.add_identifiers(request_id, 0, [email("c")], "source")


def test_a_tombstone_that_is_still_met_stays_and_its_request_with_it(ledger: Ledger) -> None:
    request_id = decided(ledger, "R-1", (customer(1), email("a")), (email("b"),))
    ledger.requests.applied(all_decided(ledger), "run 1", LATER, "receipt 1")
    reference = reference_of(ledger, email("a"))
    ledger.suppressions.seen([reference], WINDOW)
    ledger.suppressions.seen([reference], WINDOW - datetime.timedelta(days=90))

    assert ledger.suppressions.expire(WINDOW, WINDOW_MOMENT) == 1

    assert set(ledger.suppressions.live()["reference"].to_pylist()) == {reference}
    assert len(ledger.requests.identifiers([request_id])[request_id]) == 2
    assert ledger.requests.get("R-1").receipt_id == "receipt 1"

    assert ledger.suppressions.expire(WINDOW + datetime.timedelta(days=1), WINDOW_MOMENT) == 1
    assert ledger.requests.get("R-1").receipt_id is None


def test_nothing_expires_that_is_young_not_applied_or_no_tombstone(ledger: Ledger) -> None:
    decided(ledger, "young", (customer(1),))
    decided(ledger, "restricted", (customer(2),), right="restriction")
    decided(ledger, "objected", (customer(3),), right="objection")
    ledger.requests.applied(all_decided(ledger), "run 1", LATER, "receipt 1")

    assert ledger.suppressions.expire(TODAY, NOW) == 0, "erased at that very moment, not before"
    decided(ledger, "not applied", (customer(4),))
    assert ledger.suppressions.expire(TODAY, WINDOW_MOMENT) == 1

    assert set(ledger.suppressions.live()["kind"].to_pylist()) == {"erased", "restricted", "objected"}
    assert reference_of(ledger, customer(4))


def test_the_horizon_never_moves_back(ledger: Ledger) -> None:
    first = ledger.requests.register([asked("R-1", (customer(1),))], "anna", NOW).request_ids
    ledger.requests.decide(first.values(), LATER)
    second = ledger.requests.register([asked("R-2", (customer(2),))], "anna", NOW).request_ids
    ledger.requests.decide(second.values(), NOW)
    ledger.requests.applied(all_decided(ledger), "run 1", LATER, "receipt 1")
    ledger.suppressions.seen([reference_of(ledger, customer(2))], WINDOW)

    assert ledger.suppressions.expire(WINDOW, WINDOW_MOMENT) == 1
    assert ledger.suppressions.horizon() == LATER
    assert ledger.suppressions.expire(TODAY, WINDOW_MOMENT) == 1
    assert ledger.suppressions.horizon() == LATER


def test_a_restriction_is_not_marked_as_met(ledger: Ledger) -> None:
    decided(ledger, "R-1", (customer(1),), right="restriction")

    ledger.suppressions.seen([reference_of(ledger, customer(1)), "unknown"], TODAY)

    with ledger.engine.connect() as connection:
        assert connection.exec_driver_sql("select seen_on from suppression").scalar_one() is None


def test_many_are_read_as_one_arrow_table_and_all_noted_as_met(ledger: Ledger) -> None:
    decided(ledger, "R-1", *((customer(number),) for number in range(12_000)))

    live = ledger.suppressions.live()

    assert isinstance(live, pa.Table)
    assert len(live) == 12_000
    ledger.suppressions.seen(set(live["reference"].to_pylist()), TODAY)
    with ledger.engine.connect() as connection:
        assert connection.exec_driver_sql("select count(seen_on) from suppression").scalar_one() == 12_000
