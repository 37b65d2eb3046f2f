"""What erasure of a thousand people costs beside a plain run: all of them leave in one publish."""

from __future__ import annotations

import datetime
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

from benchmarks.chamber import load_in_parallel, rows_read
from benchmarks.measure import Measured, Step, tell
from benchmarks.places import load_libraries, policy_of, settings
from privacy.policy import Policy
from privacy.subjects import CUSTOMER, identifiers_of
from stores.ledger import open_ledger
from stores.settings import Settings
from tasks.chamber import open_chamber
from tasks.erasure import apply_erasure, plan_erasure, register

PEOPLE = 1_000
FIRST, PLAIN, REGISTER, PLAN, APPLY, ERASING = (
    "first run",
    "plain run",
    "register",
    "plan",
    "apply, without the source",
    "run that erases as many",
)


def measure(shop: Path, to: Path) -> Measured:
    """Run twice; erase a thousand accounts without the source, and as many others by a run."""
    load_libraries()
    measured, places = Measured(), settings(shop, to)
    lines = accounts(policy_of(shop), shop / "shop.sqlite", 2 * PEOPLE)
    first, others = lines[::2], lines[1::2]
    for name in (FIRST, PLAIN):
        with measured.step(name) as step:
            run(places, step)
    ledger = open_ledger(places.ledger)
    with measured.step(REGISTER, len(first)):
        register(places, "erasure", "first", "\n".join(first))
    with measured.step(PLAN, len(first)):
        plan = plan_erasure(places, "first", None)
    ledger.plans.approve(plan.hash, "somebody else", "stated", datetime.datetime.now(datetime.UTC))
    with measured.step(APPLY) as step:
        step.rows = sum(table.extracted for table in apply_erasure(places, plan.hash).tables.values())
    register(places, "erasure", "others", "\n".join(others))
    ledger.requests.decide([ledger.requests.get("others").request_id], datetime.datetime.now(datetime.UTC))
    with measured.step(ERASING) as step:
        run(places, step)
    return measured


def accounts(policy: Policy, source: Path, number: int) -> list[str]:
    """Give lines of a subject file: accounts of all ages, by the table whose key is what they are found by."""
    name, column = next(
        (name, identifiers_of(table)[CUSTOMER])
        for name, table in policy.tables.items()
        if identifiers_of(table).get(CUSTOMER) == table.primary_key
    )
    with closing(sqlite3.connect(source)) as connection:
        found = [value for (value,) in connection.execute(f'select "{column}" from "{name}" order by 1')]
    return [f"{column}={value}" for value in found[:: max(1, len(found) // number)]][:number]


def run(places: Settings, step: Step) -> None:
    """Run the main job without Prefect."""
    with ExitStack() as stack:
        chamber = stack.enter_context(open_chamber(places, None))
        chamber.inspect(stack)
        load_in_parallel(chamber)
        step.rows = rows_read(chamber)
        chamber.gate()
        chamber.publish()


if __name__ == "__main__":
    tell(measure)
