"""The whole of a scheduled run once more, where a connection was lost; never after anything else went wrong.

Prefect's own retries of flows know no condition: they would read the shop three times over for a shut gate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from prefect.logging import get_run_logger
from prefect.runtime import deployment
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential
from tenacity.wait import wait_base

from privacy.errors import is_transient

P = ParamSpec("P")
R = TypeVar("R")

ATTEMPTS = 4

PAUSES = wait_random_exponential(multiplier=30, max=300)
"""Seconds: each is random between nothing and a bound that doubles, so that flows which lost a server do not come back
together."""


def trying_again(function: Callable[P, R], pauses: wait_base = PAUSES) -> Callable[P, R]:
    """Let a run of a deployment try again; whoever types a command is told at once, and decides for themselves."""
    if not deployment.id:
        return function
    return again_when_lost(function, pauses, lambda attempt: get_run_logger().warning("%s", _told(attempt)))


def again_when_lost(
    function: Callable[P, R], pauses: wait_base, tell: Callable[[RetryCallState], None]
) -> Callable[P, R]:
    """Call a function up to ATTEMPTS times while it loses a connection; its last error is that of all."""

    def again(*args: P.args, **kwargs: P.kwargs) -> R:
        attempts = Retrying(
            retry=retry_if_exception(is_transient),
            wait=pauses,
            stop=stop_after_attempt(ATTEMPTS),
            before_sleep=tell,
            reraise=True,
        )
        return attempts(function, *args, **kwargs)

    return again


def _told(attempt: RetryCallState) -> str:
    error, pause = attempt.outcome and attempt.outcome.exception(), attempt.next_action and attempt.next_action.sleep
    return f"{error}\nTrying again in {pause or 0:.0f} s, for the {attempt.attempt_number + 1}. of {ATTEMPTS} times."
