"""How a flow ends: in a state whose message says what was done, or what stopped it and the way out.

A flow that raises has words of Prefect before its own, a traceback in the logs, and its exception in result storage.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol

from prefect.states import Completed, Failed, State

from privacy.errors import SluisError
from privacy.evidence import RunRecord
from privacy.leak_proof import leak_proof
from tasks.shown import show_refusal, show_run
from tasks.trying_again import trying_again

P = ParamSpec("P")

SKIPPED = "Skipped"
"""The name of a final state in which nothing was done, and nothing had to be."""


class Outcome(Protocol):
    """What a flow gives."""

    @property
    def warnings(self) -> list[str]: ...


def ends_readably(
    told: Callable[[Any], str], skip_on: type[SluisError] | None = None
) -> Callable[[Callable[P, Outcome]], Callable[P, State[Any]]]:
    """Let a flow end in a readable state, and only clean errors out of it; `told` says what was done.

    A form with `on_warnings: fail` makes warnings a failure. An error of the kind `skip_on` is none: nothing was due.
    """

    def ending(function: Callable[P, Outcome]) -> Callable[P, State[Any]]:
        @functools.wraps(function)
        def ended(*args: P.args, **kwargs: P.kwargs) -> State[Any]:
            stopped: SluisError | None = None
            try:
                outcome = trying_again(leak_proof(function))(*args, **kwargs)
            except SluisError as error:
                stopped = error
            if stopped and skip_on and isinstance(stopped, skip_on):
                return Completed(name=SKIPPED, message=f"Nothing was done: {stopped}")
            if stopped:
                show_refusal(stopped)
                return Failed(message=str(stopped), data=stopped)
            if record := outcome if isinstance(outcome, RunRecord) else getattr(outcome, "record", None):
                show_run(record)
            message = "\n".join([told(outcome), *(f"! {warning}" for warning in outcome.warnings)])
            if outcome.warnings and any(getattr(form, "on_warnings", None) == "fail" for form in args):
                return Failed(name="Warned", message=message)
            return Completed(message=message, data=outcome)

        return ended

    return ending
