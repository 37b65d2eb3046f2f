"""Legal holds: placed by command or by the shop's own table, they keep records, count, and end."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from stores.ledger import open_ledger
from stores.ledger.schema import HOLD
from tests.conftest import Command, Outcome, Place, run_in_process

TODAY = datetime.date.today()

HOLDS = "create table held (held_id integer primary key, matter text, kind text, record {}, since text, until text)"

POLICY_OF_HOLDS = (
    "never_extracted: {audit: Not for analysts.}\n",
    "never_extracted: {audit: Not for analysts., held: Read for holds only.}\n"
    "holds: {from: held, matter: matter, table: kind, record: record, held_from: since, held_until: until}\n",
)
STAY = (
    "retention: {keep_at_most: 7 years, after: sold_at, because: The books.}\n",
    "retention: {keep_at_most: 7 years, after: sold_at, because: The books.}\n    while_held: stay\n",
)


@pytest.fixture
def shop(place: Place) -> Place:
    """Give a corner shop with a table of holds, in which sale 5 and its line have long expired."""
    place.change_source(HOLDS.format("integer"))
    place.change_policy(*POLICY_OF_HOLDS)
    place.change_policy(*STAY)
    return place


def hold(place: Place, *arguments: str, lines: str | None = None, **more: str) -> Outcome:
    """Run `sluis hold`, with a record file."""
    if lines is not None:
        file = place.folder / "records.txt"
        file.write_text(lines, encoding="utf-8")
        arguments = (*arguments, "--record-file", str(file))
    return run_in_process("hold", *arguments, "--output", "json", **{**place.environment, **more})


def entered(place: Place, *rows: tuple[Any, ...]) -> None:
    """Put rows of matter, table, record, beginning and end into the shop's own table."""
    place.change_source(
        "delete from held",
        *(
            "insert into held (matter, kind, record, since, until) values "
            f"({', '.join('null' if value is None else repr(value) for value in row)})"
            for row in rows
        ),
    )


def ledger_rows(place: Place) -> list[Any]:
    engine = open_ledger(sa.make_url(place.environment["SLUIS_LEDGER"])).engine
    with engine.connect() as connection:
        return list(connection.execute(sa.select(HOLD).order_by(HOLD.c.matter, HOLD.c.mac)))


def channels(place: Place) -> dict[str, list[Any]]:
    """Give the expired sale and its line, as far as they are published."""
    return {
        "sale": place.rows("select total, _expires_on, buyer_id is null from analytics.sales where total = 50.50"),
        "line": place.rows("select quantity, _expires_on from analytics.lines where quantity = 5"),
    }


# ── a run ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_hold_of_the_shops_own_table_keeps_a_record_beyond_its_clock_and_ends_with_its_row(
    shop: Place, run: Command
) -> None:
    entered(shop, ("P-1", "sale", 5, "2020-01-01", None), ("P-1", "line", 1, "2020-01-01", None))

    held = run()

    assert held.exit_code == 0, held.said
    assert channels(shop)["sale"][0][1:2] == (None,)
    assert channels(shop)["line"] == [(5, None)]
    assert {name: counts["held"] for name, counts in held.json["tables"].items()} == {
        "buyers": 0,
        "sales": 1,
        "lines": 1,
    }
    assert held.json["warnings"] == []

    entered(shop)
    after = run()

    assert after.exit_code == 0, after.said
    assert channels(shop) == {"sale": [], "line": []}
    assert [row.released_at is None for row in ledger_rows(shop)] == [False, False]


