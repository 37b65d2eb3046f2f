"""What differs between the last published run and the next, in words: names, treatments and counts; never a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from privacy.content import comparable
from privacy.evidence import COUNTED, PublishedRun
from privacy.keys import Keys
from privacy.plan import TablePlan
from privacy.policy import Policy

Outline = Mapping[str, Mapping[str, Any]]
"""Published tables, each with its `retention` and its `columns`, as told."""


def outline(policy: Policy) -> Outline:
    """Say in short what a policy does to each table and column; run records keep it, to be compared with."""
    return {
        table.publish_as: {
            "retention": table.retention.told(),
            "columns": {name: column.treatment.told() for name, column in table.columns.items()},
        }
        for table in policy.tables.values()
    }


def changes(policy: Policy, keys: Keys, tables: Mapping[str, TablePlan], last: PublishedRun | None) -> Iterator[str]:
    """Tell all that differs since the last published run."""
    if last is None:
        yield "nothing is published yet"
        return
    if policy.version != last.policy_version:
        yield f"policy: version {last.policy_version} → {policy.version}"
    elif policy.digest != last.policy_digest:
        yield f"policy: its file or a function that it names was changed, and still says version {policy.version}"
    contents = last.record.get("content", {})
    if keys.fingerprint() != last.key_fingerprint:
        contents = {}  # added up under another key
        yield f"key: {last.key_fingerprint} → {keys.fingerprint()}; every token changes"
    yield from _rules(outline(policy), last.record.get("outline", {}))
    for name, table in tables.items():
        yield from _rows(name, table, _whole(last.record["tables"].get(name)), contents.get(name))


def _rules(now: Outline, before: Outline) -> Iterator[str]:
    if not before:
        yield "treatments: the last run did not note its own, so they cannot be compared"
        return
    for name in {**now, **before}:
        if name not in before:
            yield f"{name}: a new table"
        elif name not in now:
            yield f"{name}: no longer published"
        else:
            yield from _told(f"{name}: retention", now[name]["retention"], before[name]["retention"])
            columns, columns_before = now[name]["columns"], before[name]["columns"]
            for column in {**columns, **columns_before}:
                yield from _told(f"{name}.{column}", columns.get(column), columns_before.get(column))


def _told(what: str, now: str | None, before: str | None) -> Iterator[str]:
    if before is None:
        yield f"{what}: a new column ({now})"
    elif now is None:
        yield f"{what}: no longer published"
    elif now != before:
        yield f"{what}: {before} → {now}"


def _whole(counts: Mapping[str, int] | None) -> Mapping[str, int] | None:
    """Give what the last run knew of all rows of a table: where it saw only some, how many are published."""
    return {"published": counts["in_table"]} if counts and "in_table" in counts else counts


def _rows(name: str, table: TablePlan, counts: Mapping[str, int] | None, content: str | None) -> Iterator[str]:
    if counts is None:
        return
    words = ("extracted", *(fate.word for fate in COUNTED), "held")
    moved = [
        f"{word} {counts[word]:,} → {table.counts[word]:,} ({table.counts[word] - counts[word]:+,})"
        for word in words
        if table.counts[word] != counts.get(word, table.counts[word])
    ]
    if moved:
        yield f"{name}: rows {', '.join(moved)}"
    elif content and comparable(content, table.content) and content != table.content:
        yield f"{name}: as many rows as before, but values of the columns that are read have changed"
