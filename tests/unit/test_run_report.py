"""A run as Prefect shows it: what the record says, in words and tables, and what to do where a promise is broken."""

from __future__ import annotations

import dataclasses
import datetime
from collections import Counter
from typing import Literal, get_args

import pytest

from privacy import mart_promises, promises
from privacy.errors import DriftError, GateError
from privacy.evidence import CrashedCheck, FailedPromise, GateReport, PublishedRun, RunRecord, TableCounts
from privacy.fates import Fate
from privacy.policy import Policy
from privacy.policy_file import read_policy
from privacy.ways_out import WAYS_OUT
from stores.ledger.request import Request
from tasks import run_report as report
from tests.corner_shop import POLICY

DAY = datetime.date(2026, 11, 26)
MODES: tuple[Literal["full", "incremental"], ...] = ("full", "incremental")
NOON = datetime.datetime(2026, 11, 26, 12, tzinfo=datetime.UTC)


@pytest.fixture
def policy() -> Policy:
    return read_policy(POLICY, "folder/of/somebody/policy.yaml")


def record(seconds: float = 3.0, run: str = "now", gates: GateReport = GateReport(passed=42)) -> RunRecord:  # noqa: B008
    made = RunRecord(run, "7", "digest", "print", DAY, published=True, seconds=seconds, gates=gates)
    made.tables["buyers"] = TableCounts(Counter({Fate.PUBLISHED: 900, Fate.EXPIRED: 100}))
    made.tables["sales"] = TableCounts(Counter({Fate.PUBLISHED: 50, Fate.ERASED: 3}))
    return made


def published(made: RunRecord) -> PublishedRun:
    return PublishedRun(made.run_id, NOON, DAY, "7", "digest", "print", made.to_keep())


def request(state: str, due: int, right: str = "erasure") -> Request:
    on = datetime.date(2026, 12, due)
    return Request("id", "ref", right, "command", "me", NOON, on, NOON, state, 2, False, None, None, None, None)


def test_the_summary_tells_rows_promises_requests_and_time_against_the_last_runs(policy: Policy) -> None:
    now = record(3.0)
    runs = [published(now), published(record(1.0, "a")), published(record(2.0, "b")), published(record(9.0, "c"))]

    text = report.summary(now, policy, runs)

    assert "# Refresh now: published" in text
    assert "1,053 extracted, 950 published, 100 expired, 3 erased" in text
    assert "42 hold" in text
    assert "| time | 3.0 s; 2.0 s in the middle of the last 3 full |" in text
    assert "* Nothing." in text


def test_the_summary_tells_every_warning(policy: Policy) -> None:
    now = record()
    now.warnings += ["sales: rows in quarantine: 3", "requests due within 7 days: 1"]

    text = report.summary(now, policy, [])

    assert all(f"* {warning}" in text for warning in now.warnings)


def test_no_report_tells_the_folder_of_the_policy(policy: Policy) -> None:
    gate = GateError("refused")
    gate.record = record(gates=GateReport(1, (FailedPromise("is_token", "buyers", "buyer_id", 12, 3),)))

    assert "somebody" not in report.summary(record(), policy, [])
    assert "somebody" not in report.refused(gate, "policy.yaml")


def test_gates_tell_broken_promises_first_with_their_line_and_then_the_tables_that_are_whole(policy: Policy) -> None:
    failed = FailedPromise("is_token", "buyers", "buyer_id", 12, 3)
    crashed = CrashedCheck("between", "sales", "total", 30, "duckdb.ConversionException")

    rows = report.gates(record(gates=GateReport(1, (failed,), (crashed,))), policy)

    assert [(row["table"], row["result"], row["rows"], row["policy line"]) for row in rows[:2]] == [
        ("buyers", "broken", 3, 12),
        ("sales", "could not be checked", "", 30),
    ]
    assert {row["table"] for row in rows[2:]} == {table.publish_as for table in policy.tables.values()} - {
        "buyers",
        "sales",
    }
    lines = POLICY.splitlines()
    assert all(f"publish_as: {row['table']}" in lines[row["policy line"]] for row in rows[2:])