def test_a_plan_foretells_what_holds_keep_and_writes_none_of_them_down(shop: Place, run: Command) -> None:
    entered(
        shop,
        ("P-1", "sale", 5, "2020-01-01", None),
        ("P-2", "sale", 1, f"{TODAY.year + 1}-01-01", None),
        ("P-3", "sale", 2, "2020-01-01", "2021-01-01"),
        ("P-4", "sail", 2, "2020-01-01", None),
        ("P-5", "sale", None, "2020-01-01", None),
        (None, "sale", 3, "2020-01-01", None),
        ("P-6", "sale", 3, "soon", None),
        ("P-7", "sale", 4, "2020-02-01", "2020-01-01"),
    )

    foretold = run_in_process("plan", "--output", "json", **shop.environment)

    assert foretold.exit_code == 0, foretold.said
    assert not (shop.folder / "ledger.sqlite").exists()
    assert foretold.json["tables"]["sales"]["held"] == 1
    assert foretold.json["warnings"] == [
        "holds that cannot be read, a date that is none: 1",
        "holds that cannot be read, a table that the policy does not have: 1",
        "holds that cannot be read, an end before its beginning: 1",
        "holds that cannot be read, no key of its table: 1",
        "holds that cannot be read, no matter: 1",
    ]

    done = run()

    assert done.exit_code == 0, done.said
    assert done.json["warnings"] == foretold.json["warnings"]
    for name, counts in done.json["tables"].items():
        assert {word: foretold.json["tables"][name][word] for word in counts} == counts
    assert [row.matter for row in ledger_rows(shop)] == ["P-1", "P-2"]

    entered(shop, ("P-1", "sale", 5, "some day", None))
    foretold = run_in_process("plan", "--output", "json", **shop.environment)
    done = run()

    assert [told.json["tables"]["sales"]["held"] for told in (foretold, done)] == [1, 1]


def test_a_hold_by_command_counts_in_the_next_run_until_it_is_released(shop: Place, run: Command) -> None:
    assert hold(shop, "add", "--matter", "P-1", lines="sale=5\n").exit_code == 0
    foretold = run_in_process("plan", "--output", "json", **shop.environment)
    held = run()

    assert [told.json["tables"]["sales"]["held"] for told in (foretold, held)] == [1, 1]
    assert len(channels(shop)["sale"]) == 1

    assert hold(shop, "release", "--matter", "P-1").exit_code == 0
    assert run().exit_code == 0
    assert channels(shop)["sale"] == []


# ── the shop's own table, and gate 0 ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("statement", "drift"),
    [
        ("drop table held", {"kind": "missing_table", "table": "held", "column": None}),
        (
            "alter table held rename column until to ends",
            {"kind": "missing_column", "table": "held", "column": "until"},
        ),
    ],
)
def test_gate_0_misses_what_the_policy_names_of_the_table_of_holds(
    shop: Place, statement: str, drift: dict[str, str | None]
) -> None:
    shop.change_source(statement)

    outcome = run_in_process("check", "--output", "json", **shop.environment)

    assert outcome.exit_code == 4
    assert outcome.json["drift"] == [drift]
    assert "under holds, or give it back to the source" in outcome.json["error"]["message"]


# ── the command ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_placing_tells_what_is_around_the_records_and_holds_it_if_asked(shop: Place) -> None:
    asked = hold(shop, "add", "--matter", "P-1", "--from", "2026-01-02", lines="# one\n\n sale = 01 \n").json
    told = hold(shop, "add", "--matter", "P-1", "--with-evidence", lines="sale=1\nsale=2\n").json

    assert (asked["held_from"], asked["held_until"], asked["with_evidence"]) == ("2026-01-02", None, False)
    assert (asked["placed"], asked["already_held"], asked["evidence"]) == ({"sale": 1}, {}, {"line": 2})
    assert (told["placed"], told["already_held"], told["evidence"]) == (
        {"sale": 1, "line": 3},
        {"sale": 1},
        {"line": 3},
    )
    assert len(ledger_rows(shop)) == 5


def test_the_evidence_of_a_line_is_its_sale_and_neither_its_siblings_nor_its_buyer(shop: Place) -> None:
    told = hold(shop, "add", "--matter", "P-1", lines="line=1\n").json

    assert told["evidence"] == {"sale": 1}


def test_a_person_or_an_orphan_has_no_evidence_around(shop: Place) -> None:
    shop.change_source("insert into line values (9, 77, 'ART-9', 1)")

    assert hold(shop, "add", "--matter", "P-1", lines="buyer=1\n").json["evidence"] == {}
    assert hold(shop, "add", "--matter", "P-1", lines="line=9\n").json["evidence"] == {}


