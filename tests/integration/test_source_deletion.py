"""`sluis retention apply --apply-to-source`: what an approved plan says goes, in its order, and nothing else."""

from __future__ import annotations

import contextlib
import datetime
import json
import sqlite3
from typing import Any

import pyarrow as pa
import pytest

from privacy.errors import StalePlanError
from privacy.subjects import macs_of
from stores import source_deletion
from stores.keyring_file import read_keyring
from stores.ledger import Ledger, open_ledger
from stores.ledger.identifiers import Identifier
from stores.ledger.request import NewRequest
from stores.opening import open_source_for_deletion
from stores.settings import database_url
from tests.conftest import Outcome, Place, run_in_process
from tests.kept_shop import THIS_YEAR, TODAY, applied, approve, contents, deleted, hold, keep, now, planned


def ledger(place: Place) -> Ledger:
    return open_ledger(database_url("ledger", place.environment))


def refused(outcome: Outcome) -> tuple[int, str, str]:
    error = outcome.json["error"]
    return outcome.exit_code, error["kind"], error["message"]


def without(rows: list[tuple[Any, ...]], *keys: int) -> list[tuple[Any, ...]]:
    return [row for row in rows if row[0] not in keys]


# --- what goes


def test_what_the_plan_says_goes_and_every_other_row_stays_as_it_is(place: Place) -> None:
    keep(place)
    before = contents(place)

    done = deleted(place)

    assert done.exit_code == 0, done.said
    assert done.json["source"] == {
        "line": {"before": 5, "removed": 1, "after": 4},
        "sale": {"before": 6, "removed": 1, "after": 5},
        "buyer": {"before": 3, "removed": 1, "after": 2},
    }
    assert contents(place) == before | {
        "line": without(before["line"], 5),
        "sale": without(before["sale"], 5),
        "buyer": without(before["buyer"], 3),
    }
    assert now(place) == {"line": 0, "sale": 0, "buyer": 0}


def test_the_bytes_of_what_is_deleted_leave_the_file(place: Place) -> None:
    keep(place)
    place.change_source("insert into line select line_id + 100, 5, 'GONE-' || line_id, 1 from line")
    place.change_source("pragma journal_mode = wal", "update buyer set name = 'Carl Gone' where buyer_id = 3")

    assert deleted(place).exit_code == 0

    left = b"".join(path.read_bytes() for path in place.folder.glob("shop.sqlite*"))
    assert b"GONE-" not in left and b"Carl Gone" not in left
    assert b"Anna Canary" in left


def test_children_go_before_their_parents(place: Place) -> None:
    keep(place)
    place.change_source(
        *(
            f"create trigger {table}_gone after delete on {table} begin insert into audit values (null, '{table}'); end"
            for table in ("buyer", "sale", "line")
        )
    )

    assert deleted(place).exit_code == 0

    assert [what for _, what in contents(place)["audit"][1:]] == ["line", "sale", "buyer"]


def test_it_gives_a_receipt_and_notes_that_the_plan_was_carried_out(place: Place) -> None:
    keep(place)

    done = deleted(place).json

    (receipt,) = ledger(place).receipts.all()
    body = json.loads(receipt.body)
    assert (receipt.receipt_id, body["kind"]) == (done["receipt_id"], "source_deletion")
    assert (body["tables"], body["proof"]) == (done["source"], {"planned_and_left": 0})
    assert ledger(place).plans.get(done["plan_hash"]).applied_at
    assert refused(applied(place, done["plan_hash"])) == (
        2,
        "usage",
        "This plan has been carried out already; `sluis retention plan` makes a new one.",
    )


def test_as_text_it_says_what_is_gone(place: Place) -> None:
    keep(place)
    plan_hash = planned(place).json["plan_hash"]
    approve(place, plan_hash, "olga")

    said = run_in_process("retention", "apply", "--apply-to-source", "--plan", plan_hash, **place.environment).stdout

    assert "Deleted 3 rows in the source. Receipt " in said


def test_a_run_reads_the_source_as_before_afterwards(place: Place) -> None:
    keep(place)
    assert deleted(place).exit_code == 0

    found = run_in_process("plan", "--output", "json", **place.environment)

    assert found.exit_code == 0, found.said
    assert found.json["tables"]["sales"]["expired"] == 0


# --- what is refused


def test_nothing_goes_without_a_plan(place: Place) -> None:
    keep(place)

    assert refused(applied(place, None)) == (
        2,
        "usage",
        "--plan is missing: nothing is deleted in the source without a plan.\n  Make one with `sluis retention plan`.",
    )


