"""A run that lost a connection is tried again, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tenacity import RetryCallState, wait_none

from privacy.errors import ConnectionLostError, GateError, LockError, StoreError
from tasks.trying_again import ATTEMPTS, again_when_lost, trying_again


class Work:
    """Fails a number of times, and then works."""

    def __init__(self, error: Exception, times: int) -> None:
        self.error, self.times, self.calls = error, times, 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error
        return "done"


def tried(work: Callable[[], str]) -> tuple[Callable[[], str], list[RetryCallState]]:
    told: list[RetryCallState] = []
    return again_when_lost(work, wait_none(), told.append), told


def test_a_lost_connection_is_tried_again_and_each_time_told() -> None:
    work = Work(ConnectionLostError("gone"), ATTEMPTS - 1)
    again, told = tried(work)

    assert again() == "done"
    assert (work.calls, len(told)) == (ATTEMPTS, ATTEMPTS - 1)


def test_a_connection_that_stays_lost_ends_with_its_own_error() -> None:
    lost = ConnectionLostError("gone")
    work = Work(lost, ATTEMPTS)
    again, _ = tried(work)

    with pytest.raises(ConnectionLostError) as raised:
        again()

    assert (raised.value, work.calls) == (lost, ATTEMPTS)
    assert raised.value.__cause__ is raised.value.__context__ is None


@pytest.mark.parametrize("error", [GateError("shut"), LockError("held"), StoreError("disk full")], ids=lambda e: e.kind)
def test_what_would_fail_again_is_not_tried_again(error: Exception) -> None:
    work = Work(error, 1)
    again, told = tried(work)

    with pytest.raises(type(error)):
        again()

    assert (work.calls, told) == (1, [])


def test_outside_a_deployment_nothing_is_tried_again() -> None:
    work = Work(ConnectionLostError("gone"), 1)

    with pytest.raises(ConnectionLostError):
        trying_again(work)()

    assert work.calls == 1
