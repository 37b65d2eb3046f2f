"""Gate 0: a source that is not what the policy describes stops the run before a row is read, and is told why."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.conftest import Command, Outcome, Place

NEW = "in the source, but not in {policy}"
MISSING = "in {policy}, but not in the source"
OTHER_TYPE = "has another type in the source than {policy} declares"


def _again(table: str, columns: str) -> tuple[str, ...]:
    """Give the statements that make a table anew with other column types, and its rows."""
    return (
        f"create table again ({columns})",
        f"insert into again select * from {table}",
        f"drop table {table}",
        f"alter table again rename to {table}",
    )


SALE = "sale_id integer primary key, buyer_id integer, email text, sold_at {}, total {}, channel varchar(9), note {}"

DRIFT: dict[str, tuple[tuple[str, ...], list[tuple[str, str, str | None, str]]]] = {
    "a new column": (
        ("alter table buyer add column bsn text",),
        [("new_column", "buyer", "bsn", NEW)],
    ),
    "a new table": (
        ("create table survey (survey_id integer primary key, answer text)",),
        [("new_table", "survey", None, NEW)],
    ),
    "a renamed column": (
        ("alter table sale rename column channel to sold_through",),
        [("new_column", "sale", "sold_through", NEW), ("missing_column", "sale", "channel", MISSING)],
    ),
    "a renamed table": (
        ("alter table line rename to sale_line",),
        [("new_table", "sale_line", None, NEW), ("missing_table", "line", None, MISSING)],
    ),
    "a missing table": (
        ("drop table line",),
        [("missing_table", "line", None, MISSING)],
    ),
    "a missing column": (
        ("alter table sale drop column note",),
        [("missing_column", "sale", "note", MISSING)],
    ),
    "a missing column that is never extracted": (
        ("alter table buyer drop column passphrase",),
        [("missing_column", "buyer", "passphrase", MISSING)],
    ),
    "a changed type": (
        _again("line", "line_id integer primary key, sale_id integer, article text, quantity text"),
        [("changed_type", "line", "quantity", OTHER_TYPE)],
    ),
    "more digits": (
        _again("sale", SALE.format("text", "decimal(14,2)", "text")),
        [("changed_type", "sale", "total", OTHER_TYPE)],
    ),
    "more digits behind the point": (
        _again("sale", SALE.format("text", "decimal(12,3)", "text")),
        [("changed_type", "sale", "total", OTHER_TYPE)],
    ),
    "several at once": (
        (
            "drop table line",
            "alter table buyer add column bsn text",
            "create table survey (survey_id integer primary key)",
            *_again("sale", SALE.format("integer", "real", "blob")),
        ),
        [
            ("new_table", "survey", None, NEW),
            ("new_column", "buyer", "bsn", NEW),
            ("changed_type", "sale", "sold_at", OTHER_TYPE),
            ("changed_type", "sale", "total", OTHER_TYPE),
            ("changed_type", "sale", "note", OTHER_TYPE),
            ("missing_table", "line", None, MISSING),
        ],
    ),
}


def _names_each(outcome: Outcome, differences: list[tuple[str, str, str | None, str]]) -> bool:
    lines = outcome.json["error"]["message"].splitlines()
    for _, table, column, what in differences:
        told = f"{table}.{column}: " if column else f"{table}: "
        (line,) = [line for line in lines if line.startswith(told)]
        assert re.fullmatch(re.escape(told) + what.format(policy=r"\S*policy\.yaml") + r"\.", line), line
        assert lines[lines.index(line) + 1].startswith("  "), "no way out is told"
    return len([line for line in lines if not line.startswith(" ")]) == len(differences)


def _key(item: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(item[part]) for part in ("kind", "table", "column"))


@pytest.mark.parametrize("difference", DRIFT)
def test_each_difference_is_named_and_nothing_is_touched(
    difference: str, published: Place, run: Command, sluis: Command
) -> None:
    statements, expected = DRIFT[difference]
    published.change_source(*statements)
    before, files = published.fingerprint(), sorted(path.name for path in published.folder.iterdir())

    for outcome in (run(), sluis("check", "--output", "json", **published.environment)):
        assert outcome.exit_code == 4, outcome.said
        assert (outcome.json["error"]["code"], outcome.json["error"]["kind"]) == (4, "drift")
        found = [{"kind": kind, "table": table, "column": column} for kind, table, column, _ in expected]
        assert sorted(outcome.json["drift"], key=_key) == sorted(found, key=_key)
        assert _names_each(outcome, expected), outcome.json["error"]["message"]
        assert outcome.json["error"]["message"] in outcome.stderr
    assert published.fingerprint() == before
    assert sorted(path.name for path in published.folder.iterdir()) == files


@pytest.mark.parametrize("statement", ["alter table audit add column who text", "drop table audit"])
def test_tables_that_are_never_extracted_may_change_or_go(statement: str, published: Place, sluis: Command) -> None:
    published.change_source(statement)

    outcome = sluis("check", "--output", "json", **published.environment)

    assert (outcome.exit_code, outcome.json["drift"]) == (0, []), outcome.said


def test_a_source_that_its_policy_describes_is_good(published: Place, run: Command, sluis: Command) -> None:
    before = published.fingerprint()

    outcome = sluis("check", "--output", "json", **published.environment)
    told = sluis("check", **published.environment)

    assert (outcome.exit_code, outcome.json["drift"], outcome.json["warnings"]) == (0, [], [])
    assert (outcome.json["tables"], outcome.json["policy_version"]) == (3, "test")
    assert "Policy test is valid" in told.stdout
    assert published.fingerprint() == before


def test_a_stopped_run_says_on_a_terminal_what_json_says(published: Place, sluis: Command) -> None:
    published.change_source("alter table buyer add column bsn text")

    outcome = sluis("check", **published.environment)

    assert (outcome.exit_code, outcome.stdout) == (4, "")
    assert "buyer.bsn: in the source, but not in" in outcome.stderr
    assert "Declare a treatment for it under tables.buyer.columns, or list it under never_extracted" in outcome.stderr


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("text", "It is text. Declare a treatment"),
        ("numeric", "It is decimal without digits. Declare a treatment"),
        ("decimal(8,3)", "It is decimal(8,3). Declare a treatment"),
        ("blob", "It is binary, which no type of a policy reads. List it under tables.buyer.never_extracted."),
    ],
)
def test_what_a_new_column_is_is_told_for_whoever_declares_it(
    kind: str, found: str, published: Place, sluis: Command
) -> None:
    published.change_source(f"alter table buyer add column extra {kind}")

    outcome = sluis("check", **published.environment)

    assert f"policy.yaml.\n  {found}" in outcome.stderr


def test_a_column_whose_type_has_changed_is_told_with_its_new_one(published: Place, sluis: Command) -> None:
    published.change_source(*_again("sale", SALE.format("text", "real", "text")))

    outcome = sluis("check", **published.environment)

    assert "  It is double. Declare its new type at tables.sale.columns.total;" in outcome.stderr


def test_names_that_no_warehouse_takes_can_be_left_out_or_published_as_others(
    place: Place, run: Command, sluis: Command
) -> None:
    place.change_source(
        'create table "Order Details" (a)',
        'alter table line add column "Unit ""Price" text',
        """alter table line add column "it's, année" text""",
        """update line set "it's, année" = 'blue'""",
    )
    place.change_policy(
        "never_extracted: {audit: Not for analysts.}",
        "never_extracted: {audit: Not for analysts., Order Details: Not for analysts.}",
    )
    place.change_policy(
        "      article: {",
        """      colour: {from: "it's, année", type: text, role: non_personal, treatment: keep, because: A colour.}
      article: {""",
    )
    place.policy.write_text(place.policy.read_text() + "    never_extracted: {'Unit \"Price': Nobody asks.}\n")

    assert run().exit_code == 0
    assert place.rows("select distinct colour from analytics.lines") == [("blue",)]