def test_a_plan_that_nobody_made_is_none(place: Place) -> None:
    keep(place)

    assert refused(applied(place, "0" * 64)) == (
        2,
        "usage",
        "The ledger has no plan with this hash; write it in full, as it was told when planned.",
    )


def test_a_plan_of_another_kind_is_none(place: Place) -> None:
    keep(place)
    ledger(place).plans.save("1" * 64, "erasure", {}, "petra", datetime.datetime.now(datetime.UTC))

    assert refused(applied(place, "1" * 64)) == (
        2,
        "usage",
        "This is no plan of a deletion in the source; `sluis retention plan` makes one.",
    )


def test_a_plan_without_the_flag_and_a_day_with_it_are_refused(place: Place) -> None:
    keep(place)

    without = run_in_process("retention", "apply", "--plan", "0" * 64, "--output", "json", **place.environment)
    day = ("--as-of", "2999-01-01", "--plan", "0" * 64, "--output", "json")
    moved = run_in_process("retention", "apply", "--apply-to-source", *day, **place.environment)

    assert refused(without) == (
        2,
        "usage",
        "--plan is of a deletion in the source.\n  Give --apply-to-source as well, or leave it out.",
    )
    assert refused(moved) == (
        2,
        "usage",
        "--as-of: a plan says of which day it is.\n  Leave --as-of out; plan for another day with it.",
    )


def test_without_the_flag_what_has_expired_leaves_the_warehouse_and_the_source_is_not_even_needed(
    published: Place,
) -> None:
    before = contents(published)
    moved = published.source.rename(published.folder / "elsewhere")

    done = run_in_process(
        "retention", "apply", "--as-of", f"{THIS_YEAR + 7}-01-01", "--output", "json", **published.environment
    )

    assert done.exit_code == 0, done.said
    assert published.rows("select count(*) from analytics.sales") == [(0,)]
    moved.rename(published.source)
    assert contents(published) == before


def test_a_policy_without_rules_for_the_source_deletes_nothing(place: Place) -> None:
    assert refused(applied(place, "0" * 64)) == (
        2,
        "policy",
        f"{place.policy}: it has no section source, so that nothing may be deleted there.\n"
        "  Say under source how long the rows of each table must stay; see docs/policy.md.",
    )


def test_while_a_question_of_the_law_is_unanswered_nothing_goes(place: Place) -> None:
    keep(place)
    line = place.change_policy("one_stop_shop: no", "one_stop_shop: unanswered")
    before = contents(place)

    assert refused(deleted(place)) == (
        2,
        "policy",
        f"{place.policy}:{line}: source.one_stop_shop: is unanswered, and the rules for sale depend on it; let counsel "
        "say no, or for how many calendar years (10 years).\n  Until then nothing is deleted in the source.",
    )
    assert contents(place) == before


def test_a_question_on_which_no_table_depends_may_stay_unanswered(place: Place) -> None:
    keep(place)
    place.change_policy("one_stop_shop: no", "one_stop_shop: unanswered")
    place.change_policy(", supplied: sold_at", "")

    assert deleted(place).exit_code == 0


@pytest.mark.parametrize(("actors", "given"), [((), 0), (("olga",), 1)])
def test_too_few_approvals_are_told(place: Place, actors: tuple[str, ...], given: int) -> None:
    keep(place)
    place.change_policy(
        "tables:\n  buyer:\n    publish_as", "approvals: {source_deletion: 2}\ntables:\n  buyer:\n    publish_as"
    )
    plan_hash = planned(place).json["plan_hash"]
    approve(place, plan_hash, *actors)
    before = contents(place)

    assert refused(applied(place, plan_hash)) == (
        5,
        "approval",
        f"The deletion in the source needs 2 approvals by others than whoever planned it, and has {given}.\n"
        f"  Let somebody else run `sluis approve --plan {plan_hash}`.",
    )
    assert contents(place) == before


def test_nobody_approves_what_they_planned(place: Place) -> None:
    keep(place)
    plan_hash = planned(place).json["plan_hash"]

    with pytest.raises(Exception, match="Whoever made a plan cannot approve it"):
        approve(place, plan_hash, "petra")

    assert applied(place, plan_hash, SLUIS_ACTOR="olga").exit_code == 5


STALE = (
    5,
    "stale",
    "The source, the policy, the keys or what is protected changed since this plan was made: other rows would go now.\n"
    "  Make a new plan with `sluis retention plan`, and have it approved.",
)


