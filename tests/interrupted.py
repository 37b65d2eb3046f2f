"""Something befalls a process on its way: when it enters a function for the n-th time, or has left it."""

from __future__ import annotations

import functools
import importlib
import itertools
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["great_expectations", "tasks.chamber", "tasks.erasure", __name__])


@dataclass(frozen=True)
class Point:
    """A place on the way: a function of a module, or a method as `Class.method`, and which of its entries."""

    module: str
    function: str
    entry: int = 1
    after: bool = False
    """Whether the function has been left again."""


def befalls(point: Point, trouble: Callable[[], None]) -> None:
    """Let trouble come once this process is at a point; the function itself does what it does."""
    *path, name = point.function.split(".")
    owner = functools.reduce(getattr, path, importlib.import_module(point.module))
    function, entries = getattr(owner, name), itertools.count(1)

    @functools.wraps(function)
    def entered(*arguments: Any, **named: Any) -> Any:
        here = next(entries) == point.entry
        if here and not point.after:
            trouble()
        result = function(*arguments, **named)
        if here and point.after:
            trouble()
        return result

    setattr(owner, name, entered)


def die() -> None:
    """End this process as `kill -9` does: nothing of ours is asked or tidied."""
    os.kill(os.getpid(), signal.SIGKILL)