def test_a_closed_gate_tells_promise_line_rows_and_what_to_do() -> None:
    error = GateError("refused")
    error.record = record(gates=GateReport(40, (FailedPromise("no_value_drift", "sales", "note", 31, 1234),)))

    text = report.refused(error, "policy.yaml")

    assert f"| `no_value_drift` | `sales.note` | policy.yaml:31 | 1,234 | {WAYS_OUT['no_value_drift']} |" in text
    assert "40 promises hold" in text


KINDS = {
    get_args(thing.model_fields["kind"].annotation)[0]
    for module in (promises, mart_promises)
    for thing in vars(module).values()
    if isinstance(thing, type) and "kind" in getattr(thing, "model_fields", {})
}


def test_there_is_a_way_out_of_every_kind_of_broken_promise() -> None:
    assert len(KINDS) > 25
    assert WAYS_OUT.keys() == KINDS


def test_expiries_are_told_by_month_and_what_should_be_gone_leaves_now() -> None:
    found = {
        "sales": {datetime.date(2026, 10, 1): 4, datetime.date(2027, 2, 1): 5, None: 100},
        "buyers": {datetime.date(2027, 2, 1): 9, datetime.date(2040, 1, 1): 7},
    }

    rows = report.expiries(found, DAY)

    assert (len(rows), rows[0]["month"], rows[-1]["month"]) == (13, "2026-11", "2027-11")
    told = {row["month"]: (row["rows"], row["tables"]) for row in rows if row["rows"]}
    assert told == {"2026-11": (4, "sales 4"), "2027-02": (14, "buyers 9, sales 5")}


def test_requests_are_counted_by_right_and_state_and_only_open_ones_are_due() -> None:
    those = [request("registered", 9), request("registered", 4), request("applied", 1), request("noted", 3, "access")]

    rows = {(row["right"], row["state"]): row for row in report.requests_by_state(those)}

    waiting = rows["erasure", "registered"]
    assert (waiting["requests"], waiting["people"], waiting["first due"]) == (2, 4, "2026-12-04")
    assert rows["erasure", "applied"]["first due"] == ""
    assert rows["access", "noted"]["first due"] == "2026-12-03"


def test_timings_tell_the_last_runs_newest_first() -> None:
    rows = report.timings([published(record(3.0, "new")), published(record(1.0, "old"))])

    assert [(row["run"], row["seconds"], row["rows read"], row["rows published"]) for row in rows] == [
        ("new", 3.0, 1053, 950),
        ("old", 1.0, 1053, 950),
    ]


def test_a_run_is_compared_with_those_that_read_as_it_did() -> None:
    """A night that read what changed says nothing of one that read all rows."""
    runs = [dataclasses.replace(record(run=f"{mode} {n}"), mode=mode) for n in range(12) for mode in MODES]
    kept = list(map(published, runs))

    for mode in MODES:
        alike = report.comparable(dataclasses.replace(record(), mode=mode), kept)
        assert [run.run_id for run in alike] == [f"{mode} {n}" for n in range(10)]


def test_retention_runs_and_those_of_before_there_were_modes_compare_as_well() -> None:
    kept = [published(dataclasses.replace(record(run=kind), kind=kind)) for kind in ("retention", "refresh")]
    del kept[1].record["mode"]  # type: ignore[attr-defined]

    assert report.comparable(dataclasses.replace(record(), kind="retention"), kept[:1]) == kept[:1]
    assert report.comparable(record(), kept[1:]) == kept[1:]


def test_drift_is_told_by_kind_table_and_column() -> None:
    error = DriftError("drift")
    error.drift = [
        {"kind": "new_column", "table": "buyer", "column": "bsn"},
        {"kind": "new_table", "table": "x", "column": None},
    ]

    assert report.drifted(error)[1] == {"kind": "new_table", "table": "x", "column": ""}
