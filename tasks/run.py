"""A run, as flows and tasks see it: an id, the tables to load, and a door to the chamber that holds the rest."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from privacy.evidence import RunRecord
from stores.settings import Settings
from tasks.chamber import Chamber, open_chamber

_OPEN: dict[str, tuple[Chamber, ExitStack]] = {}


@dataclass(frozen=True)
class Run:
    """A run under way."""

    id: str
    references: Mapping[str, frozenset[str]]
    """The tables, each with those that it refers to."""
    record: RunRecord


@contextmanager
def exclusive_run(as_of: datetime.date | None) -> Iterator[Run]:
    """Begin a run that no other shares the warehouse with, and end it cleanly whatever happens."""
    with open_chamber(Settings.from_environment(os.environ), as_of) as chamber, ExitStack() as stack:
        run_id = chamber.record.run_id
        _OPEN[run_id] = chamber, stack
        try:
            yield Run(run_id, chamber.policy.references(), chamber.record)
        finally:
            del _OPEN[run_id]


def chamber_of(run_id: str) -> tuple[Chamber, ExitStack]:
    """Find the chamber of a run in this process, and the stack of what it holds open."""
    return _OPEN[run_id]
