"""A plan as a value: what its hash covers, when rows leave, what a checksum sees, what has changed in words."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from dataclasses import replace
from importlib.resources import files
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.changes import changes, outline
from privacy.content import METHOD, Content, comparable
from privacy.evidence import PublishedRun, TableCounts
from privacy.expiries import Expiries
from privacy.fates import NO_CLOCK, Fate
from privacy.groups import Groups
from privacy.keys import Epoch, Keys
from privacy.plan import Plan, TablePlan, columns_told, rules_of
from privacy.policy import Policy
from privacy.policy_file import read_policy
from privacy.retention import day_number
from privacy.sample import sample
from privacy.treat import EXPIRES_ON, FATE, REASON
from tests.corner_shop import POLICY

TODAY = datetime.date(2026, 3, 10)
KEYS = Keys(Epoch(1, TODAY, bytes(range(32))))
OTHER_KEYS = Keys(Epoch(2, TODAY, bytes(range(32, 64))))
COUNTS = TableCounts().as_json()


def policy(old: str = "", new: str = "") -> Policy:
    assert old in POLICY
    return read_policy(POLICY.replace(old, new, 1) if old else POLICY, "policy.yaml")


# ── the hash ──────────────────────────────────────────────────────────────────────────────────────────────────────


def table_plan(**changed: Any) -> TablePlan:
    table = policy().tables["sale"]
    given = {
        "source": "sale",
        "retention": table.retention.told(),
        "columns": columns_told(table),
        "counts": {**COUNTS, "extracted": 6, "published": 6},
        "expiries": Expiries({"2026-04": 1}, 5, 0),
        "content": f"{METHOD}:00",
    }
    return TablePlan(**{**given, **changed})


def plan(**changed: Any) -> Plan:
    given = {
        "policy_version": "1",
        "rules": rules_of(policy()),
        "key_fingerprint": KEYS.fingerprint(),
        "as_of": TODAY,
        "schema": {"sale": {"sale_id": "integer"}},
        "tables": {"sales": table_plan()},
        "changes": (),
        "warnings": (),
    }
    return Plan(**{**given, **changed})


OTHER_OUTCOMES: dict[str, dict[str, Any]] = {
    "other rules": {"rules": "0"},
    "another key": {"key_fingerprint": OTHER_KEYS.fingerprint()},
    "another day": {"as_of": TODAY + datetime.timedelta(days=1)},
    "another column in the source": {"schema": {"sale": {"sale_id": "integer", "note": "text"}}},
    "another type in the source": {"schema": {"sale": {"sale_id": "text"}}},
    "other counts": {"tables": {"sales": table_plan(counts={**COUNTS, "extracted": 6, "published": 5, "expired": 1})}},
    "another expiry": {"tables": {"sales": table_plan(expiries=Expiries({"2026-04": 0}, 6, 0))}},
    "other values": {"tables": {"sales": table_plan(content=f"{METHOD}:01")}},
    "another name": {"tables": {"purchases": table_plan()}},
}


@pytest.mark.parametrize("what", OTHER_OUTCOMES)
def test_what_decides_the_outcome_changes_the_hash(what: str) -> None:
    assert plan(**OTHER_OUTCOMES[what]).hash != plan().hash


def test_what_is_only_told_does_not_change_the_hash() -> None:
    assert (
        plan(changes=("x",), warnings=("y",), policy_version="2").hash == plan().hash == plan().as_json()["plan_hash"]
    )
    assert len(plan().hash) == 64


def test_rules_are_what_a_policy_says_and_not_how_its_file_is_written() -> None:
    assert rules_of(read_policy(f"# a remark\n{POLICY}\n", "other.yaml")) == rules_of(policy())
    assert rules_of(policy("after: sold_at", "after: sold_at, while_unset: keep")) != rules_of(policy())
    assert rules_of(policy("guest: {of: email", "guest: {of: text")) != rules_of(policy())


def test_the_code_of_a_function_of_ones_own_is_part_of_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("privacy.plan.code_digests", lambda policy: [])
    before = rules_of(policy())
    monkeypatch.setattr("privacy.plan.code_digests", lambda policy: ["a digest"])

    assert rules_of(policy()) != before


# ── when rows leave ───────────────────────────────────────────────────────────────────────────────────────────────


def test_expiries_are_counted_by_month_for_a_year_then_together() -> None:
    firsts = [datetime.date(2026, 4, 1)] * 2 + [datetime.date(2027, 3, 1), datetime.date(2027, 4, 1)]
    days = np.array([*(day_number(day) for day in firsts), NO_CLOCK], np.int32)

    found = Expiries.of(days, TODAY)

    assert list(found.months) == [f"2026-{month:02}" for month in range(4, 13)] + ["2027-01", "2027-02", "2027-03"]
    assert {month: rows for month, rows in found.months.items() if rows} == {"2026-04": 2, "2027-03": 1}
    assert (found.later, found.no_clock) == (1, 1)


@given(st.lists(st.integers(1, 600), max_size=30), st.dates(datetime.date(2000, 1, 1), datetime.date(2100, 1, 1)))
def test_each_row_leaves_once(months_ahead: list[int], as_of: datetime.date) -> None:
    month = np.datetime64(as_of, "M")
    days = (month + np.array(months_ahead, np.int64)).astype("datetime64[D]").astype(np.int32)

    found = Expiries.of(days, as_of)

    assert sum(found.months.values()) + found.later == len(months_ahead)
    assert list(found.months.values()) == [months_ahead.count(ahead) for ahead in range(1, 13)]


# ── groups of a derived table ─────────────────────────────────────────────────────────────────────────────────────

ROW = st.tuples(
    st.sampled_from([None, b"a" * 16, b"b" * 16, b"c" * 16]),
    st.sampled_from([fate for fate in Fate if fate != Fate.ORPHAN]),
    st.sampled_from([None, datetime.date(2026, 4, 1), datetime.date(2027, 4, 1)]),
    st.sampled_from(["x: not of its declared type", "y: in the future"]),
)


@given(st.lists(st.lists(ROW, max_size=12), max_size=3))
def test_a_group_is_published_if_any_of_its_rows_is_and_leaves_with_the_last(batches: list[list[Any]]) -> None:
    groups = Groups("guest_id")
    for batch in batches:
        keys, fates, expires, reasons = zip(*batch, strict=True) if batch else ((), (), (), ())
        stored = pa.ExtensionArray.from_storage(pa.uuid(), pa.array(keys, pa.binary(16)))
        columns = [stored, pa.array(fates, pa.uint8()), pa.array(expires, pa.date32()), pa.array(reasons, pa.string())]
        groups.add(pa.RecordBatch.from_arrays(columns, ["guest_id", FATE, EXPIRES_ON, REASON]))

    counts, days = groups.counts()

    rows: dict[bytes, list[Any]] = {}
    for key, *row in (row for batch in batches for row in batch):
        if key:
            rows.setdefault(key, []).append(row)
    published = {key: [end for fate, end, _ in group if fate == Fate.PUBLISHED] for key, group in rows.items()}
    others = {key: min(fate for fate, *_ in group) for key, group in rows.items() if not published[key]}
    reasons_of = {key: [reason for fate, _, reason in rows[key] if fate == Fate.QUARANTINED] for key in rows}
    ends = [[end for end in found if end] for found in published.values() if found]
    assert counts.fates == Counter([*others.values(), *(Fate.PUBLISHED for _ in ends)])
    assert counts.reasons == Counter(min(reasons_of[key]) for key in others if others[key] == Fate.QUARANTINED)
    assert sorted(days) == sorted(day_number(max(end)) if end else NO_CLOCK for end in ends)


# ── the checksum ──────────────────────────────────────────────────────────────────────────────────────────────────

WORD = st.none() | st.sampled_from(["", "a", "ab", "b"])
VALUES = st.lists(st.tuples(st.none() | st.integers(-9, 9), WORD), max_size=20)


def content(*batches: list[Any], keys: Keys = KEYS) -> str:
    found = Content(keys.content_key())
    for rows in batches:
        found.add(
            {
                "number": pa.array([number for number, _ in rows], pa.int64()),
                "word": pa.array([word for _, word in rows], pa.string()),
            }
        )
    return str(found)


@given(VALUES, st.integers(0, 20), st.randoms())
def test_neither_order_nor_batches_change_a_checksum(rows: list[Any], at: int, chance: Any) -> None:
    shuffled = chance.sample(rows, len(rows))

    assert content(rows) == content(shuffled[:at], shuffled[at:])


@given(VALUES, VALUES)
def test_equal_checksums_are_of_equal_rows(one: list[Any], other: list[Any]) -> None:
    assert (content(one) == content(other)) == (Counter(one) == Counter(other))


def test_a_checksum_is_anothers_under_another_key_and_says_how_it_was_made() -> None:
    assert content([(1, "a")]) != content([(1, "a")], keys=OTHER_KEYS)
    assert content([(1, "a")]).startswith(f"{METHOD}:")
    assert comparable(content([(1, "a")]), content([]))
    assert not comparable(content([(1, "a")]), "polars-1.0:00")


# ── what has changed ──────────────────────────────────────────────────────────────────────────────────────────────


def last(run_by: Policy, **record: Any) -> PublishedRun:
    counts = {name: {**COUNTS, "extracted": 6, "published": 6} for name in ("buyers", "sales", "lines")}
    kept = {"tables": counts, "outline": outline(run_by), "content": {"sales": f"{METHOD}:00"}, **record}
    now = datetime.datetime(2026, 3, 9, tzinfo=datetime.UTC)
    return PublishedRun("run", now, TODAY, run_by.version, run_by.digest, KEYS.fingerprint(), kept)


def told(now: Policy, before: PublishedRun | None, keys: Keys = KEYS, **tables: TablePlan) -> list[str]:
    return list(changes(now, keys, tables or {"sales": table_plan()}, before))


def test_nothing_changed_is_nothing_told() -> None:
    assert told(policy(), last(policy())) == []


def test_without_a_run_there_is_nothing_to_compare_with() -> None:
    assert told(policy(), None) == ["nothing is published yet"]


WORDS: dict[str, tuple[str, str, list[str]]] = {
    "a treatment": (
        "treatment: {kind: generalize, to: age_band, at: joined_at}",
        "treatment: suppress",
        ["buyers.birth_date: generalize, to: age_band, at: joined_at → suppress"],
    ),
    "a new column": (
        "      name: {type: text",
        "      nickname: {type: text, role: sensitive, treatment: suppress}\n      name: {type: text",
        ["buyers.nickname: a new column (suppress)"],
    ),
    "a period": (
        "keep_at_most: 7 years, after: sold_at",
        "keep_at_most: 5 years, after: sold_at",
        ["sales: retention: 7 years after sold_at → 5 years after sold_at"],
    ),
    "a name": ("publish_as: lines", "publish_as: items", ["items: a new table", "lines: no longer published"]),
    "a remark": ("time_zone:", "# a remark\ntime_zone:", []),
}


@pytest.mark.parametrize("what", WORDS)
def test_a_changed_policy_is_told_by_what_it_does_otherwise(what: str) -> None:
    old, new, words = WORDS[what]

    changed = told(policy(old, new), last(policy()))

    assert changed == ["policy: its file or a function that it names was changed, and still says version test", *words]


def test_a_column_that_is_gone_is_told() -> None:
    with_note = policy()
    without = policy("      note: {type: text, role: sensitive, treatment: suppress}\n", "")

    assert "sales.note: no longer published" in told(without, last(with_note))


def test_a_new_version_and_another_key_are_told() -> None:
    assert told(policy('version: "test"', 'version: "2"'), last(policy()), keys=OTHER_KEYS) == [
        "policy: version test → 2",
        f"key: {KEYS.fingerprint()} → {OTHER_KEYS.fingerprint()}; every token changes",
    ]


def test_rows_that_moved_are_told_by_fate() -> None:
    moved = table_plan(counts={**COUNTS, "extracted": 1_007, "published": 1_005, "expired": 2})

    assert told(policy(), last(policy()), sales=moved) == [
        "sales: rows extracted 6 → 1,007 (+1,001), published 6 → 1,005 (+999), expired 0 → 2 (+2)"
    ]


def test_values_that_changed_under_equal_counts_are_told() -> None:
    changed = table_plan(content=f"{METHOD}:01")

    assert told(policy(), last(policy()), sales=changed) == [
        "sales: as many rows as before, but values of the columns that are read have changed"
    ]


def test_values_are_not_compared_between_two_ways_of_adding_up() -> None:
    assert told(policy(), last(policy(), content={"sales": "polars-1.0:01"})) == []


def test_a_run_that_kept_no_outline_is_told_so() -> None:
    before = last(policy())
    older = replace(before, record={"tables": before.record["tables"]})

    assert told(policy(), older) == ["treatments: the last run did not note its own, so they cannot be compared"]


# ── the sample ────────────────────────────────────────────────────────────────────────────────────────────────────

SHIPPED = read_policy(files("policies").joinpath("autopar.yaml").read_text(encoding="utf-8"), "autopar.yaml")


def test_a_sample_shows_every_column_of_every_table() -> None:
    shown = sample(SHIPPED, 3)

    assert {name: [list(row) for row in rows] for name, rows in shown.items()} == {
        table.publish_as: [list(table.columns)] * 3 for table in SHIPPED.tables.values()
    }


def test_a_sample_goes_through_the_real_treatments() -> None:
    shown = sample(SHIPPED, 3)
    for table in SHIPPED.tables.values():
        for row in shown[table.publish_as]:
            for name, column in table.columns.items():
                before, after = row[name]["before"], row[name]["after"]
                if column.kept:
                    assert after == before
                elif not column.extracted:
                    assert after is None
                elif after is not None and column.treatment.kind == "pseudonymize":
                    assert after[14] == "8"
                    assert after != before


@pytest.mark.parametrize(
    ("name", "column", "shape"),
    [
        ("contact", "role: direct_identifier, treatment: {kind: mask, of: email, classes: {free: [x.nl]}}", r"\S+@\S+"),
        ("at", "role: quasi_identifier, treatment: {kind: generalize, to: postcode}", r"\d{4} ?[A-Z]{2}"),
        ("whose", "role: direct_identifier, treatment: {kind: pseudonymize, domain: guest}", r"\S+@\S+"),
        (
            "paid_by",
            "role: quasi_identifier, treatment: {kind: generalize, to: category, groups: {a: [ideal]}}",
            "ideal",
        ),
        ("iban", "role: direct_identifier, treatment: suppress", r"NL\d\d[A-Z]{4}\d+"),
        ("email_of_work", "role: direct_identifier, treatment: suppress", r"\S+@\S+"),
        ("first_name", "role: direct_identifier, treatment: suppress", r"[\w'-]+"),
        ("other", "from: iban, role: direct_identifier, treatment: suppress", r"NL\d\d[A-Z]{4}\d+"),
        ("text", "role: sensitive, treatment: suppress", r"(\w+ ){2,}\w+\."),
        ("what", "role: non_personal, treatment: keep, because: A word.", r"\w+"),
    ],
)
def test_a_sample_draws_what_a_treatment_reads_or_a_name_says_or_else_words(name: str, column: str, shape: str) -> None:
    note = "      note: {type: text, role: sensitive, treatment: suppress}\n"
    rows = sample(policy(note, f"      {name}: {{type: text, {column}}}\n"), 5)["sales"]

    assert [value for row in rows if not re.fullmatch(shape, value := str(row[name]["before"]))] == []


def test_a_sample_is_the_same_for_the_same_policy() -> None:
    assert sample(policy(), 2) == sample(policy(), 2)


def test_a_sample_shows_what_stands_in_for_a_missing_value() -> None:
    rows = sample(policy(), 3)["sales"]

    assert [row["guest_id"]["after"] is None for row in rows] == [True, True, False]
    assert [row["buyer_id"]["before"] is None for row in rows] == [False, False, True]
