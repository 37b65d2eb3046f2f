"""`sluis plan`: what a run would do, before it does; nothing is written, and whatever decides the outcome shows."""

from __future__ import annotations

import contextlib
import datetime
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from privacy.evidence import COUNTED
from stores.lock import exclusive
from tests.conftest import Command, Outcome, Place, run_in_process
from tests.integration.test_keyring import roots

COUNTS = ("extracted", *(fate.word for fate in COUNTED), "held", "unlinked", "quarantine_reasons")


def plan(place: Place, *flags: str, **more: str) -> Outcome:
    """Ask for a plan as JSON; no server is needed."""
    return run_in_process("plan", "--output", "json", *flags, **{**place.environment, **more})


def counts(tables: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: {word: table[word] for word in COUNTS} for name, table in tables.items()}


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Give every file of a folder: when it was changed, and what is in it."""
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


# ── what it foretells ─────────────────────────────────────────────────────────────────────────────────────────────

DIRT = (
    "insert into sale values (7, 99, null, '2020-01-01T00:00:00+01:00', 1, 'web', null)",
    "insert into line values (6, 7, 'ART-1', 1)",
)

GUESTS = """\
  guest:
    publish_as: guests
    meaning: Who buys without being known.
    purpose: sales
    legal_basis: contract
    subject: {who: guest, found_by: [{column: guest_id, identifies: email}]}
    primary_key: guest_id
    retention: {keep_at_most: 7 years, after: first_sold_on, because: As long as the sales.}
    derived: {from: sale, where_null: buyer_id, one_row_per: guest_id}
    columns:
      guest_id: {from: email, type: text, role: direct_identifier, treatment: {kind: pseudonymize, domain: guest}}
      first_sold_on: {from: sold_at, type: timestamp, role: quasi_identifier, treatment: {kind: generalize, to: day}}
  line:
