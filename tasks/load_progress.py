"""How far a long extract is, as a bar in Prefect."""

from __future__ import annotations

import contextlib
import time
from contextvars import copy_context
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

LONG = 5.0
"""Seconds after which an extract gets a bar, and between two moves of it."""


class LoadProgress:
    """The bar of one table's extract; made where the task runs, told from whichever thread reads."""

    def __init__(self, table: str, every: float = LONG) -> None:
        self._table, self._every = table, every
        self._context = copy_context()
        self._next = time.monotonic() + every
        self._bar: UUID | None = None
        self._given_up = False

    def __call__(self, step: str, done: int, total: int) -> None:
        """Hear of rows that were read; seldom, tell Prefect. What it does not take, the extract does without."""
        now = time.monotonic()
        if self._given_up or not total or (now < self._next and not (self._bar and done >= total)):
            return
        self._next, self._given_up = now + self._every, True
        with contextlib.suppress(Exception):
            self._context.copy().run(self._show, step, 100 * min(done, total) / total)
            self._given_up = False

    def _show(self, step: str, percent: float) -> None:
        if self._bar is None:
            made = create_progress_artifact(percent, description=f"{step} on its way into {self._table}")
            assert isinstance(made, UUID), "called where nothing is awaited"
            self._bar = made
        else:
            update_progress_artifact(self._bar, percent)
