"""Requests in the ledger, on SQLite and PostgreSQL: from registered to applied, lifted, refused or answered."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from privacy.errors import UsageError
from stores.ledger import Ledger, open_ledger
from stores.ledger.identifiers import Identifier
from stores.ledger.schema import METADATA
from tests.requested import LATER, NOW, all_decided, asked, customer, email


def everything(ledger: Ledger) -> dict[str, list[tuple[Any, ...]]]:
    """Give all rows of all tables."""
    with ledger.engine.connect() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(sa.select(table))), key=repr)
            for table in METADATA.sorted_tables
        }


def registered(ledger: Ledger, reference: str, *subjects: tuple[Identifier, ...], right: str = "erasure") -> str:
    return ledger.requests.register([asked(reference, *subjects, right=right)], "anna", NOW).request_ids[reference]


def decided(ledger: Ledger, reference: str, *subjects: tuple[Identifier, ...], right: str = "erasure") -> str:
    request_id = registered(ledger, reference, *subjects, right=right)
    ledger.requests.decide([request_id], LATER)
    return request_id


def test_a_request_is_read_as_it_was_registered(ledger: Ledger) -> None:
    amsterdam = datetime.timezone(datetime.timedelta(hours=1))
    new = dataclasses.replace(
        asked("R-1", (customer(1), email("a")), (email("b"),)), received_at=NOW.astimezone(amsterdam)
    )

    ids = ledger.requests.register([new], "anna", NOW).request_ids

    found = ledger.requests.get("R-1")
    assert (found.request_id, found.state, found.subjects, found.closed) == (ids["R-1"], "registered", 2, False)
    assert (found.received_at, found.registered_at, found.due_on) == (NOW, NOW, new.due_on)
    assert found.received_at.tzinfo == datetime.UTC
    assert ledger.requests.list() == (found,)
    assert ledger.requests.identifiers([found.request_id]) == {
        found.request_id: {0: (customer(1), email("a")), 1: (email("b"),)}
    }


def test_a_known_reference_is_left_alone_and_told(ledger: Ledger) -> None:
    registered(ledger, "R-1", (customer(1),))
    before = ledger.requests.get("R-1")

    answer = ledger.requests.register([asked("R-1", (customer(9),)), asked("R-2", (customer(2),))], "bert", LATER)

    assert (answer.known, set(answer.request_ids)) == (("R-1",), {"R-2"})
    assert ledger.requests.get("R-1") == before
    assert ledger.requests.known(["R-1", "R-2", "R-3"]) == {"R-1", "R-2"}


def test_one_reference_twice_at_once_is_refused_and_nothing_registered(ledger: Ledger) -> None:
    with pytest.raises(UsageError, match="same reference"):
        ledger.requests.register([asked("R-1", (customer(1),)), asked("R-1", (customer(2),))], "anna", NOW)

    assert ledger.requests.list() == ()


def test_requests_are_listed_by_the_time_at_which_they_came(ledger: Ledger) -> None:
    earlier = dataclasses.replace(asked("R-9", (customer(9),)), received_at=NOW - datetime.timedelta(days=3))
    ledger.requests.register([asked("R-2", (customer(2),)), asked("R-10", (customer(3),)), earlier], "anna", NOW)
    ledger.requests.refuse("R-2")

    assert [request.reference for request in ledger.requests.list()] == ["R-9", "R-10", "R-2"]
    assert [request.reference for request in ledger.requests.with_state("registered")] == ["R-9", "R-10"]
    assert ledger.requests.with_state("applied") == ()


@pytest.mark.parametrize(
    ("right", "kind"), [("erasure", "erased"), ("restriction", "restricted"), ("objection", "objected")]
)
def test_deciding_suppresses_everybody_named_under_a_reference_of_their_own(
    ledger: Ledger, right: str, kind: str
) -> None:
    decided(ledger, "R-1", (customer(1), email("a")), (email("b"),), right=right)

    rows = ledger.suppressions.live().to_pylist()

    by_mac = {row["mac"]: row for row in rows}
    assert len(rows) == 3
    assert {(row["kind"], row["since"]) for row in rows} == {(kind, LATER)}
    one, same, other = (by_mac[who.mac]["reference"] for who in (customer(1), email("a"), email("b")))
    assert one == same != other
    assert uuid.UUID(one).version == 4
    assert (ledger.requests.get("R-1").state, ledger.requests.get("R-1").decided_at) == ("decided", LATER)


def test_an_identifier_that_stands_twice_counts_once(ledger: Ledger) -> None:
    request_id = decided(ledger, "R-1", (email("a"), email("a")))
    ledger.requests.add_identifiers(request_id, 0, [email("a"), email("b"), email("b")], "source")

    assert ledger.requests.identifiers([request_id]) == {request_id: {0: tuple(sorted([email("a"), email("b")]))}}
    assert len(ledger.suppressions.live()) == 2


def test_what_is_found_after_the_decision_suppresses_at_once_as_the_same_person(ledger: Ledger) -> None:
    request_id = decided(ledger, "R-1", (customer(1), email("shared")), (customer(2), email("shared")))
    before = {row["mac"]: row["reference"] for row in ledger.suppressions.live().to_pylist()}

    ledger.requests.add_identifiers(request_id, 1, [email("found")], "source")
    ledger.requests.close([request_id])

    (found,) = [row for row in ledger.suppressions.live().to_pylist() if row["mac"] == email("found").mac]
    assert found["reference"] == before[customer(2).mac]
    assert (found["kind"], found["since"]) == ("erased", LATER)
    assert ledger.requests.get("R-1").closed


@pytest.mark.parametrize("number", range(4))
def test_what_is_found_goes_to_the_right_one_of_two_people_though_one_is_named_by_less(
    ledger: Ledger, number: int
) -> None:
    request_id = decided(ledger, f"R-{number}", (email("shared"),), (customer(2), email("shared")))

    ledger.requests.add_identifiers(request_id, 0, [email("found")], "source")

    people: dict[str, set[str]] = {}
    for row in ledger.suppressions.live().to_pylist():
        people.setdefault(row["reference"], set()).add(row["mac"])
    assert sorted(map(sorted, people.values())) == sorted(
        [sorted([email("shared").mac, email("found").mac]), sorted([customer(2).mac, email("shared").mac])]
    )


def test_what_is_found_before_the_decision_suppresses_with_it(ledger: Ledger) -> None:
    request_id = registered(ledger, "R-1", (customer(1),))
    ledger.requests.add_identifiers(request_id, 0, [email("found")], "warehouse")
    assert len(ledger.suppressions.live()) == 0

    ledger.requests.decide([request_id], LATER)

    assert len(set(ledger.suppressions.live()["reference"].to_pylist())) == 1
    assert len(ledger.suppressions.live()) == 2


def test_a_run_applies_all_that_is_decided_and_nothing_else(ledger: Ledger) -> None:
    decided(ledger, "R-1", (customer(1),))
    decided(ledger, "R-2", (customer(2),), right="objection")
    registered(ledger, "R-3", (customer(3),))

    ledger.requests.applied(all_decided(ledger), "run 1", LATER, "receipt 1")
    ledger.requests.applied(all_decided(ledger), "run 2", LATER, "receipt 2")

    done = ledger.requests.get("R-1")
    assert (done.state, done.applied_at, done.run_id, done.receipt_id) == ("applied", LATER, "run 1", "receipt 1")
    assert ledger.requests.get("R-3").state == "registered"


@pytest.mark.parametrize("right", ["restriction", "objection"])
@pytest.mark.parametrize("reached", ["registered", "decided", "applied"])
def test_a_restriction_or_objection_can_be_lifted(ledger: Ledger, right: str, reached: str) -> None:
    request_id = registered(ledger, "R-1", (customer(1), email("a")), right=right)
    decided(ledger, "R-2", (customer(1),), right=right)
    if reached != "registered":
        ledger.requests.decide([request_id], NOW)
    if reached == "applied":
        ledger.requests.applied(all_decided(ledger), "run 1", NOW, "receipt 1")

    ledger.requests.lift("R-1", LATER)

    assert ledger.requests.get("R-1").state == "lifted"
    assert ledger.suppressions.live()["since"].to_pylist() == [LATER], "the other request stands"


def test_what_people_see_to_is_noted_and_answered(ledger: Ledger) -> None:
    registered(ledger, "R-1", (customer(1),), right="access")
    ledger.requests.note("R-1")
    assert ledger.requests.get("R-1").state == "noted"
    ledger.requests.answer("R-1")
    assert ledger.requests.get("R-1").state == "answered"
    assert len(ledger.suppressions.live()) == 0


def test_of_several_requests_all_take_a_step_or_none(ledger: Ledger) -> None:
    for number, right in enumerate(("access", "rectification", "erasure"), start=1):
        registered(ledger, f"R-{number}", (customer(number),), right=right)

    with pytest.raises(UsageError, match="which a run sees to"):
        ledger.requests.note("R-1", "R-2", "R-3")
    assert {request.state for request in ledger.requests.list()} == {"registered"}

    ledger.requests.note("R-1", "R-2")
    ledger.requests.answer()
    assert [request.state for request in ledger.requests.list()] == ["noted", "noted", "registered"]


def steps(ledger: Ledger) -> dict[str, Any]:
    """Give all steps that are refused in the state that `refusing` makes, each with its reason."""
    requests, ids = ledger.requests, {request.reference: request.request_id for request in ledger.requests.list()}
    return {
        "No request has this reference": lambda: requests.lift("R-?", LATER),
        "No request has this reference; ": lambda: requests.get("R-?"),
        "has not all of these requests": lambda: requests.decide([ids["registered"], "no such id"], LATER),
        "has not all of these requests.": lambda: requests.close(["no such id"]),
        "is decided already": lambda: requests.decide([ids["registered"], ids["decided"]], LATER),
        "is refused already": lambda: requests.decide([ids["registered"], ids["refused"]], LATER),
        "which suppresses nothing; people see to it": lambda: requests.decide(
            [ids["registered"], ids["access"]], LATER
        ),
        "by no identifier at all": lambda: requests.decide([ids["registered"], ids["nobody"]], LATER),
        "by no identifier at all,": lambda: requests.decide([ids["registered"], ids["half"]], LATER),
        "asks for erasure; only a restriction or an objection": lambda: requests.lift("decided", LATER),
        "is lifted already": lambda: requests.lift("lifted", LATER),
        "is decided already.": lambda: requests.refuse("decided"),
        "asks for erasure, which a run sees to": lambda: requests.answer("registered"),
        "asks for erasure, which a run sees to.": lambda: requests.note("registered"),
        "is refused; nothing is added": lambda: requests.add_identifiers(ids["refused"], 0, [email("x")], "source"),
        "names no such subject": lambda: requests.add_identifiers(ids["decided"], 1, [email("x")], "source"),
        "has not all of these requests. ": lambda: requests.add_identifiers("none", 0, [email("x")], "source"),
    }


def test_a_step_that_cannot_be_taken_is_refused_and_nothing_changed(ledger: Ledger) -> None:
    for state in ("registered", "refused"):
        registered(ledger, state, (customer(state),))
    registered(ledger, "access", (customer(1),), right="access")
    registered(ledger, "nobody")
    registered(ledger, "half", (customer(2),), ())
    decided(ledger, "decided", (customer(3),))
    decided(ledger, "lifted", (customer(4),), right="restriction")
    ledger.requests.refuse("refused")
    ledger.requests.lift("lifted", NOW)
    before = everything(ledger)

    for reason, step in steps(ledger).items():
        with pytest.raises(UsageError) as refused:
            step()
        assert reason.strip() in str(refused.value)
        assert refused.value.code == 2
        assert everything(ledger) == before, reason


@pytest.mark.parametrize(
    ("identifies", "mac"), [("email", "anna@example.nl"), ("email", "A" * 32), ("email", "a" * 33), ("anna", "a" * 32)]
)
def test_nothing_but_a_mac_gets_into_an_identifier(identifies: str, mac: str) -> None:
    with pytest.raises(ValueError, match="32 hexadecimal digits") as refused:
        Identifier(identifies, 1, mac)

    assert mac not in str(refused.value)


@pytest.mark.parametrize("ledger_url", ["sqlite"], indirect=True)
def test_many_requests_at_once_are_no_trouble(ledger: Ledger) -> None:
    many = [asked(f"R-{number}", (customer(number),)) for number in range(12_000)]

    ids = ledger.requests.register(many, "anna", NOW).request_ids
    ledger.requests.decide(ids.values(), NOW)

    assert len(ledger.requests.with_state("decided")) == len(ledger.suppressions.live()) == 12_000
    assert len(ledger.requests.known([*ids, "R-?"])) == 12_000


def test_two_who_register_at_once_both_succeed_and_no_reference_is_taken_twice(ledger_url: sa.URL) -> None:
    open_ledger(ledger_url)

    def register(actor: str) -> dict[str, str]:
        requests, taken = open_ledger(ledger_url).requests, {}
        for number in range(20):
            taken |= requests.register([asked(f"R-{number}", (customer(number),))], actor, NOW).request_ids
        return taken

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(register, ["anna", "bert"])

    assert len(one) + len(other) == 20
    assert {request.reference: request.request_id for request in open_ledger(ledger_url).requests.list()} == one | other
