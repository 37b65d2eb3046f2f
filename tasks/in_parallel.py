"""The order of work on tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from graphlib import TopologicalSorter
from types import MappingProxyType
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
    sizes: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Do a job for each table, READERS at a time, none before the tables it refers to; what takes longest goes first.

    references: the tables that each refers to. sizes: about how many rows each has; 1 where it is not said. Ends when
    all that began has ended, with the error of the first to fail.
    """
    ahead = _ahead(references, sizes)
    tables = TopologicalSorter(references)
    tables.prepare()
    ready: list[str] = []
    running: dict[Job, str] = {}
    try:
        while tables.is_active():
            ready = sorted([*ready, *tables.get_ready()], key=lambda table: -ahead[table])
            while ready and len(running) < READERS:
                table = ready.pop(0)
                running[submit(table)] = table
            done = next(iter(as_completed(list(running))))
            tables.done(running.pop(done))
            done.result()
    finally:
        for _ in as_completed(list(running)):
            pass


def _ahead(references: Mapping[str, Iterable[str]], sizes: Mapping[str, int]) -> dict[str, int]:
    """Give for each table the rows of the longest chain that begins with it, of tables that wait one for another."""
    ahead: dict[str, int] = {}
    for table in reversed(list(TopologicalSorter(references).static_order())):
        waiting = (ahead[other] for other, targets in references.items() if table in targets)
        ahead[table] = sizes.get(table, 1) + max(waiting, default=0)
    return ahead
