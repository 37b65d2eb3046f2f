"""Value drift: values of a personal kind in columns that should hold none, and waivers, which let some pass for a time.

What a policy calls non-personal is profiled in every run, and what it keeps as it is. Values of a personal kind found
there stop the publish, unless somebody has put their name to them.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import pyarrow as pa

from privacy.evidence import DriftedValues, FailedPromise, GateReport
from privacy.policy import Column, Policy, Waiver
from privacy.policy_parts import Broken

NOTICE = datetime.timedelta(days=30)
"""How long before its end a waiver is worth a warning."""


def profiled_as(column: Column, time_zone: str) -> Literal["text", "number"] | None:
    """Tell how a column is profiled; None where it holds neither text nor whole numbers, or is personal and treated."""
    if not column.profiled:
        return None
    published = column.treatment.gives(column.type, time_zone)
    if pa.types.is_string(published):
        return "text"
    whole = pa.types.is_integer(published) or (pa.types.is_decimal(published) and published.scale == 0)
    return "number" if whole else None


def broken_waivers(policy: Policy) -> Iterator[Broken]:
    """Give every waiver that could never excuse anything."""
    seen: set[tuple[str, str, str]] = set()
    for index, waiver in enumerate(policy.waivers):
        at, table = ("waivers", index), policy.tables.get(waiver.table)
        if table is None:
            yield (*at, "table"), "names a table that the policy does not have; name it as under tables"
        elif waiver.column not in table.columns:
            yield (*at, "column"), f"names {waiver.column}, which is not among the columns of {waiver.table}"
        elif not profiled_as(table.columns[waiver.column], policy.time_zone):
            yield (
                (*at, "column"),
                f"names {waiver.column}, which is not profiled; kept and non-personal text and whole numbers are",
            )
        elif (waiver.table, waiver.column, waiver.kind) in seen:
            yield at, "waives what a waiver above it does; leave out one of the two"
        seen.add((waiver.table, waiver.column, waiver.kind))


def excuse(report: GateReport, policy: Policy, day: datetime.date) -> tuple[GateReport, list[str]]:
    """Take out of a gate's report what a waiver still excuses on a day; give what is worth a warning."""
    signed = {(policy.tables[waiver.table].publish_as, waiver.column, waiver.kind): waiver for waiver in policy.waivers}
    excused, lapsed = list[DriftedValues](), dict[FailedPromise, FailedPromise]()
    for found in report.drifted:
        waiver = signed.get(found.place)
        if waiver and day <= waiver.until:
            excused.append(found)
        elif waiver:
            lapsed[found] = replace(found, waived_until=waiver.until.isoformat())
    failed = tuple(lapsed.get(failure, failure) for failure in report.failed if failure not in excused)
    left = replace(report, failed=failed)
    clean = {found.place[:2] for found in excused} - {found.place[:2] for found in left.drifted}
    warnings = [*(_excused(found, signed[found.place]) for found in excused), *_due(report, policy, day)]
    return replace(left, passed=left.passed + len(clean)), warnings


def _excused(found: DriftedValues, waiver: Waiver) -> str:
    rows = f"{found.table}.{found.column}: rows with a value of kind {found.kind}: {found.rows:,}"
    return f"{rows}; waived by {waiver.owner} until {waiver.until}"


def _due(report: GateReport, policy: Policy, day: datetime.date) -> Iterator[str]:
    """Tell waivers that somebody should look at: those without a use, and those about to end."""
    drifted = {found.place for found in report.drifted}
    for index, waiver in enumerate(policy.waivers):
        published = policy.tables[waiver.table].publish_as
        line = policy.line("waivers", index)
        called = f"{policy.file}:{line}: the waiver of {waiver.kind} in {published}.{waiver.column}"
        if (published, waiver.column, waiver.kind) not in drifted:
            yield f"{called} excuses nothing; take it out"
        elif day <= waiver.until <= day + NOTICE:
            yield f"{called} ends on {waiver.until}; mend the source until then, or have it signed anew"
