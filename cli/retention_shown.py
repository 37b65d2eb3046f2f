"""The year to come, and a deletion in the source, as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.summary import print_whole, tell_warnings

WHY = {
    "deletable_now": "now",
    "later_this_year": "in a year",
    "later": "later",
    "open_ended": "open",
    "no_clock": "no clock",
    "held": "held",
    "restricted": "restricted",
    "needed_by_children": "needed",
}
"""The columns of the table that says why rows of the source stay, and their headings."""


def render_retention(console: Console, plan: dict[str, Any]) -> None:
    """Show what leaves by month and table, then why the rest of the source stays."""
    console.print(f"Retention as of {plan['as_of']}", highlight=False)
    if plan["warehouse"] is not None:
        _print_titled(console, "Rows that leave the warehouse, by month", _months(plan["warehouse"]))
    if plan["source"] is not None:
        _print_titled(console, "Rows that may be deleted in the source, by month", _months(_deletable(plan)))
        _print_titled(console, "Rows of the source, and why they stay", _why(plan["source"]))
    tell_warnings(console, plan["warnings"])
    if plan["source"] is not None:
        _what_next(console, plan)


def _print_titled(console: Console, title: str, table: Table) -> None:
    console.print(f"\n{title}", style="italic", highlight=False)
    print_whole(console, table)


def _deletable(plan: dict[str, Any]) -> dict[str, dict[str, int]]:
    return {name: {"now": table["deletable_now"], **table["by_month"]} for name, table in plan["source"].items()}


def _months(tables: Mapping[str, Mapping[str, int]]) -> Table:
    """Draw a row for each table of which something goes, and a column for each month in which it does."""
    going = {name: months for name, months in tables.items() if any(months.values())}
    drawn = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    drawn.add_column("table", no_wrap=True)
    months = [month for month in next(iter(tables.values()), {}) if any(table[month] for table in going.values())]
    for month in months:
        drawn.add_column(month.replace("-", "\n"), justify="right")
    for name, table in going.items():
        drawn.add_row(name, *(_count(table[month]) for month in months))
    if not going:
        drawn.add_row(Text("none in the year to come", style="dim"))
    return drawn


def _why(source: Mapping[str, Mapping[str, Any]]) -> Table:
    drawn = Table(box=SIMPLE_HEAD, pad_edge=False)
    drawn.add_column("table", no_wrap=True)
    for heading in ("rows", *WHY.values(), "stay until"):
        drawn.add_column(heading, justify="right")
    for name, table in source.items():
        counts = {**table, "later_this_year": sum(table["by_month"].values())}
        drawn.add_row(
            name, _count(table["rows"]), *(_count(counts[key]) for key in WHY), table["kept_until"] or Text("-", "dim")
        )
    return drawn


def _what_next(console: Console, plan: dict[str, Any]) -> None:
    rows = sum(table["deletable_now"] for table in plan["source"].values())
    console.print(f"\nPlan {plan['plan_hash']}", highlight=False, soft_wrap=True)
    if rows:
        console.print(
            f"It would delete {rows:,} rows in the source. Once somebody else has approved it:\n"
            f"  sluis retention apply --apply-to-source --plan {plan['plan_hash']}",
            highlight=False,
            soft_wrap=True,
        )


def _count(rows: int) -> Text:
    return Text(f"{rows:,}", style="" if rows else "dim")


def render_deletion(console: Console, done: dict[str, Any]) -> None:
    """Show what was deleted in the source."""
    drawn = Table(box=SIMPLE_HEAD, pad_edge=False)
    drawn.add_column("table", no_wrap=True)
    for heading in ("before", "removed", "after"):
        drawn.add_column(heading, justify="right")
    for name, rows in done["source"].items():
        drawn.add_row(name, *(_count(rows[key]) for key in ("before", "removed", "after")))
    console.print(drawn)
    removed = sum(rows["removed"] for rows in done["source"].values())
    console.print(f"Deleted {removed:,} rows in the source. Receipt {done['receipt_id']}", highlight=False)
