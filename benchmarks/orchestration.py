"""What Prefect costs apart from any work: a flow of as many tasks as the main job has, none of which does anything."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.measure import Measured, tell
from benchmarks.places import policy_of
from cli.local_prefect.temporary import start_temporary_server
from cli.run import PREFECT_DEFAULTS

START, FIRST, SECOND = "start of a temporary server", "first flow", "second flow"
INSPECT_GATE_PUBLISH = 3


def measure(shop: Path, to: Path) -> Measured:
    """Run the empty flow twice; the process ends with the server's end."""
    os.environ |= PREFECT_DEFAULTS | {"PREFECT_HOME": str(to / "prefect"), "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL"}
    os.environ.pop("PREFECT_API_URL", None)
    measured = Measured()
    with measured.step("import of Prefect"):
        from prefect import flow, task
        from prefect.cache_policies import NO_CACHE
        from prefect.settings import get_current_settings

    with measured.step(START):
        start_temporary_server(get_current_settings())

    @task(cache_policy=NO_CACHE, persist_result=False)
    def nothing(number: int) -> None:
        pass

    @flow(persist_result=False)
    def idle(tasks: int) -> None:
        for number in range(tasks):
            nothing(number)

    tasks = len(policy_of(shop).tables) + INSPECT_GATE_PUBLISH
    for step in (FIRST, SECOND):
        with measured.step(step, tasks):
            idle(tasks)
    return measured


if __name__ == "__main__":
    tell(measure)
