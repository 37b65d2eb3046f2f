"""Sluis: the main job without Prefect, from opening to published: extract, treat and stage tables, gate, publish."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path

from benchmarks.measure import WHOLE, Measured, tell, told
from benchmarks.places import load_libraries, settings
from stores.source import READERS
from tasks.chamber import Chamber, open_chamber
from tasks.in_parallel import in_parallel

IN_TURN = "in_turn"
AGAIN = "again"


def measure(shop: Path, to: Path, how: str = "", source: str = "") -> Measured:
    """Run the main job's steps on a shop: tables as a run loads them, or `in_turn`, so that each can be measured.

    `again`: as on the next night, when requests are known and the figures of closed months stand; what is measured is a
    process of its own, after another one that ran the same.
    """
    if how == AGAIN:
        told("chamber", shop, to, "", source)
    load_libraries()
    measured = Measured()
    with measured.step(WHOLE) as whole, ExitStack() as stack:
        with measured.step("inspect"):
            chamber = stack.enter_context(open_chamber(settings(shop, to, source), None))
            chamber.inspect(stack)
        if how == IN_TURN:
            for name, _ in chamber.policy.in_order():
                with measured.step(name) as step:
                    step.rows = chamber.load(name).extracted
        else:
            with measured.step("tables") as step:
                load_in_parallel(chamber)
                step.rows = rows_read(chamber)
        whole.rows = rows_read(chamber)
        with measured.step("gate"):
            chamber.gate()
        with measured.step("publish"):
            chamber.publish()
    return measured


def load_in_parallel(chamber: Chamber) -> None:
    """Load the tables as the flow does, with threads instead of Prefect's."""
    with ThreadPoolExecutor(READERS) as pool:
        submit = functools.partial(pool.submit, chamber.load)
        in_parallel(chamber.policy.references(), submit, as_completed, chamber.sizes())


def rows_read(chamber: Chamber) -> int:
    """Count the rows of the source's own tables."""
    return sum(chamber.facts[name].counts.extracted for name, table in chamber.policy.in_order() if not table.derived)


if __name__ == "__main__":
    tell(measure)
