"""A plan and a sample as a person reads them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.summary import show_counts, tell_reasons, tell_warnings

BAR = 20
LARGEST = 2


def render_plan(console: Console, plan: dict[str, Any]) -> None:
    """Show what happens to each column, then what becomes of rows, when they leave, and what has changed."""
    for name, table in plan["tables"].items():
        _columns(console, name, table)
    console.print(f"A run would do this · policy {plan['policy_version']} · as of {plan['as_of']}", highlight=False)
    show_counts(console, plan["tables"])
    tell_reasons(console, plan["tables"])
    _expiries(console, plan["tables"])
    console.print("\nSince the last published run")
    for change in plan["changes"] or ["nothing has changed"]:
        console.print(f"  {change}", highlight=False, soft_wrap=True)
    tell_warnings(console, plan["warnings"])
    console.print(f"\nPlan {plan['plan_hash']}", highlight=False, soft_wrap=True)


def render_sample(console: Console, shown: dict[str, Any]) -> None:
    """Show each invented row before and after its treatment."""
    console.print("Invented rows, treated under a key that everybody knows. Nobody's data, and no source was opened.")
    for name, rows in shown["sample"].items():
        table = Table(title=name, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
        for heading in ("column", "treatment", "before", "after"):
            table.add_column(heading, overflow="fold")
        for row in rows:
            for column, value in row.items():
                table.add_row(
                    column, shown["treatments"][name][column], _value(value["before"]), _value(value["after"])
                )
            table.add_section()
        console.print(table)


def _value(value: str | None) -> Text:
    return Text("empty", style="dim") if value is None else Text(value)


def _columns(console: Console, name: str, table: dict[str, Any]) -> None:
    title = f"{name} · from {table['source']} · {table['retention']}"
    columns = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("column", "role", "treatment", "because"):
        columns.add_column(heading)
    for column, told in table["columns"].items():
        columns.add_row(column, told["role"].replace("_", " "), Text(told["treatment"]), Text(told["because"] or ""))
    console.print(columns)


def _expiries(console: Console, tables: dict[str, Any]) -> None:
    """Draw how many rows leave in each month to come, and of which tables most."""
    months = next(iter(tables.values()))["expiries"]["months"]
    leaving = {month: Counter({name: t["expiries"]["months"][month] for name, t in tables.items()}) for month in months}
    most = max(counts.total() for counts in leaving.values()) or 1
    chart = Table.grid(padding=(0, 2))
    for month, counts in leaving.items():
        bar = "█" * -(-BAR * counts.total() // most)
        named = ", ".join(f"{name} {rows:,}" for name, rows in counts.most_common(LARGEST) if rows)
        chart.add_row(month, f"{counts.total():,}", Text(bar, style="cyan"), Text(named, style="dim"))
    chart.columns[1].justify = "right"
    later, never = (sum(table["expiries"][key] for table in tables.values()) for key in ("later", "no_clock"))
    console.print("Rows that leave on the first of")
    console.print(chart)
    console.print(f"later {later:,} · no clock runs {never:,}", highlight=False)
