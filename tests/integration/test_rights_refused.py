"""What cannot be done about somebody's rights is refused in words, with its code; nothing changes, no value is told."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable

import pytest

from privacy.errors import StalePlanError
from tests.conftest import Outcome, Place
from tests.rights_shop import (
    ANNA,
    BOB,
    CARLA,
    DORA,
    GUESTS,
    apply,
    ask,
    asked,
    erase,
    in_ledger,
    plan,
    run,
    sluis,
    state_of,
    states,
    totals,
)

TABLES = ("request", "identifier", "suppression", "plan", "approval", "receipt")


def remembered(place: Place) -> list[list[tuple[object, ...]]]:
    """Give all that the ledger remembers of people: all but that somebody tried."""
    return [in_ledger(place, f"select * from {table} order by 1, 2") for table in TABLES]


@pytest.fixture(scope="module")
def busy(rights_once: Place, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Give a shop with requests: one that waits, one applied, two that only hold back, one of them over."""
    made = Place(tmp_path_factory.mktemp("busy") / "shop")
    shutil.copytree(rights_once.folder, made.folder)
    erase(made, "AVG-1", f"buyer_id={DORA}")
    asked(made, "ART18-1", f"buyer_id={BOB}", right="restrict")
    asked(made, "ART21-1", f"buyer_id={BOB}", right="object")
    assert sluis(made, "object", "withdraw", "--reference", "ART21-1").exit_code == 0
    asked(made, "AVG-2", f"email={GUESTS}")
    return made


# ── subject files ─────────────────────────────────────────────────────────────────────────────────────────────────

FILES = {
    "no sign": (["buyer_id=710000001", "anna.kanarie@example.com"], ["line 2: has no sign ="]),
    "unknown column": (["# who asks", "klant=710000001"], ["line 2: begins with no column by which the policy finds"]),
    "another's column": (["total=710000001.50"], ["line 1: begins with no column"]),
    "nobody": (["", "buyer_id="], ["line 2: names nobody"]),
    "no address": (["email=anna.kanarie"], ["line 1: is no e-mail address"]),
    "two addresses": (["email=anna.kanarie@example.com, bob.kanarie@example.org"], ["line 1: is no e-mail address"]),
    "several": (["email=kanarie", "buyer_id=710000001", "kanarie"], ["line 1: is no e-mail", "line 3: has no sign"]),
    "empty": (["", "# nobody yet"], ["it names nobody"]),
    "unknown number": (["buyer_id=799999999"], ["the source and the warehouse have nothing of person 1"]),
    "no number": (["buyer_id=kanarie"], ["nothing of person 1"]),
    "unknown address": (["buyer_id=710000001", "email=kanarie@nergens.example"], ["nothing of person 2"]),
}
"""Lines of a subject file, and what is said of them."""


@pytest.mark.parametrize(("lines", "told"), FILES.values(), ids=FILES)
def test_a_subject_file_that_is_wrong_is_told_by_its_lines_which_are_never_quoted(
    busy: Place, lines: list[str], told: list[str]
) -> None:
    before = state_of(busy)

    outcome = ask(busy, "AVG-9", *lines)

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (2, "usage"), outcome.said
    message = outcome.json["error"]["message"]
    assert all(words in message for words in told), message
    assert outcome.json == {"error": {"code": 2, "kind": "usage", "message": message}}
    assert "othing was changed" in message
    assert not [value for value in ("kanarie", "710000001", "799999999") if value in outcome.said]
    assert state_of(busy) == before


def test_a_subject_file_that_is_not_there_is_named(busy: Place) -> None:
    outcome = sluis(busy, "erase", "request", "--subject-file", "nowhere", "--reference", "AVG-9")

    assert outcome.exit_code == 2
    assert "--subject-file nowhere cannot be read (FileNotFoundError)" in outcome.json["error"]["message"]


def test_a_subject_file_can_be_standard_input(shop: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"# by letter\n\nbuyer_id = {ANNA}\n"))

    outcome = sluis(shop, "erase", "request", "--subject-file", "-", "--reference", "AVG-1")

    assert (outcome.exit_code, outcome.json["people"], outcome.json["state"]) == (0, 1, "registered")


# ── requests ──────────────────────────────────────────────────────────────────────────────────────────────────────

Refused = tuple[tuple[str, ...], tuple[int, str], str]

