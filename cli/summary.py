"""A run's end as a person reads it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from cli.answer import Verbatim
from privacy.evidence import COUNTED
from stores.settings import database_url

WIDEST = 200
"""Columns of a terminal that no table here needs."""

_QUERY = "select schema_name, table_name, estimated_size as rows, comment from duckdb_tables() order by all"


def render_run(console: Console, run: dict[str, Any]) -> None:
    """Show what became of each table's rows, how the gates stand, and where to look next."""
    console.print(f"Run {run['run_id']} · policy {run['policy_version']} · as of {run['as_of']}", highlight=False)
    show_counts(console, run["tables"])
    if why_full := run.get("why_full"):
        console.print(f"All rows were read: {why_full}.", highlight=False)
    tell_reasons(console, run["tables"])
    tell_gates(console, run)
    tell_warnings(console, run["warnings"])
    if run["published"]:
        _where_to_look(console)


def render_publish(console: Console, run: dict[str, Any]) -> None:
    """Show a publish that only took rows out."""
    console.print(f"Run {run['run_id']} · as of {run['as_of']}", highlight=False)
    show_counts(console, run["tables"])
    tell_gates(console, run, f"; requests applied: {run['requests']['applied']}" if run["published"] else "")
    tell_warnings(console, run["warnings"])


def show_counts(console: Console, tables: dict[str, Any]) -> None:
    """Show what becomes of each table's rows: as a table, or in words where a terminal is too narrow for it."""
    table = _counts_table(tables)
    if not console.is_terminal or _width(console, table) <= console.width:
        print_whole(console, table)
        return
    for name, counts in tables.items():
        fates = ", ".join(f"{counts[fate.word]:,} {fate.word}" for fate in COUNTED if counts[fate.word])
        whole = f"; {counts['in_table']:,} in table" if "in_table" in counts else ""
        told = f"  {name}: {counts['extracted']:,} extracted: {fates or 'none'}{whole}"
        console.print(told, highlight=False)


def _counts_table(tables: dict[str, Any]) -> Table:
    """Draw a row for each table; fates of no row anywhere are left out."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("table", no_wrap=True)
    words = [fate.word for fate in COUNTED]
    shown = [word for word in words if word == "published" or any(counts[word] for counts in tables.values())]
    shown = ["extracted", *shown, *(["in_table"] if any("in_table" in counts for counts in tables.values()) else [])]
    for heading in shown:
        table.add_column(heading.replace("_", " "), justify="right")
    for name, counts in tables.items():
        table.add_row(name, *(Text(f"{counts[key]:,}", style="" if counts[key] else "dim") for key in shown))
    return table


def print_whole(console: Console, table: Table) -> None:
    """Print a table as wide as it is: figures that are cut off say nothing."""
    Verbatim(file=console.file, width=max(console.width, _width(console, table))).print(table)


def _width(console: Console, table: Table) -> int:
    return Measurement.get(console, console.options.update(width=WIDEST, markup=False), table).maximum


def tell_gates(console: Console, run: dict[str, Any], also: str = "") -> None:
    """Say how the gates stand, and whether anything was published."""
    gates, done = run["gates"], "Published" if run["published"] else "Not published"
    broken = f", {len(gates['failed'])} broken, {len(gates['crashed'])} checks crashed" if not run["published"] else ""
    console.print(
        f"Gates: {gates['passed']} promises hold{broken}. {done} in {run['seconds']:.1f} s{also}.", highlight=False
    )


def tell_warnings(console: Console, warnings: Iterable[str]) -> None:
    """Say what deserves a look, a line each."""
    for warning in warnings:
        console.print(Text.assemble(("!", "yellow"), f" {warning}"), soft_wrap=True)


def tell_reasons(console: Console, tables: dict[str, Any]) -> None:
    """Say why rows are set aside."""
    for name, counts in tables.items():
        for reason, rows in counts["quarantine_reasons"].items():
            console.print(f"  set aside of {name}: {rows:,}, {reason}", highlight=False, soft_wrap=True)


def _where_to_look(console: Console) -> None:
    warehouse = database_url("warehouse", os.environ)
    look = f"psql {warehouse.database} -c '\\dt+ (analytics|marts).*'"
    if warehouse.get_backend_name() == "duckdb":
        asked = f"import duckdb; duckdb.connect('{warehouse.database}', read_only=True).sql('{_QUERY}').show()"
        look = f'{sys.executable} -c "{asked}"'
    console.print("\nRows are pseudonymised personal data: for analysts, not for the public. Look around with")
    console.print(f"  {look}", soft_wrap=True, highlight=False)
