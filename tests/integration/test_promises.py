"""Every kind of promise, broken: the run says which, where and in how many rows, and the warehouse stays as it was."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
import sqlalchemy as sa

from privacy import promises
from privacy.evidence import GateReport
from tests.candidates import KINDS, HandMade, hand_made
from tests.conftest import Command, Outcome, Place


@dataclass(frozen=True)
class Case:
    """A promise that a column's treatment breaks: where, how it is written, and the rows that break it."""

    table: str
    column: str
    entry: str
    rows: int | None
    source: tuple[str, ...] = ()


BROKEN = {
    "is_token": Case("sales", "channel", "{kind: is_token}", 4),
    "is_null": Case("lines", "line_id", "{kind: is_null}", 4),
    "not_null": Case("sales", "channel", "{kind: not_null}", 1),
    "unique": Case("lines", "article", "{kind: unique}", 2),
    "in_values": Case("sales", "channel", "{kind: in_values, values: [web]}", 1),
    "matches": Case("sales", "channel", "{kind: matches, pattern: '[a-z]{3}'}", 1),
    "between": Case("lines", "quantity", "{kind: between, least: 2, most: 3}", 2),
    "multiple_of": Case("lines", "quantity", "{kind: multiple_of, step: 2}", 2),
    "period_start": Case("sales", "sold_at", "{kind: period_start, period: month}", 5),
    "max_null_rate": Case("sales", "channel", "{kind: max_null_rate, share: 0.1}", None),
    "no_raw_identifier": Case(
        "lines",
        "article",
        "{kind: no_raw_identifier}",
        1,
        ("update line set article = 'motor of 1600 CC' where line_id = 2",),
    ),
}

LAST_OF_COLUMN = {
    "channel": "because: Says nothing of anybody.",
    "article": "because: What was sold.",
    "quantity": "because: How much was sold.",
    "line_id": "line_id: {type: integer, role: non_personal, treatment: {kind: pseudonymize, domain: line}",
    "sold_at": "sold_at: {type: timestamp, role: quasi_identifier, treatment: {kind: generalize, to: day}",
}
"""The words at the end of each column's entry in the corner shop's policy."""


def kinds_of(union: Any) -> list[str]:
    """List the kinds in a union of promises."""
    found = []
    for member in get_args(union):
        if isinstance(member, type) and issubclass(member, promises.Promise):
            found.append(member.model_fields["kind"].default)
        else:
            found += kinds_of(member)
    return found


def promise(place: Place, column: str, entry: str) -> int:
    """Add a promise to a column, on a line of its own; give that line."""
    words = LAST_OF_COLUMN[column]
    return place.change_policy(words, f"{words},\n        promises: [\n          {entry}]") + 2


def refused(place: Place, run: Command) -> Outcome:
    """Run what must be refused by the gate; the warehouse stays as it was to the byte."""
    before = place.fingerprint()
    outcome = run()
    assert outcome.exit_code == 1, outcome.said
    assert outcome.json["error"]["kind"] == "gate"
    assert outcome.json["error"]["message"] in outcome.stderr
    assert outcome.json["published"] is False
    assert place.fingerprint() == before
    assert "canary" not in outcome.said.lower()
    return outcome


@pytest.mark.parametrize("kind", kinds_of(promises.ColumnPromise))
def test_a_broken_promise_of_a_column_stops_the_publish_and_is_named(kind: str, published: Place, run: Command) -> None:
    case = BROKEN[kind]
    published.change_source(*case.source)
    line = promise(published, case.column, case.entry)

    outcome = refused(published, run)

    told = {"promise": kind, "table": case.table, "column": case.column, "policy_line": line, "rows": case.rows}
    assert outcome.json["gates"]["failed"] == [told]
    assert outcome.json["gates"]["crashed"] == []
    in_rows = "" if case.rows is None else f" in {case.rows} rows"
    message = outcome.json["error"]["message"]
    assert f"policy.yaml:{line}: {case.table}.{case.column}: {kind} is broken{in_rows}\n" in message
    assert "Nothing was published. Mend the treatment, the policy or the source, and run again." in message


