"""What the gate costs, and how much of that is Great Expectations: its SQL is caught, and run again without it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.chamber import load_in_parallel
from benchmarks.measure import Measured, tell
from benchmarks.places import settings
from tasks.chamber import open_chamber

GATE, STATEMENTS = "gate", "its statements"


def measure(shop: Path, to: Path, warehouse: str = "") -> Measured:
    """Gate a shop's candidate, then run its statements directly; in DuckDB, or in another empty warehouse."""
    import_module("great_expectations.expectations")  # or the gate would do it, while it is measured
    measured, caught = Measured(), list[tuple[str, Any]]()
    places = settings(shop, to)
    if warehouse:
        places = replace(places, warehouse=sa.make_url(warehouse))

    def catch(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if connection.dialect.name == places.warehouse.get_backend_name():  # not what is asked of the ledger
            caught.append((statement, parameters))

    with ExitStack() as stack:
        chamber = stack.enter_context(open_chamber(places, None))
        chamber.inspect(stack)
        load_in_parallel(chamber)
        sa.event.listen(sa.Engine, "before_cursor_execute", catch)
        with measured.step(GATE) as gate:
            chamber.gate()
        sa.event.remove(sa.Engine, "before_cursor_execute", catch)
        gate.rows = chamber.record.gates.passed
        with sa.create_engine(chamber.candidate.readable().url).connect() as connection:
            cursor = connection.connection.cursor()
            with measured.step(STATEMENTS, len(caught)):
                for statement, parameters in caught:
                    cursor.execute(statement, parameters)
                    cursor.fetchall()
    return measured


if __name__ == "__main__":
    tell(measure)
