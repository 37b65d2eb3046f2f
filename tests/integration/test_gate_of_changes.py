"""The gate of changes: rows that come keep what a row promises, and all rows, as they will be, what a set does."""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import dataclass, field

import pytest

from expectations.candidate import Owed, TableFacts, Whole, owed_by
from expectations.gate import check_candidate
from privacy.evidence import GateReport, TableCounts
from privacy.fates import Fate
from privacy.promises import (
    MaxNullRate,
    NotEmpty,
    NothingExpired,
    NotNull,
    NoValueDrift,
    ReferenceHolds,
    RowCount,
    RunPromise,
    Unique,
    UniqueKey,
    WithinQuarantine,
)
from privacy.treat import published_schema
from stores.source import Totals
from stores.warehouse.postgresql import PostgreSQLWarehouse
from tests.postgres import PostgresServer
from tests.small_changes import Numbers, changing, keys, replace
from tests.small_warehouse import SEAL, SHOP, Rows, batch_of, policy, publish, record, row
from tests.warehouses import InPostgreSQL

PAST = datetime.date(2026, 10, 1)
AS_OF = datetime.date(2026, 11, 1)


@pytest.fixture
def there(postgres: PostgresServer) -> InPostgreSQL:
    """Give a database in which the small warehouse is published, with a line that has expired and knows no article."""
    made = InPostgreSQL(postgres.new_database())
    lines = [*SHOP["line"], row(PAST, line_id=25, sale_id=14)]
    publish(made.open(), {**SHOP, "line": lines})
    return made


@dataclass(frozen=True)
class Case:
    """A promise of a table, some changes, and how many rows break it then; None: it is kept."""

    promise: RunPromise | NotNull | Unique | MaxNullRate
    column: str
    broken: int | str | None
    come: Rows = field(default_factory=dict)
    leaving: Numbers = field(default_factory=dict)
    table: str = "lines"


ARTICLE = ReferenceHolds(table="articles", key="article_id")
SALE = ReferenceHolds(table="sales", key="sale_id")
NEW_LINE: Rows = {"line": [row(line_id=26, sale_id=11, article_id=9)]}

CASES = {
    "a row that stays is not asked what rows promise": Case(NotNull(), "article_id", None, NEW_LINE),
    "a row that comes is": Case(NotNull(), "article_id", 1, {"line": [row(line_id=26)]}),
    "as many rows as came": Case(RowCount(rows=1), "line_id", None, NEW_LINE),
    "fewer rows than came": Case(RowCount(rows=0), "line_id", 1, NEW_LINE),
    "a value that no other row has": Case(Unique(), "article_id", None, {"line": [row(line_id=26, article_id=8)]}),
    "a value that rows have which stay": Case(Unique(), "article_id", 5, NEW_LINE),
    "values that only rows share which stay": Case(Unique(), "article_id", None, {"line": [row(line_id=26)]}),
    "few NULLs among all rows": Case(MaxNullRate(share=0.4), "article_id", None, {"line": [row(line_id=26)]}),
    "too many among all rows": Case(
        MaxNullRate(share=0.2), "article_id", "share", NEW_LINE | {"line": [row(line_id=26)]}
    ),
    "rows are left": Case(NotEmpty(), "line_id", None, leaving={"line": [21]}),
    "no row is left": Case(NotEmpty(), "line_id", "empty", leaving={"line": [21, 22, 23, 24, 25]}),
    "a row that stays has expired": Case(NothingExpired(as_of=AS_OF), "_expires_on", 1, NEW_LINE),
    "it expired in a table of which nothing changes": Case(NothingExpired(as_of=AS_OF), "_expires_on", 1),
    "it leaves": Case(NothingExpired(as_of=AS_OF), "_expires_on", None, leaving={"line": [25]}),
    "a row that comes has expired": Case(
        NothingExpired(as_of=AS_OF), "_expires_on", 1, {"line": [row(PAST, line_id=26)]}, {"line": [25]}
    ),
    "a row that comes refers to one that stays": Case(ARTICLE, "article_id", None, NEW_LINE),
    "to one that comes": Case(
        ARTICLE, "article_id", None, {"line": [row(line_id=26, article_id=8)], "article": [row(article_id=8)]}
    ),
    "to none": Case(ARTICLE, "article_id", 1, {"line": [row(line_id=26, article_id=8), row(line_id=27)]}),
    "to one that leaves": Case(SALE, "sale_id", 2, {"line": [row(line_id=24, sale_id=14)]}, {"sale": [14]}),
    "rows that stay refer to one that leaves": Case(SALE, "sale_id", 2, NEW_LINE, {"sale": [14]}),
    "rows of a table of which nothing changes do": Case(SALE, "sale_id", 2, leaving={"sale": [14]}),
    "they leave as well": Case(SALE, "sale_id", None, leaving={"sale": [14], "line": [24, 25]}),
    "what they refer to comes again": Case(SALE, "sale_id", None, {"sale": [row(sale_id=14)]}),
    "what never was there leaves": Case(SALE, "sale_id", None, NEW_LINE, {"sale": [99]}),
}


