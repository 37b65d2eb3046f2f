"""The order of work on tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from graphlib import TopologicalSorter
from typing import Protocol, TypeVar

from stores.source import READERS


class _Future(Protocol):
    """A job under way, of the standard library or of Prefect."""

    def result(self) -> object: ...


Job = TypeVar("Job", bound=_Future)


def in_parallel(
    references: Mapping[str, Iterable[str]],
    submit: Callable[[str], Job],
    as_completed: Callable[[list[Job]], Iterable[Job]],
) -> None:
    """Do a job for each table, READERS at a time, none before the tables it refers to; what most wait for goes first.

    references: the tables that each refers to. Ends when all that began has ended, with the error of the first to fail.
    """
    waiting = _waiting(references)
    tables = TopologicalSorter(references)
    tables.prepare()
    ready: list[str] = []
    running: dict[Job, str] = {}
    try:
        while tables.is_active():
            ready = sorted([*ready, *tables.get_ready()], key=lambda table: -waiting[table])
            while ready and len(running) < READERS:
                table = ready.pop(0)
                running[submit(table)] = table
            done = next(iter(as_completed(list(running))))
            tables.done(running.pop(done))
            done.result()
    finally:
        for _ in as_completed(list(running)):
            pass


def _waiting(references: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Count for each table how many wait for it, counting again those that wait for these."""
    waiting: dict[str, int] = {}
    for table in reversed(list(TopologicalSorter(references).static_order())):
        waiting[table] = sum(1 + waiting[other] for other, targets in references.items() if table in targets)
    return waiting