def test_promises_that_hold_do_not_stop_anything(published: Place, run: Command) -> None:
    promise(published, "channel", "{kind: in_values, values: [web, shop]}, {kind: matches, pattern: '[a-z]{3,4}'}")
    promise(
        published,
        "quantity",
        "{kind: between, least: 1, most: 4}, {kind: multiple_of, step: 0.5}, {kind: unique}, {kind: not_null}",
    )
    promise(published, "line_id", "{kind: is_token}, {kind: max_null_rate, share: 0}")

    assert run().exit_code == 0


def test_a_kept_email_is_caught_by_its_shape_though_it_has_a_reason_and_a_milder_role(
    published: Place, run: Command
) -> None:
    line = published.change_policy(
        "email: {type: text, role: direct_identifier, treatment: suppress}",
        "email: {type: text, role: sensitive, treatment: keep, because: Somebody wanted it.}",
    )

    outcome = refused(published, run)

    told = {"promise": "no_value_drift", "table": "sales", "column": "email", "policy_line": line, "rows": 4}
    assert outcome.json["gates"]["failed"] == [{**told, "kind": "email", "waived_until": None}]


def test_a_check_that_crashes_is_told_apart_and_stops_the_publish_as_well(
    published: Place, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("privacy.column_rules.impossible", lambda *_: None)
    published.change_source("update sale set channel = 'canary channel' where sale_id = 1")
    line = promise(published, "channel", "{kind: between, least: 1, most: 2}")

    outcome = refused(published, run)

    assert outcome.json["gates"]["failed"] == []
    (crash,) = outcome.json["gates"]["crashed"]
    exception = crash.pop("exception")
    assert crash == {"promise": "between", "table": "sales", "column": "channel", "policy_line": line}
    assert exception.endswith(("Error", "Exception"))
    assert f"policy.yaml:{line}: sales.channel: between could not be checked: {exception}" in outcome.stderr


def test_more_rows_in_quarantine_than_the_policy_allows_stop_the_publish(published: Place, run: Command) -> None:
    tomorrow = datetime.date.today() + datetime.timedelta(days=2)
    published.change_source(f"update sale set sold_at = '{tomorrow}T00:00:00+01:00' where sale_id in (3, 6)")

    outcome = refused(published, run)

    (failure,) = outcome.json["gates"]["failed"]
    assert (failure["promise"], failure["table"], failure["rows"]) == ("within_quarantine", "sales", 2)
    assert outcome.json["tables"]["sales"]["quarantine_reasons"] == {"sold_at: in the future": 2}


def test_a_key_that_stands_twice_in_a_source_without_a_declared_key_stops_the_publish(
    published: Place, run: Command
) -> None:
    published.change_source(
        "create table line_again (line_id integer, sale_id integer, article text, quantity integer)",
        "insert into line_again select * from line union all select * from line where line_id = 1",
        "drop table line",
        "alter table line_again rename to line",
    )
    text = published.policy.read_text(encoding="utf-8")
    line = text[: text.index("primary_key: line_id")].count("\n") + 1

    outcome = refused(published, run)

    told = {"promise": "unique_key", "table": "lines", "column": "line_id", "policy_line": line, "rows": 1}
    assert outcome.json["gates"]["failed"] == [told]


# ── what the run itself owes, put to the gate on a file that breaks it ────────────────────────────────────────────

AS_OF = datetime.date(2026, 3, 10)
Owes = tuple[promises.Promise, str | None, int | None]
"""A promise of the run, its column, and the rows that break it in `candidate`."""

RUN_BROKEN: dict[str, Owes] = {
    "no_value_drift": (promises.NoValueDrift(of="text", strictly=False, allowed=1), "note", 2),
    "row_count": (promises.RowCount(rows=5), None, 2),
    "null_count": (promises.NullCount(nulls=0), "buyer_id", None),
    "none_as_read": (promises.NoneAsRead(rows=2), "buyer_id", 2),
    "sum_equals": (promises.SumEquals(total=Decimal("30.31")), "total", None),
    "sum_within": (promises.SumWithin(total=Decimal("31.31"), most=Decimal("1.00")), "total", None),
    "unique_key": (promises.UniqueKey(), "note", 1),
    "not_empty": (promises.NotEmpty(), None, None),
    "nothing_expired": (promises.NothingExpired(as_of=AS_OF), "_expires_on", 1),
    "reference_holds": (promises.ReferenceHolds(table="buyers", key="buyer_id"), "buyer_id", 1),
    "within_quarantine": (promises.WithinQuarantine(rows=3, allowed=2), None, 3),
    "reconciles": (promises.Reconciles(read=Decimal(3), counted=Decimal(4)), None, None),
}

RUN_KEPT: tuple[tuple[promises.Promise, str | None], ...] = (
    (promises.NoValueDrift(of="text", strictly=False, allowed=2), "note"),
    (promises.NoValueDrift(of="number", strictly=False, allowed=0), "buyer_id"),
    (promises.RowCount(rows=3), None),
    (promises.NullCount(nulls=1), "buyer_id"),
    (promises.NoneAsRead(rows=0), "buyer_id"),
    (promises.SumEquals(total=Decimal("30.30")), "total"),
    (promises.SumWithin(total=Decimal("31.30"), most=Decimal("1.00")), "total"),
    (promises.SumWithin(total=Decimal(20_513 + 20_544 - 3), most=Decimal(3), of="dates"), "_expires_on"),
    (promises.UniqueKey(), "buyer_id"),
    (promises.NotEmpty(), None),
    (promises.NothingExpired(as_of=datetime.date(2026, 2, 28)), "_expires_on"),
    (promises.ReferenceHolds(table="sales", key="buyer_id"), "buyer_id"),
    (promises.WithinQuarantine(rows=2, allowed=2), None),
    (promises.Reconciles(read=Decimal(3), counted=Decimal(3)), None),
)


def making(request: pytest.FixtureRequest, folder: Path) -> HandMade:
    """Make a candidate of the kind that a fixture is asked for."""
    return hand_made(request.param, folder, lambda: request.getfixturevalue("postgres").new_database())


@pytest.fixture(scope="module", params=KINDS)
def candidate(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> HandMade:
    """Make a candidate of three sales: one without a buyer, one of an unpublished buyer, one due on 1 March; two with
    an e-mail address in their note."""
    made = making(request, tmp_path_factory.mktemp("candidate"))
    made.execute(
        "create table analytics.buyers as select 1 as buyer_id",
        "create table analytics.empty (buyer_id integer, total decimal(12,2), _expires_on date)",
        "create table analytics.sales (buyer_id integer, total decimal(12,2), _expires_on date, note varchar)",
        "insert into analytics.sales values (1, 10.10, '2026-03-01', 'for anna@example.org'), "
        "(7, 20.20, '2026-04-01', 'for anja@example.org'), (null, null, null, null)",
    )
    return made


@pytest.fixture(params=KINDS)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> HandMade:
    """Make a candidate without tables."""
    return making(request, tmp_path)


Check = Callable[..., GateReport]


@pytest.fixture
def check(candidate: HandMade) -> Check:
    """Put promises of one table to the gate."""

    def checked(*owed: tuple[promises.Promise, str | None], table: str = "sales") -> GateReport:
        return candidate.check(table, *owed)

    return checked


THINGS = "thing varchar, token uuid, pair varchar, amount decimal(12,2), day date, gone varchar"
THINGS_ROWS = (
    ("web", "3f2a1b4c-5d6e-8f70-8123-456789abcdef", "ab", Decimal("1.50"), datetime.date(2026, 3, 1), None),
    ("shop", "3f2a1b4c-5d6e-8f70-a123-456789abcdef", "AB", Decimal("3.00"), datetime.date(2026, 3, 10), "it"),
    ("web", "3f2a1b4c-5d6e-4f70-8123-456789abcdef", "cd", Decimal("-4.50"), datetime.date(2026, 4, 1), None),
    (None, None, "x 06-12345678", None, None, None),
)

COLUMN_BROKEN: dict[str, Owes] = {
    "is_token": (promises.IsToken(), "token", 1),
    "is_null": (promises.IsNull(), "gone", 1),
    "not_null": (promises.NotNull(), "thing", 1),
    "unique": (promises.Unique(), "thing", 2),
    "in_values": (promises.InValues(values=("web",)), "thing", 1),
    "matches": (promises.Matches(pattern=r"(?i:[a-c]+)|\p{Ll}{2}"), "pair", 1),
    "between": (promises.Between(least=-4.4, most=2.9), "amount", 2),
    "multiple_of": (promises.MultipleOf(step=Decimal("1")), "amount", 2),
    "period_start": (promises.PeriodStart(period="month"), "day", 1),
    "max_null_rate": (promises.MaxNullRate(share=0.2), "thing", None),
    "no_raw_identifier": (promises.NoRawIdentifier(), "pair", 1),
}
"""A promise of a column that the rows above break, and in how many of them."""

COLUMN_KEPT: tuple[tuple[promises.Promise, str], ...] = (
    (promises.Unique(), "pair"),
    (promises.InValues(values=("web", "shop", "it's")), "thing"),
    (promises.Matches(pattern=r"\w+|x \d+-\d+"), "pair"),
    (promises.Between(least=-4.5), "amount"),
    (promises.Between(most=3), "amount"),
    (promises.MultipleOf(step=Decimal("1.5")), "amount"),
    (promises.PeriodStart(period="day"), "day"),
    (promises.MaxNullRate(share=0.25), "thing"),
    (promises.NoRawIdentifier(), "thing"),
)


@pytest.fixture
def things(empty: HandMade) -> HandMade:
    """Make a candidate of four things, of which little can be promised."""
    empty.fill("analytics.things", THINGS, THINGS_ROWS)
    return empty


def test_every_broken_promise_of_a_column_is_found_with_its_rows(things: HandMade) -> None:
    assert list(COLUMN_BROKEN) == kinds_of(promises.ColumnPromise)

    report = things.check("things", *((promise, column) for promise, column, _ in COLUMN_BROKEN.values()))

    found = {failed.promise: (failed.column, failed.rows) for failed in report.failed}
    assert found == {kind: (column, rows) for kind, (_, column, rows) in COLUMN_BROKEN.items()}
    assert (report.passed, report.crashed) == (0, ())


def test_promises_of_columns_that_hold_are_counted_one_by_one(things: HandMade) -> None:
    report = things.check("things", *COLUMN_KEPT)

    assert (report.passed, report.failed, report.crashed) == (len(COLUMN_KEPT), (), ())


def test_a_text_that_looks_like_a_token_is_none(empty: HandMade) -> None:
    empty.fill("analytics.things", "token varchar", [(THINGS_ROWS[0][1],)])

    assert [failed.rows for failed in empty.check("things", (promises.IsToken(), "token")).failed] == [1]


def test_rows_that_do_not_stand_in_the_order_of_their_key_are_told(empty: HandMade) -> None:
    empty.fill("analytics.things", "number integer", [(1,), (3,), (2,), (4,)])

    assert [failed.rows for failed in empty.check("things", (promises.UniqueKey(), "number")).failed] == [1]


def test_a_check_that_crashes_tells_nothing_of_the_value_that_made_it_crash(
    empty: HandMade, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    empty.execute(
        "create table analytics.told (word varchar)",
        "insert into analytics.told values ('canary 06-12345678')",
        "create view analytics.things as select cast(word as integer) as number, word from analytics.told",
    )
    with pytest.raises(sa.exc.DBAPIError, match="canary"):
        empty.execute("select max(number) from analytics.things")

    with caplog.at_level("DEBUG"):
        report = empty.check(
            "things",
            (promises.Between(least=0), "number"),
            (promises.NoValueDrift(of="number", strictly=False, allowed=0), "number"),
            (promises.NotNull(), "word"),
        )

    crashed = {(crash.promise, crash.column): crash.exception for crash in report.crashed}
    assert crashed.keys() == {("between", "number"), ("no_value_drift", "number")}
    assert not any("great_expectations" in exception for exception in crashed.values()), "the driver's is told"
    assert (report.passed, report.failed, report.green) == (1, (), False)
    said = capfd.readouterr()
    assert "canary" not in repr(report) + said.out + said.err + caplog.text


@pytest.mark.parametrize("kind", kinds_of(promises.RunPromise))
def test_a_broken_promise_of_the_run_is_found_with_its_rows(kind: str, check: Check) -> None:
    promise, column, rows = RUN_BROKEN[kind]
    table = "empty" if kind == "not_empty" else "sales"

    report = check((promise, column), table=table)

    told = {"promise": kind, "table": table, "column": column, "policy_line": 1, "rows": rows}
    assert [{name: vars(failure)[name] for name in told} for failure in report.failed] == [told]
    assert (report.passed, report.crashed, report.green) == (0, (), False)


def test_promises_of_the_run_that_hold_are_counted_one_by_one(check: Check) -> None:
    report = check(*RUN_KEPT)

    assert (report.passed, report.failed, report.crashed, report.green) == (len(RUN_KEPT), (), (), True)


def test_nothing_is_broken_by_a_table_without_rows_but_that_it_has_none(check: Check) -> None:
    report = check(
        (promises.NullCount(nulls=0), "buyer_id"),
        (promises.SumEquals(total=Decimal(0)), "total"),
        (promises.RowCount(rows=0), None),
        (promises.Unique(), "buyer_id"),
        (promises.NotEmpty(), None),
        table="empty",
    )

    assert ([failure.promise for failure in report.failed], report.passed) == (["not_empty"], 4)


def test_a_missing_value_that_was_not_missing_in_the_source_is_found(check: Check) -> None:
    """A treatment that swallows a value leaves a NULL; one that invents a value leaves one too few."""
    swallowed = check((promises.NullCount(nulls=0), "total"))
    invented = check((promises.NullCount(nulls=2), "total"))

    assert [len(report.failed) for report in (swallowed, invented)] == [1, 1]


def test_dates_that_add_up_to_too_many_days_are_found(check: Check) -> None:
    too_many = promises.SumWithin(total=Decimal(20_513 + 20_544 - 4), most=Decimal(3), of="dates")

    assert [failure.promise for failure in check((too_many, "_expires_on")).failed] == ["sum_within"]


def test_a_gate_that_checked_nothing_is_not_green(check: Check) -> None:
    assert not check().green


# ── patterns on their way through two template languages ──────────────────────────────────────────────────────────

SHAPES = (
    "for anna@example.org",
    "NL91ABNA0417164300",
    "NL91 ABNA 0417 1643 00",
    "from 192.0.2.17",
    "2001:db8:85a3:8d3:1319:8a2e:370:7348",
    "2001:db8::17",
    "+31612345678",
    "0031612345678",
    "06-12345678",
    "at 1234 AB",
    "AB-12-CD",
    "12-AB-34",
    "WVWZZZ1JZXW000001",
    "3SABCD1234567",
    "123456782",
)
"""One of each shape of direct identifier."""

HARMLESS = ("192.0.2.0/24", "2001:db8::/48", "20-29", "ART-1", "10:30", "a@b", "2026-03-10", "", "12345")

PATTERNS = {
    "(?:web|shop)": "web",
    "[[:alpha:]]+": "web",
    "[a-z]{3}": "web",
    "(?i:WEB)": "web",
    "a:b::c :d": "a:b::c :d",
    r"\:a\\:a": r":a\:a",
    r"100\%s %": "100%s %",
    r"what\?": "what?",
    "it's": "it's",
    '"[$]x"': '"$x"',
    "é+": "éé",
}
"""Regular expressions with what SQLAlchemy, Great Expectations and SQL read in ways of their own; a text for each."""


@pytest.fixture
def texts(empty: HandMade) -> Callable[[promises.Promise, tuple[str, ...]], GateReport]:
    """Put a promise about a column of texts to the gate."""

    def checked(promise: promises.Promise, values: tuple[str, ...]) -> GateReport:
        empty.fill("analytics.texts", "text varchar", [(value,) for value in values])
        return empty.check("texts", (promise, "text"))

    return checked


def test_every_shape_of_a_direct_identifier_is_found(
    texts: Callable[[promises.Promise, tuple[str, ...]], GateReport],
) -> None:
    report = texts(promises.NoRawIdentifier(), SHAPES)

    assert [failure.rows for failure in report.failed] == [len(SHAPES)]


def test_what_treatments_publish_is_not_taken_for_an_identifier(
    texts: Callable[[promises.Promise, tuple[str, ...]], GateReport],
) -> None:
    assert texts(promises.NoRawIdentifier(), HARMLESS).green


def test_a_pattern_means_in_the_gate_what_it_means_in_the_policy(empty: HandMade) -> None:
    names = [f"c{index}" for index in range(len(PATTERNS))]
    empty.fill("analytics.texts", ", ".join(f"{name} varchar" for name in names), [list(PATTERNS.values())])
    kept = [(promises.Matches(pattern=p), name) for name, p in zip(names, PATTERNS, strict=True)]
    broken = [(promises.Matches(pattern=f"(?:{p})!"), name) for name, p in zip(names, PATTERNS, strict=True)]

    report = empty.check("texts", *kept, *broken)

    assert [crash.column for crash in report.crashed] == []
    assert [(failure.column, failure.policy_line) for failure in report.failed] == [
        (name, line) for line, name in enumerate(names, start=len(names) + 1)
    ]