@pytest.mark.parametrize(
    "change",
    [
        "update sale set sold_at = '2999-01-01T12:00:00+01:00' where sale_id = 5",
        "insert into sale values (7, null, null, '2001-01-01T12:00:00+01:00', 1, 'web', null)",
        "insert into sale select 7, 3, email, sold_at, total, channel, note from sale where sale_id = 1",
        "delete from line where line_id = 5",
    ],
    ids=["a clock moved", "a row more may go", "a child came", "a row is gone"],
)
def test_a_plan_is_stale_once_other_rows_would_go(place: Place, change: str) -> None:
    keep(place)
    plan_hash = planned(place).json["plan_hash"]
    approve(place, plan_hash, "olga")
    place.change_source(change)
    before = contents(place)

    assert refused(applied(place, plan_hash)) == STALE
    assert contents(place) == before


def test_a_plan_is_stale_under_another_policy(place: Place) -> None:
    keep(place)
    plan_hash = planned(place).json["plan_hash"]
    approve(place, plan_hash, "olga")
    place.change_policy("because: Tax administration.", "because: Tax law.")

    assert refused(applied(place, plan_hash)) == STALE


def test_an_order_more_spoils_no_plan(place: Place) -> None:
    keep(place)
    plan_hash = planned(place).json["plan_hash"]
    approve(place, plan_hash, "olga")
    place.change_source(f"insert into sale values (7, 1, null, '{TODAY}T00:00:00+01:00', 1, 'web', null)")

    assert applied(place, plan_hash).exit_code == 0


def test_a_plan_of_a_day_to_come_is_not_carried_out(place: Place) -> None:
    keep(place)
    plan_hash = planned(place, "--as-of", f"{TODAY + datetime.timedelta(days=1)}").json["plan_hash"]
    approve(place, plan_hash, "olga")

    assert refused(applied(place, plan_hash)) == (
        2,
        "usage",
        "This plan is of a day to come, on which more may be deleted than today.\n"
        "  Plan without --as-of, or wait for that day.",
    )


def test_a_plan_of_an_earlier_day_is_carried_out_as_of_that_day(place: Place) -> None:
    keep(place)
    place.change_source(f"insert into sale values (7, null, null, '{THIS_YEAR - 8}-05-01T00:00:00+02:00', 1, '', null)")
    plan_hash = planned(place, "--as-of", f"{THIS_YEAR - 1}-12-31").json["plan_hash"]
    approve(place, plan_hash, "olga")

    assert applied(place, plan_hash).json["source"]["sale"]["removed"] == 1
    assert now(place)["sale"] == 1


# --- what is protected


def test_a_hold_that_is_placed_after_the_plan_makes_it_stale_and_keeps_its_record(place: Place) -> None:
    keep(place)
    hold(place)
    plan_hash = planned(place).json["plan_hash"]
    approve(place, plan_hash, "olga")
    place.change_source("insert into dispute values (null, 'M-1', 'sale', 5, '2020-01-01', null)")

    assert refused(applied(place, plan_hash)) == STALE
    done = deleted(place)
    assert {name: rows["removed"] for name, rows in done.json["source"].items()} == {"line": 0, "sale": 0, "buyer": 1}


def restrict(place: Place, identifies: str, value: object) -> None:
    """Restrict the data of somebody, as a request that was decided does."""
    keys = read_keyring(place.keyring).subjects()
    column = pa.array([value])
    mac = macs_of(column, identifies, keys.key(identifies, keys.newest))[0].as_py()  # type: ignore[arg-type]
    at = datetime.datetime.now(datetime.UTC)
    subject = (Identifier(identifies, keys.newest, mac.hex()),)
    ledger(place).requests.register(
        [NewRequest(f"R-{value}", "restriction", "command", at, at.date(), (subject,))], "petra", at
    )
    ledger(place).requests.decide([one.request_id for one in ledger(place).requests.with_state("registered")], at)


CUSTOMER = {"line": [1, 2, 3, 5], "sale": [1, 2, 5], "buyer": [1]}
GUEST = {"line": [4], "sale": [4], "buyer": []}


@pytest.mark.parametrize(
    ("identifies", "value", "theirs"),
    [("customer", 1, CUSTOMER), ("email", "guest.canary@example.com", GUEST)],
    ids=["an account", "a guest"],
)
def test_rows_of_a_person_whose_data_are_restricted_stay_with_their_children(
    place: Place, identifies: str, value: object, theirs: dict[str, list[int]]
) -> None:
    keep(place)
    place.change_source(
        "update sale set sold_at = '2001-01-01T12:00:00+01:00'", "update buyer set joined_at = '1999-01-01T12:00:00Z'"
    )
    restrict(place, identifies, value)

    found = planned(place).json["source"]
    assert {name: table["restricted"] for name, table in found.items()} == {
        name: len(keys) for name, keys in theirs.items()
    }
    assert deleted(place).exit_code == 0

    assert {name: [row[0] for row in contents(place)[name]] for name in theirs} == theirs


