"""Progress on a terminal: a line for each step under way, and how far it is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from cli.options import Output
from tasks.extraction import LISTENER, OnProgress


@contextmanager
def progress_shown(output: Output) -> Iterator[OnProgress]:
    """Show steps as they go, when there is a terminal and a person; tell the chamber where to report them."""
    if output is Output.json or not sys.stderr.isatty():
        yield LISTENER.get()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        uncounted = bar.add_task("start", total=None)
        counted: dict[str, TaskID] = {}

        def show(step: str, done: int, total: int) -> None:
            if total and step not in counted:
                counted[step] = bar.add_task(step, total=total)
            bar.update(
                counted.get(step, uncounted), description=step, completed=done, visible=not total or done < total
            )
            bar.update(uncounted, visible=not total)

        token = LISTENER.set(show)
        try:
            yield show
        finally:
            LISTENER.reset(token)