STEPS: dict[str, Refused] = {
    "an erasure lifted": (("restrict", "lift", "--reference", "AVG-1"), (2, "usage"), "This request is no restriction"),
    "an erasure withdrawn": (("object", "withdraw", "--reference", "AVG-1"), (2, "usage"), "is no objection"),
    "a restriction withdrawn": (("object", "withdraw", "--reference", "ART18-1"), (2, "usage"), "is no objection"),
    "an objection lifted": (("restrict", "lift", "--reference", "ART21-1"), (2, "usage"), "is no restriction"),
    "withdrawn twice": (("object", "withdraw", "--reference", "ART21-1"), (2, "usage"), "is lifted already"),
    "unknown lifted": (("restrict", "lift", "--reference", "AVG-8"), (2, "usage"), "No request has this reference"),
    "unknown planned": (("erase", "plan", "--reference", "AVG-8"), (2, "usage"), "No request has this reference"),
    "applied planned": (("erase", "plan", "--reference", "AVG-1"), (2, "usage"), "is applied; there is nothing to"),
    "ended planned": (("erase", "plan", "--reference", "ART21-1"), (2, "usage"), "is lifted; there is nothing to"),
    "unknown verified": (("erase", "verify", "--reference", "AVG-8"), (2, "usage"), "No request has this reference"),
    "restriction verified": (("erase", "verify", "--reference", "ART18-1"), (2, "usage"), "one for restriction"),
    "waiting verified": (("erase", "verify", "--reference", "AVG-2"), (1, "verification"), "it is registered"),
    "waiting answered": (("erase", "answer", "--reference", "AVG-2"), (2, "usage"), "is registered; an applied"),
    "restriction answered": (("erase", "answer", "--reference", "ART18-1"), (2, "usage"), "This request for restric"),
    "unknown plan applied": (("erase", "apply", "--plan", "0f" * 32), (2, "usage"), "no plan with this hash"),
    "unknown plan approved": (("approve", "--plan", "0f" * 32), (2, "usage"), "no plan with this hash"),
}


@pytest.mark.parametrize(("step", "code", "told"), STEPS.values(), ids=STEPS)
def test_a_step_that_a_request_cannot_take_is_refused(
    busy: Place, step: tuple[str, ...], code: tuple[int, str], told: str
) -> None:
    before = state_of(busy)

    outcome = sluis(busy, *step)

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == code, outcome.said
    assert outcome.json["error"]["code"] == outcome.exit_code
    assert told in outcome.json["error"]["message"]
    assert outcome.json["error"]["message"].splitlines()[0] in outcome.stderr
    assert state_of(busy) == before


@pytest.mark.parametrize("reference", ["  ", "anna.kanarie@example.com", "AVG\n9", "9" * 101])
@pytest.mark.parametrize("right", ["erase", "restrict", "object"])
def test_a_reference_is_a_number_and_tells_of_nobody(busy: Place, reference: str, right: str) -> None:
    before = state_of(busy)

    outcome = ask(busy, reference, f"buyer_id={ANNA}", right=right)

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (2, "usage")
    assert "--reference is the number of a request, at most 100 characters; nobody's name or address." in outcome.said
    assert "kanarie" not in outcome.said
    assert state_of(busy) == before


@pytest.mark.parametrize("reference", ["AVG-1", " AVG-2 ", "ART18-1"])
@pytest.mark.parametrize("right", ["erase", "restrict", "object"])
def test_a_reference_is_given_once(busy: Place, reference: str, right: str) -> None:
    before = state_of(busy)

    outcome = ask(busy, reference, f"buyer_id={ANNA}", right=right)

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (2, "usage")
    assert "--reference: another request has it. Nothing was changed." in outcome.said
    assert state_of(busy) == before


def test_where_nothing_waits_there_is_nothing_to_plan(shop: Place) -> None:
    before = state_of(shop)

    outcome = sluis(shop, "erase", "plan")

    assert outcome.exit_code == 2
    assert "No request waits to be applied. `sluis erase list` shows all." in outcome.said
    assert state_of(shop) == before


def test_before_anything_is_published_nothing_can_leave(shop: Place) -> None:
    for file in shop.folder.glob("warehouse*"):
        file.unlink()
    asked(shop, "AVG-1", f"buyer_id={ANNA}")

    outcome = sluis(shop, "erase", "plan")

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (3, "store")
    assert "nothing is published yet" in outcome.json["error"]["message"]
    run(shop)
    assert not {1, 2, 3, 4, 14} & totals(shop), "the first run publishes without them"


# ── plans ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def another_run(place: Place) -> None:
    place.change_policy("apply_at_most: 3", "apply_at_most: 0")
    run(place)
    place.change_policy("apply_at_most: 0", "apply_at_most: 3")


def a_restriction(place: Place) -> None:
    asked(place, "ART18-1", f"buyer_id={CARLA}", right="restrict")


def another_policy(place: Place) -> None:
    place.change_policy("Says nothing of anybody.", "Says nothing of anybody at all.")


def applied_by_a_run(place: Place) -> None:
    run(place)


def applied_itself(place: Place) -> None:
    (planned,) = in_ledger(place, "select plan_hash from plan")
    assert apply(place, str(planned[0])).exit_code == 0


