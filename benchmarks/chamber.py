"""The chamber as a run uses it, without Prefect: extract, treat and stage each table, gate, publish."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

from benchmarks.measure import Measured


def measure(folder: Path) -> Measured:
    """Run the main job's steps on the shop in `folder`."""
    measured = Measured()
    with measured.step("imports"):
        import great_expectations  # noqa: F401 (or the gate would import it)

        from benchmarks.places import settings
        from tasks.chamber import open_chamber
    with ExitStack() as stack:
        with measured.step("look ahead"):
            chamber = stack.enter_context(open_chamber(settings(folder, "chamber"), None))
            chamber.inspect(stack)
        for name, table in chamber.policy.in_order():
            with measured.step(table.publish_as) as step:
                step.rows = chamber.load(name).extracted
        with measured.step("gate"):
            chamber.gate()
        with measured.step("publish"):
            chamber.publish()
    return measured


if __name__ == "__main__":
    sys.stdout.write(measure(Path(sys.argv[1])).told() + "\n")