"""


def test_it_gives_the_counts_that_the_run_then_gives(place: Place, run: Command) -> None:
    place.change_policy("  line:\n    publish_as", GUESTS + "    publish_as")
    place.change_policy("rows: 1}", "rows: 9}")
    place.change_source(
        *DIRT,
        "insert into sale values (8, null, 'guest.canary@EXAMPLE.com ', '2009-01-01T00:00:00+01:00', 1, 'web', null)",
        "insert into sale values (9, null, 'old.canary@example.com', '2009-01-01T00:00:00+01:00', 1, 'web', null)",
        "insert into sale values (10, null, 'new.canary@example.com', '2999-01-01T00:00:00+01:00', 1, 'web', null)",
    )

    foretold, done = plan(place), run()

    assert (foretold.exit_code, done.exit_code) == (0, 0), foretold.said + done.said
    assert counts(foretold.json["tables"]) == counts(done.json["tables"])
    assert foretold.json["warnings"] == done.json["warnings"]
    guests = foretold.json["tables"]["guests"]
    assert [guests[word] for word in ("extracted", "published", "expired", "quarantined")] == [3, 1, 1, 1]
    expiries = guests["expiries"]
    assert sum(expiries["months"].values()) + expiries["later"] + expiries["no_clock"] == 1


def test_it_tells_what_happens_to_each_column_and_why(place: Place) -> None:
    sales = plan(place).json["tables"]["sales"]

    assert sales["source"] == "sale"
    assert sales["retention"] == "7 years after sold_at"
    assert sales["columns"]["total"] == {"treatment": "keep", "role": "quasi_identifier", "because": "Turnover."}
    assert sales["columns"]["guest_id"]["treatment"] == "pseudonymize, domain: guest"


def test_it_tells_the_months_in_which_rows_leave(place: Place) -> None:
    sold = datetime.date.today().year - 1

    far = plan(place).json["tables"]["sales"]["expiries"]
    near = plan(place, "--as-of", f"{sold + 6}-12-31").json["tables"]["sales"]["expiries"]

    assert (sum(far["months"].values()), far["later"], far["no_clock"]) == (0, 5, 0)
    assert {month: rows for month, rows in near["months"].items() if rows} == {f"{sold + 7}-03": 5}
    assert (next(iter(near["months"])), near["later"]) == (f"{sold + 7}-01", 0)


def test_more_quarantine_than_the_policy_allows_is_foretold(place: Place, run: Command) -> None:
    place.change_source(*DIRT, DIRT[0].replace("(7", "(8"))

    foretold, done = plan(place, "--strict"), run()

    assert (foretold.exit_code, done.exit_code) == (6, 1)
    assert "sales: the gate would refuse 2 rows in quarantine; 1 are allowed" in foretold.json["warnings"]


@pytest.mark.parametrize("command", ["plan", "run"])
def test_why_rows_are_set_aside_is_said_where_they_are_counted(command: str, place: Place, sluis: Command) -> None:
    place.change_source("update sale set sold_at = '2020-01-01 00:00:00' where sale_id < 3")

    outcome = sluis(command, **place.environment)

    assert "set aside of sales: 2, sold_at: not of its declared type\n" in outcome.said


# ── what it leaves alone ──────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_written_and_no_ledger_is_made(place: Place) -> None:
    before = files(place.folder)

    outcome = plan(place)

    assert outcome.exit_code == 0, outcome.said
    assert outcome.json["changes"] == ["nothing is published yet"]
    assert files(place.folder) == before


def test_nothing_is_written_after_a_run_either(published: Place) -> None:
    before = files(published.folder)

    assert plan(published).json["changes"] == []
    assert files(published.folder) == before


def test_it_needs_no_lock(published: Place) -> None:
    with exclusive(published.warehouse, "20260310T020000Z-first"):
        assert plan(published).exit_code == 0


def test_no_value_is_in_it(published: Place) -> None:
    for outcome in (plan(published), plan(published, "--output", "text")):
        assert outcome.exit_code == 0
        assert "canary" not in outcome.said.lower()
        assert "ART-1" not in outcome.said


# ── the hash, and the difference in words ─────────────────────────────────────────────────────────────────────────


def test_asked_twice_the_hash_is_the_same(published: Place) -> None:
    assert plan(published).json["plan_hash"] == plan(published).json["plan_hash"]


def _move(place: Place) -> Place:
    (place.folder / "elsewhere").mkdir()
    moved = Place(place.folder / "elsewhere")
    for file in (place.source, place.policy, place.keyring, place.folder / "ledger.sqlite"):
        shutil.move(file, moved.folder / file.name)
    return moved


def _other_order(place: Place) -> Place:
    place.change_source(
        "create table again as select * from line order by line_id desc",
        "delete from line",
        "insert into line select * from again",
        "drop table again",
    )
    return place


def _never_read(place: Place) -> Place:
    place.change_source("update sale set note = 'other words'", "insert into audit values (2, 'looked again')")
    return place


def _remark(place: Place) -> Place:
    place.change_policy("time_zone:", "# a remark\ntime_zone:")
    return place


@pytest.mark.parametrize("change", [_move, _other_order, _never_read, _remark])
def test_what_makes_no_difference_to_the_outcome_does_not_change_the_hash(
    change: Callable[[Place], Place], published: Place
) -> None:
    before = plan(published).json["plan_hash"]

    changed = change(published)

    assert plan(changed).json["plan_hash"] == before


def _new_column(place: Place) -> None:
    place.change_source("alter table sale add column coupon text")
    place.change_policy(
        "      note: {type: text",
        "      coupon: {type: text, role: sensitive, treatment: suppress}\n      note: {type: text",
    )


def _rotated(place: Place) -> None:
    assert run_in_process("keys", "rotate", **place.environment).exit_code == 0


FILE_CHANGED = "policy: its file or a function that it names was changed, and still says version test"

DIFFERENCES: dict[str, tuple[Callable[[Place], Any], list[str]]] = {
    "an added row": (
        lambda place: place.change_source("insert into line values (9, 1, 'ART-1', 1)"),
        ["lines: rows extracted 5 → 6 (+1), published 4 → 5 (+1)"],
    ),
    "a row less": (
        lambda place: place.change_source("delete from line where line_id = 1"),
        ["lines: rows extracted 5 → 4 (-1), published 4 → 3 (-1)"],
    ),
    "a changed value": (
        lambda place: place.change_source("update sale set total = 10.11 where sale_id = 1"),
        ["sales: as many rows as before, but values of the columns that are read have changed"],
    ),
    "a value that is empty now": (
        lambda place: place.change_source("update sale set channel = null where sale_id = 1"),
        ["sales: as many rows as before, but values of the columns that are read have changed"],
    ),
    "a new column": (_new_column, [FILE_CHANGED, "sales.coupon: a new column (suppress)"]),
    "a changed treatment": (
        lambda place: place.change_policy("to: day}}\n    never_extracted", "to: month}}\n    never_extracted"),
        [FILE_CHANGED, "buyers.joined_at: generalize, to: day → generalize, to: month"],
    ),
    "a shorter period": (
        lambda place: place.change_policy(
            "keep_at_most: 7 years, after: sold_at", "keep_at_most: 6 years, after: sold_at"
        ),
        [FILE_CHANGED, "sales: retention: 7 years after sold_at → 6 years after sold_at"],
    ),
    "another key": (_rotated, ["key: "]),
}


@pytest.mark.parametrize("what", DIFFERENCES)
def test_what_makes_a_difference_changes_the_hash_and_is_said_in_words(what: str, published: Place) -> None:
    change, words = DIFFERENCES[what]
    before = plan(published).json["plan_hash"]

    change(published)
    after = plan(published)

    assert after.exit_code == 0, after.said
    assert after.json["plan_hash"] != before
    assert len(after.json["changes"]) == len(words)
    assert all(said.startswith(word) for said, word in zip(after.json["changes"], words, strict=True)), after.json[
        "changes"
    ]


def test_the_day_is_part_of_the_hash(published: Place) -> None:
    assert plan(published, "--as-of", "2026-03-10").json["plan_hash"] != plan(published).json["plan_hash"]


def test_after_the_next_run_the_difference_is_gone(published: Place, run: Command) -> None:
    published.change_source("update sale set total = 10.11 where sale_id = 1")
    assert plan(published).json["changes"] != []

    assert run().exit_code == 0

    assert plan(published).json["changes"] == []


def test_a_refused_run_is_not_what_a_plan_is_compared_with(published: Place, run: Command) -> None:
    words = "because: Says nothing of anybody."
    published.change_policy(words, words + ", promises: [{kind: not_null}]")
    assert run().exit_code == 1

    assert plan(published).json["changes"] == [FILE_CHANGED]


# ── what stops it ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_drift_is_told_as_check_tells_it(published: Place) -> None:
    published.change_source("alter table sale add column coupon text")

    foretold, checked = plan(published), run_in_process("check", "--output", "json", **published.environment)

    assert (foretold.exit_code, foretold.json) == (4, checked.json)
    assert foretold.json["drift"] == [{"kind": "new_column", "table": "sale", "column": "coupon"}]


def test_a_damaged_ledger_stops_it_and_stays_as_it_is(published: Place) -> None:
    ledger = published.folder / "ledger.sqlite"
    ledger.write_bytes(b"x" * 9000)

    outcome = plan(published)

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (3, "store")
    assert "ledger: the file is damaged, or is no database." in outcome.said
    assert ledger.read_bytes() == b"x" * 9000


def test_a_ledger_of_an_older_version_can_be_compared_with(published: Place) -> None:
    with contextlib.closing(sqlite3.connect(published.folder / "ledger.sqlite")) as connection, connection:
        ((record,),) = connection.execute("select record from run").fetchall()
        older = {key: value for key, value in json.loads(record).items() if key not in ("outline", "content")}
        connection.execute("update run set record = ?", [json.dumps(older)])

    assert plan(published).json["changes"] == [
        "treatments: the last run did not note its own, so they cannot be compared"
    ]


# ── text, and the sample ──────────────────────────────────────────────────────────────────────────────────────────


def test_text_shows_columns_rows_months_changes_and_the_hash(published: Place) -> None:
    said = plan(published, "--output", "text").stdout

    for part in (
        "sales · from sale · 7 years after sold_at",
        "pseudonymize, domain:",
        "Turnover.",
        "nothing has changed",
    ):
        assert part in said
    assert f"Plan {plan(published).json['plan_hash']}" in said
    assert f"{datetime.date.today():%Y}-" in said.split("Rows that leave on the first of")[1]


def test_a_sample_needs_a_policy_only_and_shows_invented_rows(place: Place) -> None:
    secret = roots(place.keyring)["analytics"].hex()
    nowhere = {name: "" for name in place.environment if name != "SLUIS_POLICY"}
    place.source.unlink()

    outcome = plan(place, "--sample", "2", **nowhere)
    text = plan(place, "--sample", "2", "--output", "text", **nowhere)

    assert (outcome.exit_code, text.exit_code) == (0, 0), outcome.said
    assert {name: len(rows) for name, rows in outcome.json["sample"].items()} == {"buyers": 2, "sales": 2, "lines": 2}
    first = outcome.json["sample"]["buyers"][0]
    assert "@" in first["email"]["before"]
    assert first["name"]["after"] is None
    assert first["birth_date"]["after"].count("-") == 1 or first["birth_date"]["after"].endswith("+")
    assert "Invented rows, treated under a key that everybody knows." in text.stdout
    assert "canary" not in outcome.said.lower()
    assert secret not in outcome.said