@pytest.mark.parametrize(
    ("happens", "told"),
    [
        (another_run, "has changed since"),
        (a_restriction, "has changed since"),
        (another_policy, "has changed since"),
        (applied_by_a_run, "a request of it is applied or over"),
        (applied_itself, "it was applied already"),
    ],
)
def test_a_plan_is_stale_once_something_else_has_happened(
    shop: Place, happens: Callable[[Place], None], told: str
) -> None:
    asked(shop, "AVG-1", f"buyer_id={ANNA}")
    planned = plan(shop)["plan_hash"]
    happens(shop)
    before, known = shop.fingerprint(), remembered(shop)

    outcome = apply(shop, planned)

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (StalePlanError.code, "stale"), outcome.said
    assert told in outcome.json["error"]["message"]
    assert (shop.fingerprint(), remembered(shop)) == (before, known)


def test_what_happens_in_the_shop_makes_no_plan_stale_nor_does_a_request_of_somebody_else(shop: Place) -> None:
    asked(shop, "AVG-1", f"buyer_id={ANNA}")
    planned = plan(shop)
    shop.change_source("delete from line", "alter table sale add column discount integer")
    shop.source.rename(shop.source.with_name("moved.away"))
    asked(shop, "AVG-2", f"email={GUESTS}")
    assert plan(shop, "--reference", "AVG-1")["plan_hash"] == planned["plan_hash"]

    outcome = apply(shop, planned["plan_hash"])

    assert outcome.exit_code == 0, outcome.said
    assert states(shop) == {"AVG-1": "applied", "AVG-2": "registered"}
    assert {11, 12} <= totals(shop)


# ── more people than a run takes out by itself ────────────────────────────────────────────────────────────────────


@pytest.fixture
def many(shop: Place) -> Place:
    """Let Rita register requests of four people, where a run takes out three by itself."""
    asked(shop, "AVG-1", f"buyer_id={ANNA}", f"buyer_id={BOB}", SLUIS_ACTOR="rita")
    asked(shop, "AVG-2", f"buyer_id={CARLA}", f"email={GUESTS}", SLUIS_ACTOR="rita")
    return shop


def approve(place: Place, plan_hash: str, actor: str) -> Outcome:
    return sluis(place, "approve", "--plan", plan_hash, SLUIS_ACTOR=actor)


def test_more_people_than_a_run_takes_out_wait_until_somebody_else_approves(many: Place) -> None:
    record = run(many)
    assert record.requests == {"applied": 0, "pending": 2}
    assert [w for w in record.warnings if "wait for approval, of more than 3 people together: 2" in w]
    assert totals(many) == {*range(1, 15)}
    assert states(many) == {"AVG-1": "registered", "AVG-2": "registered"}
    planned = plan(many)
    assert (planned["people"], planned["approvals_needed"]) == (4, 1)
    before, known = many.fingerprint(), remembered(many)

    refused = apply(many, planned["plan_hash"])
    own = approve(many, planned["plan_hash"], "petra")

    for outcome in (refused, own):
        assert (outcome.exit_code, outcome.json["error"]["kind"]) == (5, "approval"), outcome.said
    assert "1 approvals by others than those who asked are needed, and 0 given" in refused.json["error"]["message"]
    assert "Whoever made a plan cannot approve it" in own.json["error"]["message"]
    assert (many.fingerprint(), remembered(many)) == (before, known)
    assert approve(many, planned["plan_hash"], "rita").exit_code == 0
    assert apply(many, planned["plan_hash"]).exit_code == 5, "whoever asked has approved nothing by that"
    told = approve(many, planned["plan_hash"], "otto").json["approved_by"]
    assert told == ["rita (stated)", "otto (stated)"]

    outcome = apply(many, planned["plan_hash"])

    assert outcome.exit_code == 0, outcome.said
    assert outcome.json["requests"]["applied"] == 2
    assert totals(many) == {8, 10, 13}, "what a guest bought under an address of two accounts belongs to neither"
    assert states(many) == {"AVG-1": "applied", "AVG-2": "applied"}
    late = approve(many, planned["plan_hash"], "olga")
    assert (late.exit_code, late.json["error"]["kind"]) == (5, "stale")


def test_as_many_as_a_run_takes_out_need_nobody(shop: Place) -> None:
    asked(shop, "AVG-1", f"buyer_id={ANNA}", f"buyer_id={BOB}", f"email={GUESTS}")

    assert plan(shop)["approvals_needed"] == 0
    assert run(shop).requests == {"applied": 1, "pending": 0}


def test_a_plan_of_deletions_in_the_shop_is_none_of_an_erasure(shop: Place) -> None:
    in_ledger(
        shop, "insert into plan values (?, 'source_deletion', '2026-01-01 00:00:00', 'olga', '{}', null)", "ab" * 32
    )

    outcome = apply(shop, "ab" * 32)

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (2, "usage")
    assert "this plan is not one of an erasure" in outcome.json["error"]["message"]
