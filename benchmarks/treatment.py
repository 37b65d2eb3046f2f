"""What treating costs, step by step and column by column, measured where a run does it; and the floor beneath tokens.

The floor is the kernel alone: one HMAC-SHA-256 for each value that a token is made of, as text that stands ready.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

import privacy.treat
import privacy.verdict
from benchmarks.measure import Measured, Step, tell
from benchmarks.places import load_libraries, settings
from privacy.macs import macs
from privacy.policy import Table
from privacy.treatments import Pseudonymize
from privacy.treatments.base import arrow
from tasks.chamber import Chamber, open_chamber

FORCE, DECIDE, TOMBSTONES, HOLDS, TOKENS, OTHERS, REST, FLOOR = STEPS = (
    "types", "decide", "tombstones", "holds", "tokens", "others", "rest", "floor",
)  # fmt: skip
"""Of a table; `tombstones` and `holds` recognise whose a row is and whether it is held, by MACs of their own; `others`
are its columns without tokens, `rest` is filtering and counting."""

TREAT = "treat"
COLUMN = ": "
"""Between a column's name and its treatment, in the name of its step."""


@dataclass
class Clock:
    """Adds up the CPU seconds of functions while a run calls them, and keeps the columns that tokens are made of."""

    spent: Counter[str] = field(default_factory=Counter)
    keyed: list[pd.Series] = field(default_factory=list)

    def around(self, function: Callable[..., Any], name: str, makes_tokens: bool = False) -> Callable[..., Any]:
        """Give the function with the clock around it."""

        def timed(*arguments: Any) -> Any:
            began = time.process_time()
            result = function(*arguments)
            self.spent[name] += time.process_time() - began
            if makes_tokens:
                self.keyed.append(arguments[0])
            return result

        return timed


def measure(shop: Path, to: Path) -> Measured:
    """Treat every table of a shop without writing it: steps `table/step` and `table.column: treatment`."""
    load_libraries()
    measured = Measured()
    with ExitStack() as stack:
        chamber = stack.enter_context(open_chamber(settings(shop, to), None))
        chamber.inspect(stack)
        for name, table in chamber.policy.in_order():
            if not table.derived:
                measured.steps += treated(name, table, chamber)
    return measured


def treated(name: str, table: Table, chamber: Chamber) -> Iterator[Step]:
    """Treat one table with a clock around each thing that treating is made of."""
    clock, original = Clock(), (privacy.treat.force_types, privacy.treat.decide)
    privacy.treat.force_types, privacy.treat.decide = map(clock.around, original, (FORCE, DECIDE))
    recognised = privacy.verdict._suppressed, privacy.verdict._hold
    privacy.verdict._suppressed, privacy.verdict._hold = map(clock.around, recognised, (TOMBSTONES, HOLDS))
    for column_name, column in table.columns.items():
        timed = clock.around(column.treatment.treat, column_name, isinstance(column.treatment, Pseudonymize))
        object.__setattr__(column.treatment, "treat", timed)  # it is frozen; nothing else runs here
    extraction = chamber.extraction
    treater = extraction.treater(name)
    treat, floor = clock.around(treater.treat, TREAT), clock.around(macs, FLOOR)
    for batch in list(extraction.read(treater, 0)):  # so that nothing is read while the clocks run
        treat(batch)
        for column in clock.keyed:
            floor(arrow(column).drop_null().cast(pa.string()), "text", bytes(32), 16)
        clock.keyed.clear()
    extraction.finish(treater)
    privacy.treat.force_types, privacy.treat.decide = original
    privacy.verdict._suppressed, privacy.verdict._hold = recognised
    return steps(name, table, treater.counts.extracted, clock.spent)


def steps(name: str, table: Table, rows: int, spent: Counter[str]) -> Iterator[Step]:
    """Tell the parts of a table's treatment: they add up to the whole."""
    tokens = {column for column, spec in table.columns.items() if isinstance(spec.treatment, Pseudonymize)}
    parts = {
        FORCE: spent[FORCE],
        DECIDE: spent[DECIDE] - spent[TOMBSTONES] - spent[HOLDS],
        TOMBSTONES: spent[TOMBSTONES],
        HOLDS: spent[HOLDS],
        TOKENS: sum(spent[column] for column in tokens),
        OTHERS: sum(spent[column] for column in table.columns.keys() - tokens),
    }
    parts |= {REST: spent[TREAT] - sum(parts.values()), TREAT: spent[TREAT], FLOOR: spent[FLOOR]}
    for part, cpu in parts.items():
        yield Step(f"{name}/{part}", rows, cpu=cpu)
    for column, spec in table.columns.items():
        yield Step(f"{name}.{column}{COLUMN}{spec.treatment.told()}", rows, cpu=spent[column])


if __name__ == "__main__":
    tell(measure)
