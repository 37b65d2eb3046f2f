"""`make bench`: the chamber beside an untreated copy and a hand-written pandas script, on one shop, in one run.

Each runs as a process of its own, one after the other. Ratios are of CPU seconds of the same run.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Measured, Step, measured_in_own_process

CONTESTANTS = {"untreated": "copy", "chamber": "Sluis", "by_hand": "by hand"}
APART = ("imports", "look ahead", "gate", "publish")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000, help="how many orders the shop has had")
    orders = parser.parse_args().orders
    console = Console(width=100)
    with tempfile.TemporaryDirectory(prefix="sluis-bench-") as name:
        folder = Path(name)
        command = [sys.executable, "-m", "cli.main", "demo", "--dir", name, "--orders", str(orders), "--shop-only"]
        with console.status("making the shop"):
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        results = {}
        for contestant, told in CONTESTANTS.items():
            with console.status(f"running: {told}"):
                results[contestant] = measured_in_own_process(contestant, folder)
        console.print(by_table(orders, results))
        console.print(in_all(results))


def by_table(orders: int, results: dict[str, Measured]) -> Table:
    """Show extraction, treatment and staging of each table, beside the copy and the script."""
    shown = Table(title=f"A shop of {orders:,} orders: CPU µs a row, from read to written", title_justify="left")
    shown.caption = "Sluis reads all rows and writes those that may be published; the others write all."
    shown.add_column("table", no_wrap=True)
    for heading in ("rows", *CONTESTANTS.values(), "Sluis/copy", "hand/Sluis"):
        shown.add_column(heading, justify="right", no_wrap=True)
    steps = {name: {step.name: step for step in result.steps} for name, result in results.items()}
    for name, ours in steps["chamber"].items():
        if name in APART:
            continue
        copy, hand = steps["untreated"].get(name), steps["by_hand"].get(name)
        shown.add_row(name, *_compared(copy, ours, hand))
    shown.add_section()
    copy, ours, hand = (_sum(results[name]) for name in CONTESTANTS)
    shown.add_row("all", *_compared(copy, ours, hand))
    return shown


def in_all(results: dict[str, Measured]) -> Table:
    """Show what stands beside the tables: imports, gates, publishing; whole seconds and peaks of memory."""
    shown = Table(title="Whole processes: seconds (of which CPU)", title_justify="left")
    shown.add_column("step", no_wrap=True)
    for told in CONTESTANTS.values():
        shown.add_column(told, justify="right")
    for name in APART:
        steps = [next((s for s in result.steps if s.name == name), None) for result in results.values()]
        shown.add_row(name, *("" if step is None else _seconds(step) for step in steps))
    shown.add_row("tables", *(_seconds(_sum(result)) for result in results.values()))
    shown.add_section()
    shown.add_row("peak of memory", *(f"{result.peak:,.0f} MB" for result in results.values()))
    return shown


def _sum(result: Measured) -> Step:
    tables = [step for step in result.steps if step.name not in APART]
    return Step("all", sum(s.rows for s in tables), sum(s.seconds for s in tables), sum(s.cpu for s in tables))


def _compared(copy: Step | None, ours: Step, hand: Step | None) -> list[str]:
    each = ["" if step is None else f"{step.cpu / max(step.rows, 1) * 1e6:.2f}" for step in (copy, ours, hand)]
    ratios = [
        f"{ours.cpu / copy.cpu:.2f}" if copy else "",
        f"{hand.cpu / ours.cpu:.2f}" if hand else "",
    ]
    return [f"{ours.rows:,}", *each, *ratios]


def _seconds(step: Step) -> str:
    return f"{step.seconds:.1f} ({step.cpu:.1f})"


if __name__ == "__main__":
    main()