SECRET = "canary-4711"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (f"sale=1\n{SECRET}\n", ["line 2: has no sign ="]),
        (f"{SECRET}=1\n", ["line 1: begins with no table"]),
        ("audit=1\n", ["line 1: begins with no table"]),
        (f"# x\nsale={SECRET}\nsale=\nsale=1\n", ["line 2: has no key", "line 3: has no key"]),
        ("sale=1\nsale=98765\nline=98766\n", ["line 2: names a record that", "line 3: names a record that"]),
        ("# nothing\n", ["it names no record"]),
    ],
)
def test_a_file_with_a_wrong_line_is_refused_as_a_whole_by_its_numbers(
    shop: Place, lines: str, told: list[str]
) -> None:
    outcome = hold(shop, "add", "--matter", "P-1", lines=lines)

    assert outcome.exit_code == 2
    assert all(words in outcome.json["error"]["message"] for words in told)
    assert not {SECRET, "98765", "98766"} & set(outcome.said.replace(":", " ").replace("=", " ").split())
    assert ledger_rows(shop) == []


@pytest.mark.parametrize(
    "flags",
    [
        ("--matter", " "),
        ("--matter", "somebody@example.com"),
        ("--matter", "P-1", "--until", "2020-01-01"),
        ("--matter", "P-1", "--from", "2999-02-01", "--until", "2999-01-01"),
        ("--matter", "P-1", "--from", "tomorrow"),
    ],
)
def test_a_matter_or_period_that_makes_no_sense_is_refused(shop: Place, flags: tuple[str, ...]) -> None:
    outcome = hold(shop, "add", *flags, lines="sale=1\n")

    assert outcome.exit_code == 2
    assert ledger_rows(shop) == []


def test_a_new_column_in_the_source_does_not_let_evidence_go_and_a_missing_one_is_told(shop: Place) -> None:
    shop.change_source("alter table sale add column coupon text")
    assert hold(shop, "add", "--matter", "P-1", lines="sale=1\n").exit_code == 0

    shop.change_source("alter table line drop column article")
    assert hold(shop, "add", "--matter", "P-1", lines="sale=1\n").exit_code == 4


def test_release_and_list_need_no_source(shop: Place) -> None:
    hold(shop, "add", "--matter", "P-1", "--until", "2999-12-31", lines="sale=1\nline=1\n")
    shop.source.rename(shop.folder / "away")
    gone = {"SLUIS_SOURCE": ""}

    released = hold(shop, "release", "--matter", "P-1", lines="sale=1\n", **gone)
    told = hold(shop, "list", **gone)

    assert released.json == {"matter": "P-1", "released": {"sale": 1}, "left": {"line": 1}}
    (left, ended) = told.json["holds"]
    assert (left["matter"], left["state"], left["origin"], left["tables"]) == ("P-1", "active", "command", {"line": 1})
    assert (left["held_until"], ended["state"], ended["tables"]) == ("2999-12-31", "released", {"sale": 1})
    assert hold(shop, "add", "--matter", "P-1", lines="sale=1\n", **gone).exit_code == 2
    assert hold(shop, "release", "--matter", "P-9", **gone).exit_code == 2


def test_without_a_ledger_nothing_is_held_and_none_is_made(shop: Place) -> None:
    assert hold(shop, "list").json == {"holds": []}
    assert not (shop.folder / "ledger.sqlite").exists()


def test_what_the_shop_holds_itself_is_ended_there(shop: Place, run: Command) -> None:
    entered(shop, ("P-1", "sale", 5, "2020-01-01", None))
    assert run().exit_code == 0

    outcome = hold(shop, "release", "--matter", "P-1")

    assert outcome.exit_code == 2
    assert "stands in the shop's own table" in outcome.json["error"]["message"]
    assert hold(shop, "list").json["holds"][0]["origin"] == "source"


def test_text_says_what_a_hold_does_and_does_not_do(shop: Place, tmp_path: Path) -> None:
    (tmp_path / "records.txt").write_text("sale=1\n", encoding="utf-8")
    flags = ("--matter", "P-1", "--record-file", str(tmp_path / "records.txt"))

    placed = run_in_process("hold", "add", *flags, **shop.environment)
    listed = run_in_process("hold", "list", **shop.environment)
    released = run_in_process("hold", "release", "--matter", "P-1", **shop.environment)

    assert "Records around them: line 2. Add --with-evidence to hold these, too." in placed.stdout
    assert "may not be deleted in the source" in placed.stdout
    assert "only where the policy says while_held: stay" in placed.stdout
    assert "out of analytics all the same" in placed.stdout
    assert "P-1" in listed.stdout
    assert "Released for P-1: sale 1." in released.stdout
