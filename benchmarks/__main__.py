"""`make bench`: Sluis beside plain copies, SQL and a hand-written script on one shop, in one run; then taken apart."""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.incremental import incremental
from benchmarks.measure import Measured, measured_in_own_process
from benchmarks.places import shop_of
from benchmarks.race import RACE, race
from benchmarks.report import REPORTS
from benchmarks.servers import servers

APART = ("treatment", "gate", "erasure", "orchestration")
"""Modules that take one thing apart."""
SERVERS = "servers"
INCREMENTAL = "incremental"
MEMORY = "memory"
WIDTH = 120
ALL = (*RACE, *APART, SERVERS, INCREMENTAL, MEMORY)
LIBRARIES = ("duckdb", "pyarrow", "pandas", "polars", "numba", "great-expectations", "prefect", "faker")


def main() -> None:
    """Measure what was asked for, show it, and write all of it to a file if one was named."""
    chosen, console = parser().parse_args(), Console(width=WIDTH)
    with ExitStack() as stack:
        folder = chosen.dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sluis-bench-")))
        say: Callable[[str], None] = lambda text: None  # noqa: E731
        if console.is_terminal:
            say = stack.enter_context(console.status("")).update
        results = measured(chosen, folder.absolute(), say)
    for name, report in REPORTS.items():
        if name in results:
            console.print(*report(results[name]), sep="\n")
    if chosen.json:
        chosen.json.write_text(json.dumps(surroundings(chosen) | results, default=vars, indent=1), encoding="utf-8")


def measured(chosen: argparse.Namespace, folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Make the shops that are wanted, and measure on them."""
    results: dict[str, Any] = {}
    wanted = [name for name in ALL if name in chosen.only]
    if wanted != [MEMORY]:
        say("making the shop")
        shop = shop_of(chosen.orders, folder)
    if racing := [name for name in wanted if name in RACE]:
        results["race"] = race(shop, racing, chosen.rounds, chosen.by_hand_share, say)
    for module in APART:
        if module in wanted:
            say(module)
            results[module] = measured_in_own_process(module, shop)
    if "gate" in wanted and chosen.postgresql:
        results["gate_in_postgresql"] = measured_in_own_process("gate", shop, chosen.postgresql)
    if chosen.postgresql:
        say("ingest")
        results["ingest"] = measured_in_own_process("ingest", folder, chosen.postgresql)
    if SERVERS in wanted:
        results[SERVERS] = servers(shop, chosen.rounds, say)
    if INCREMENTAL in wanted:
        results[INCREMENTAL] = incremental(shop, say)
    if MEMORY in wanted:
        results[MEMORY] = memory(chosen.sizes, folder, say)
    return results


def memory(sizes: tuple[int, ...], folder: Path, say: Callable[[str], None]) -> dict[int, Measured]:
    """Measure a run on shops of several sizes."""
    found = {}
    for orders in sizes:
        say(f"{MEMORY}: {orders:,} orders")
        found[orders] = measured_in_own_process("chamber", shop_of(orders, folder))
    return found


def surroundings(chosen: argparse.Namespace) -> dict[str, Any]:
    """Tell on what, and with what, was measured."""
    machine = {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
    return {
        "orders": chosen.orders,
        "by_hand_share": chosen.by_hand_share,
        "machine": machine,
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def parser() -> argparse.ArgumentParser:
    """Say what can be chosen."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000, help="how many orders the shop has had")
    parser.add_argument("--rounds", type=int, default=3, help="how often each contestant of the race runs")
    parser.add_argument("--only", type=some_of, default=ALL, help=f"some of {','.join(ALL)}")
    parser.add_argument("--by-hand-share", type=float, default=0.25, help="share of the rows that the script treats")
    parser.add_argument("--sizes", type=sizes, default=(20_000, 100_000), help="orders of the shops for memory")
    parser.add_argument("--dir", type=Path, help="a folder in which shops are kept for the next time")
    parser.add_argument(
        "--postgresql", help="URL of an empty database, in which loading, and the gate, are measured as well"
    )
    parser.add_argument("--json", type=Path, help="a file for all that was measured")
    return parser


def some_of(text: str) -> tuple[str, ...]:
    """Read names, by commas."""
    names = tuple(text.split(","))
    if unknown := set(names) - set(ALL):
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(ALL)}")
    return names


def sizes(text: str) -> tuple[int, ...]:
    """Read numbers of orders, by commas."""
    return tuple(map(int, text.split(",")))


if __name__ == "__main__":
    main()
