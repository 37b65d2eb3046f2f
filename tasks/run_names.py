"""Names of flow runs: by what they are of, never by whom."""

from __future__ import annotations

from collections.abc import Callable

from prefect.runtime import flow_run


def of_the_day(what: str) -> Callable[[], str]:
    """Name runs by the day that their form moves the clocks to, or else by that on which they were due."""

    def name() -> str:
        options = flow_run.parameters.get("options")
        return f"{what} of {getattr(options, 'as_of', None) or f'{flow_run.scheduled_start_time:%Y-%m-%d}'}"

    return name


def of_the_minute(what: str) -> Callable[[], str]:
    """Name runs that may be several on a day, by the minute (UTC) in which they were due."""
    return lambda: f"{what} of {flow_run.scheduled_start_time:%Y-%m-%d %H:%M}"