def gated(there: InPostgreSQL, case: Case) -> GateReport:
    with changing(PostgreSQLWarehouse(there.url)) as changes:
        replace(changes, case.leaving, case.come)
        changes.seal(record("run-2"), SEAL)
        found = changes.readable()
        owed = [Owed(case.promise, case.column, 1)]
        return check_candidate(found.url, {found.analytics: {case.table: owed}}, changes=found)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_promise_is_asked_of_the_rows_that_it_is_about(there: InPostgreSQL, case: Case) -> None:
    report = gated(there, case)

    assert report.crashed == ()
    assert report.green == (case.broken is None)
    if isinstance(case.broken, int):
        assert [failed.rows for failed in report.failed] == [case.broken]


@pytest.mark.parametrize(("come", "broken"), [([26], 0), ([21, 26], 1), ([26, 27], 0)])
def test_a_key_that_comes_beside_its_like_would_stand_twice(there: InPostgreSQL, come: list[int], broken: int) -> None:
    rules = policy()
    schema = published_schema(rules, rules.tables["line"])
    rows = batch_of(schema, [row(line_id=number) for number in come])
    with changing(PostgreSQLWarehouse(there.url)) as changes:
        changes.replace("lines", keys([22]), schema, iter([rows]), len(rows), "line_id")
        changes.seal(record("run-2"), SEAL)
        found, owed = changes.readable(), [Owed(UniqueKey(), "line_id", 1)]
        report = check_candidate(found.url, {found.analytics: {"lines": owed}}, changes=found)

    assert report.crashed == ()
    assert [one.rows for one in report.failed] == [broken] * bool(broken)


def test_of_a_table_in_which_nothing_changes_only_what_others_may_break_is_asked(there: InPostgreSQL) -> None:
    with changing(PostgreSQLWarehouse(there.url)) as changes:
        replace(changes, {"sale": [13]}, {})
        changes.seal(record("run-2"), SEAL)
        found, nothing = changes.readable(), TableFacts(TableCounts(), Totals(0, {}), Whole(5, 0, 5))
        suites = {"lines": list(owed_by(policy(), "line", nothing, AS_OF))}
        report = check_candidate(found.url, {found.analytics: suites}, changes=found)
    assert report.passed == 1
    assert {(one.promise, one.rows) for one in report.failed} == {("reference_holds", 1), ("nothing_expired", 1)}


def test_what_may_be_set_aside_and_what_may_be_strange_goes_by_the_whole_table() -> None:
    seen = TableCounts(fates=Counter({Fate.PUBLISHED: 1, Fate.QUARANTINED: 2}))
    whole = Whole(published=10_000, set_aside=4, in_source=20_000)
    owed = [one.promise for one in owed_by(policy(), "line", TableFacts(seen, Totals(3, {}), whole), AS_OF)]

    limit = policy().quarantine.allowed(20_000)
    assert WithinQuarantine(rows=4, allowed=limit) in owed
    assert RowCount(rows=1) in owed
    assert NotEmpty() in owed
    assert not any(isinstance(promise, NoValueDrift) for promise in owed)


def test_a_table_of_which_all_that_was_seen_was_set_aside_may_hold_rows_still() -> None:
    seen = TableCounts(fates=Counter({Fate.QUARANTINED: 1}))
    owed = list(owed_by(policy(), "line", TableFacts(seen, Totals(1, {}), Whole(5, 1, 6)), AS_OF))
    assert NotEmpty() in [one.promise for one in owed]
    gone = list(owed_by(policy(), "line", TableFacts(seen, Totals(1, {}), Whole(0, 0, 6)), AS_OF))
    assert NotEmpty() not in [one.promise for one in gone]
