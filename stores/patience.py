"""Try again, and not for long: to connect, where nothing has been asked yet; and for a lock to be let go."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import (
    Retrying,
    retry_if_exception,
    retry_if_not_result,
    stop_after_delay,
    stop_before_delay,
    wait_fixed,
    wait_random_exponential,
)

from privacy.connection_loss import is_connection_lost
from privacy.errors import is_transient

T = TypeVar("T")

SECONDS = 10
"""How long attempts go on; whoever schedules runs can try the whole of one again later."""

PAUSE, LONGEST_PAUSE = 0.2, 3.0
"""Each pause is random between nothing and a bound that doubles: those who lost a server do not come back together."""


def patiently(connect: Callable[[], T]) -> T:
    """Connect; where the connection is lost or not made, again, for SECONDS in all. Every other error is final."""
    attempts = Retrying(
        retry=retry_if_exception(lambda error: is_connection_lost(error) or is_transient(error)),
        wait=wait_random_exponential(multiplier=PAUSE, max=LONGEST_PAUSE),
        stop=stop_before_delay(SECONDS),
        reraise=True,
    )
    return attempts(connect)


def before_long(done: Callable[[], bool], seconds: float, pause: float) -> bool:
    """Try what may not be done yet, again after each pause; tell whether it was done within some seconds."""
    attempts = Retrying(
        retry=retry_if_not_result(bool),
        wait=wait_fixed(pause),
        stop=stop_after_delay(seconds),
        retry_error_callback=lambda _: False,
    )
    return attempts(done)
