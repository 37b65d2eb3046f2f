"""`sluis check` warns of joins that a policy breaks or opens, by the foreign keys that the source itself declares."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import sqlalchemy as sa

from stores.source import foreign_keys
from stores.sqlite_source import SqliteSource
from tests.conftest import Outcome, Place, run_in_process

KEY = """\
      sale_id:
        type: integer
        role: direct_identifier
        treatment: {kind: pseudonymize, domain: sale}
        references: sale
"""
ALONE = """\
      sale_id: {type: integer, role: direct_identifier, treatment: {kind: pseudonymize, domain: line}}
"""


def break_join(place: Place) -> int:
    """Give the lines of a sale another domain than the sales; give the policy's line of it."""
    place.change_policy("subject: {who: buyer, via: sale_id}", "subject: {who: nobody}")
    place.change_policy("retention: {via: sale_id}", "retention: {unlimited: true, because: Nobody is in it.}")
    return place.change_policy(KEY, ALONE)


def check(place: Place, *flags: str) -> Outcome:
    return run_in_process("check", *flags, **place.environment)


def test_a_policy_that_breaks_no_join_is_told_without_warnings(place: Place) -> None:
    outcome = check(place, "--output", "json", "--strict")

    assert (outcome.exit_code, outcome.json["warnings"], outcome.json["lint"]) == (0, [], []), outcome.said


def test_a_broken_join_is_told_by_place_and_line(place: Place) -> None:
    line = break_join(place)

    found = check(place, "--output", "json")

    assert found.exit_code == 0, found.said
    assert found.json["lint"] == [
        {"kind": "breaks_join", "table": "line", "column": "sale_id", "other_table": "sale", "other_column": "sale_id",
         "line": line},
    ]  # fmt: skip
    told, *doubts = sorted(found.json["warnings"], key=lambda words: "foreign key" not in words)
    assert told == (
        f"{place.policy}:{line}: tables.line.columns.sale_id: belongs to sale.sale_id by a foreign key or its name, "
        "and does not join it once treated (domain line; there domain sale); give it references: sale, suppress it, "
        "or add because: … where that is meant."
    )
    assert [words.split(": ")[1] for words in doubts] == ["tables.line.subject", "tables.line.retention"]


def test_an_opened_join_is_told_by_both_its_ends(place: Place) -> None:
    place.change_policy("purposes: {sales: {", "purposes: {members: {meaning: Keep members.}, sales: {")
    place.change_policy("meaning: Who buys.\n    purpose: sales", "meaning: Who buys.\n    purpose: members")

    (join,) = check(place, "--output", "json").json["lint"]

    assert (join["kind"], join["table"], join["column"]) == ("opens_join", "sale", "buyer_id")
    assert (join["other_table"], join["other_column"]) == ("buyer", "buyer_id")


def test_warnings_end_with_6_under_strict_alone_and_are_read_on_a_terminal(place: Place) -> None:
    line = break_join(place)

    loose, strict = check(place), check(place, "--strict")

    assert (loose.exit_code, strict.exit_code) == (0, 6)
    assert loose.stdout == strict.stdout
    assert "Policy test is valid" in loose.stdout
    assert f"! {place.policy}:{line}: tables.line.columns.sale_id: belongs to sale.sale_id" in loose.stdout


def test_drift_is_told_before_any_warning(place: Place) -> None:
    break_join(place)
    place.change_source("alter table line add column more text")

    outcome = check(place, "--output", "json", "--strict")

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (4, "drift")


def test_foreign_keys_are_read_from_the_source_however_they_are_declared(tmp_path: Path) -> None:
    file = tmp_path / "shop.sqlite"
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.executescript(
            """
            create table buyer (buyer_id integer primary key, nr text, area text, unique (nr, area));
            create table plain (id integer primary key, buyer integer references buyer);
            create table named (id integer primary key, nr text, area text, self integer references named (id),
                                foreign key (nr, area) references buyer (nr, area));
            create table lost (id integer primary key, gone integer references nowhere);
            """
        )

    assert sorted(foreign_keys(SqliteSource(sa.make_url(f"sqlite:///{file}")).schema())) == [
        ("named", "area", "buyer", "area"),
        ("named", "nr", "buyer", "nr"),
        ("named", "self", "named", "id"),
        ("plain", "buyer", "buyer", "buyer_id"),
    ]