def test_a_restriction_that_stands_in_the_shop_alone_protects_until_it_is_lifted(place: Place) -> None:
    keep(place)
    place.change_source(
        "create table ask (ask_id integer primary key, ref text, what text, at text, state text, buyer_id integer)",
        "insert into ask values (1, 'R-1', 'restriction', '2026-01-02T12:00:00+01:00', 'open', 1)",
    )
    table = (
        "requests: {apply_at_most: 25, table: {from: ask, reference: ref, right: what, received: at, state: state, "
        "ended: [lifted], identified_by: [{column: buyer_id, identifies: customer}]}}\n"
    )
    never = "never_extracted: {audit: Not for analysts.}"
    place.change_policy(never, f"{table}never_extracted: {{audit: No., ask: No.}}")
    assert now(place) == {"line": 0, "sale": 0, "buyer": 1}

    place.change_source("update ask set state = 'lifted'")
    assert now(place) == {"line": 1, "sale": 1, "buyer": 1}


# --- what goes wrong


def test_a_deletion_that_fails_leaves_whole_batches_and_a_receipt_of_them(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(place)
    monkeypatch.setattr(source_deletion, "BATCH_KEYS", 1)
    place.change_source(
        "insert into sale values (7, null, null, '2001-01-01T12:00:00+01:00', 1, 'web', null)",
        "create trigger no before delete on sale when old.sale_id = 7 begin select raise(abort, 'Anna Canary'); end",
    )
    before = contents(place)

    failed = deleted(place)

    assert refused(failed) == (
        3,
        "store",
        "source: its own rules (a foreign key or a trigger) refuse the deletion of some rows.\n"
        "  That batch was undone, earlier ones stand; make a new plan, and see which rows still refer to them.",
    )
    assert "Canary" not in failed.said
    gone = {"line": without(before["line"], 5), "sale": without(before["sale"], 5)}
    assert contents(place) == before | gone
    (receipt,) = ledger(place).receipts.all()
    body = json.loads(receipt.body)
    assert body["proof"] == {"planned_and_left": 2}
    assert {name: rows["removed"] for name, rows in body["tables"].items()} == {"line": 1, "sale": 1, "buyer": 0}

    place.change_source("drop trigger no")
    done = deleted(place)
    assert {name: rows["removed"] for name, rows in done.json["source"].items()} == {"line": 0, "sale": 1, "buyer": 1}


def test_a_batch_that_finds_fewer_rows_is_undone(place: Place) -> None:
    before = contents(place)

    with (
        open_source_for_deletion(database_url("source", place.environment), ()) as source,
        pytest.raises(Exception, match="of 2 rows of line that were to be deleted at a time, 1 were found"),
    ):
        source_deletion.delete_rows(source, {"line": ("line_id", pa.array([5, 99]))}, {}, lambda *_: None)

    assert contents(place) == before


def test_nothing_goes_once_somebody_else_has_written_to_the_source(place: Place) -> None:
    rows = {"line": ("line_id", pa.array([5]))}
    with open_source_for_deletion(database_url("source", place.environment), ()) as source:
        place.change_source("update buyer set name = 'Anna' where buyer_id = 1")
        before = contents(place)
        with pytest.raises(StalePlanError, match="Somebody else wrote to the source meanwhile"):
            source_deletion.delete_rows(source, rows, {}, lambda *_: None)

    assert contents(place) == before


def test_a_child_that_the_shops_own_rules_protect_is_never_left_behind(place: Place) -> None:
    with (
        open_source_for_deletion(database_url("source", place.environment), ()) as source,
        pytest.raises(Exception, match="its own rules"),
    ):
        source_deletion.delete_rows(source, {"sale": ("sale_id", pa.array([5]))}, {}, lambda *_: None)

    with contextlib.closing(sqlite3.connect(place.source)) as connection:
        assert connection.execute("pragma foreign_key_check").fetchall() == []


def test_a_source_that_is_away_is_not_made(place: Place) -> None:
    keep(place)
    plan_hash = planned(place).json["plan_hash"]
    approve(place, plan_hash, "olga")
    place.source.rename(place.folder / "elsewhere")

    assert refused(applied(place, plan_hash))[:2] == (3, "store")
    assert not place.source.exists()


def test_a_run_that_holds_the_warehouse_keeps_it_out(place: Place) -> None:
    from stores.lock import exclusive

    keep(place)
    plan_hash = planned(place).json["plan_hash"]
    approve(place, plan_hash, "olga")

    with exclusive(place.warehouse, "another"):
        assert refused(applied(place, plan_hash))[:2] == (3, "lock")
