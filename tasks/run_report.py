"""A run as people read it in Prefect: a summary in Markdown, and tables. Names, counts, days and lines; no values."""

from __future__ import annotations

import datetime
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from privacy.errors import DriftError, GateError
from privacy.evidence import COUNTED, CrashedCheck, FailedPromise, PublishedRun, RunRecord
from privacy.policy import Policy
from privacy.source_plan import months_ahead
from privacy.ways_out import WAYS_OUT, of_crash
from stores.ledger.request import Request

Rows = list[dict[str, Any]]

OPEN = ("registered", "decided", "noted")
"""States of a request in which somebody still waits."""


RUNS_COMPARED = 10


def comparable(record: RunRecord, runs: Iterable[PublishedRun]) -> list[PublishedRun]:
    """Choose the runs, a few of them, that a run's time says something beside: those that read as it did."""
    alike = (run for run in runs if run.record.get("mode", "full") == record.mode)
    return list(itertools.islice(alike, RUNS_COMPARED))


def summary(record: RunRecord, policy: Policy, runs: Sequence[PublishedRun]) -> str:
    """Tell a published run in a few lines; `runs` are the last ones that it compares with, itself among them."""
    totals = Counter[str]()
    for table in record.tables.values():
        totals.update({"extracted": table.extracted} | {fate.word: table.fates[fate] for fate in COUNTED})
    facts = {
        "as of": record.as_of,
        "policy": f"{Path(policy.file).name}, version {record.policy_version}",
        **_read(record),
        "promises": f"{record.gates.passed:,} hold",
        "rows": ", ".join(f"{rows:,} {word}" for word, rows in totals.items() if rows) or "none",
        "requests": f"{record.requests['applied']:,} applied, {record.requests['pending']:,} waiting for approval",
        "time": f"{record.seconds:.1f} s{_compared(record, runs)}",
    }
    said = [f"# {record.kind.capitalize()} {record.run_id}: published", "", "| | |", "|---|---|"]
    said += [f"| {what} | {fact} |" for what, fact in facts.items()]
    said += ["", "## What deserves a look", "", *(f"* {warning}" for warning in record.warnings or ["Nothing."])]
    return "\n".join([*said, "", "Rows are pseudonymised personal data: for analysts, not for the public."])


def _read(record: RunRecord) -> dict[str, str]:
    """Tell which rows were read, where it was not simply all of them."""
    if record.mode == "incremental":
        total = sum(table.published_rows for table in record.tables.values())
        return {"read": f"what changed, and what follows from it; published in all: {total:,} rows"}
    return {"read": f"all rows, because {record.why_full}"} if record.why_full else {}


def _compared(record: RunRecord, runs: Iterable[PublishedRun]) -> str:
    before = [run.record["seconds"] for run in runs if run.run_id != record.run_id]
    alike = f" {record.mode}" * (record.kind == "refresh")
    return f"; {median(before):.1f} s in the middle of the last {len(before)}{alike}" if before else ""


def counts(record: RunRecord) -> Rows:
    """Tell what became of each table's rows."""
    shown = ("extracted", *(fate.word for fate in COUNTED), "held", "in_table")
    told = {name: table.as_json() for name, table in record.tables.items()}
    return [{"table": name, **{key: of[key] for key in shown if key in of}} for name, of in told.items()]


def gates(record: RunRecord, policy: Policy) -> Rows:
    """Tell of each table whether its promises hold, and of each that does not where the policy makes it."""
    broken: list[FailedPromise | CrashedCheck] = [*record.gates.failed, *record.gates.crashed]
    lines = {table.publish_as: policy.line("tables", name) for name, table in policy.tables.items()}
    lines |= {name: policy.line("marts", name) for name in record.marts}
    whole = lines.keys() - {found.table for found in broken}
    return [_broken(found, policy) for found in broken] + [
        {"table": name, "column": "", "promise": "all", "result": "hold", "rows": "", "policy line": line}
        for name, line in lines.items()
        if name in whole
    ]


def _broken(found: FailedPromise | CrashedCheck, policy: Policy) -> dict[str, Any]:
    rows = None if isinstance(found, CrashedCheck) else found.rows
    return {
        "table": found.table,
        "column": found.column or "",
        "promise": found.promise,
        "result": "could not be checked" if isinstance(found, CrashedCheck) else "broken",
        "rows": "" if rows is None else rows,
        "policy line": found.policy_line,
    }


def expiries(found: Mapping[str, Mapping[datetime.date | None, int]], as_of: datetime.date) -> Rows:
    """Tell by month, for the year to come, how many rows leave and of which tables."""
    leaving: dict[str, Counter[str]] = {month: Counter() for month in months_ahead(as_of)}
    for table, days in found.items():
        for day, rows in days.items():
            if day and (month := f"{max(day, as_of):%Y-%m}") in leaving:
                leaving[month][table] += rows
    return [
        {"month": month, "rows": tables.total(), "tables": ", ".join(f"{t} {n:,}" for t, n in tables.most_common())}
        for month, tables in leaving.items()
    ]


def requests_by_state(requests: Iterable[Request]) -> Rows:
    """Count requests and their people by right and state, with the day on which the first open one is due."""
    grouped: dict[tuple[str, str], list[Request]] = {}
    for request in requests:
        grouped.setdefault((request.right, request.state), []).append(request)
    return [
        {
            "right": right,
            "state": state,
            "requests": len(those),
            "people": sum(request.subjects for request in those),
            "first due": str(min(request.due_on for request in those)) if state in OPEN else "",
        }
        for (right, state), those in sorted(grouped.items())
    ]


def timings(runs: Iterable[PublishedRun]) -> Rows:
    """Tell how long the last runs took, and for how much."""
    return [
        {
            "run": run.run_id,
            "began (UTC)": f"{run.started_at:%Y-%m-%d %H:%M}",
            "seconds": run.record["seconds"],
            "rows read": sum(table["extracted"] for table in run.record["tables"].values()),
            "rows published": sum(table["published"] for table in run.record["tables"].values()),
        }
        for run in runs
    ]


def refused(error: GateError, policy_file: str) -> str:
    """Tell a closed gate: which promise, which policy line, how many rows, what to do."""
    found = error.record.gates if error.record else None
    said = ["# The gate refused this run; nothing was published", ""]
    said += ["| promise | where | policy line | rows | what to do |", "|---|---|---|---|---|"]
    closed: list[FailedPromise | CrashedCheck] = [*found.failed, *found.crashed] if found else []
    for broken in closed:
        where = f"{broken.table}.{broken.column}" if broken.column else broken.table
        rows, way_out = _rows_and_way_out(broken)
        said.append(f"| `{broken.promise}` | `{where}` | {policy_file}:{broken.policy_line} | {rows} | {way_out} |")
    passed = found.passed if found else 0
    return "\n".join([*said, "", f"{passed:,} promises hold. What analysts see is what the last published run made."])


def _rows_and_way_out(broken: FailedPromise | CrashedCheck) -> tuple[str, str]:
    if isinstance(broken, CrashedCheck):
        return "", f"The check itself crashed ({broken.exception}). {of_crash(broken.exception)}"
    return "" if broken.rows is None else f"{broken.rows:,}", WAYS_OUT[broken.promise]


def drifted(error: DriftError) -> Rows:
    """Tell how source and policy differ."""
    return [{key: value or "" for key, value in found.items()} for found in error.drift]
