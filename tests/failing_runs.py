"""Runs that are made to fail: what each said, left and raised, to be searched for values."""

from __future__ import annotations

import logging
import pickle
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import pytest

import cli.answer
from privacy.errors import SluisError
from tests.breaking import Break
from tests.conftest import Outcome, Place, run_in_process

AnyPlace = TypeVar("AnyPlace", bound=Place)


@dataclass
class Failed(Generic[AnyPlace]):
    """A run that failed."""

    place: AnyPlace
    before: str
    """The fingerprint of what was published."""
    outcome: Outcome
    raised: list[SluisError] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)

    @property
    def said(self) -> dict[str, bytes]:
        """Give what it said, by where."""
        said = {"stdout": self.outcome.stdout, "stderr": self.outcome.stderr, "logs": "\n".join(self.logged)}
        return {name: text.encode() for name, text in said.items()}

    @property
    def held(self) -> dict[str, bytes]:
        """Give what its one error holds, in every way in which one can be looked at; it leads to no other."""
        (error,) = self.raised
        assert (error.__cause__, error.__context__) == (None, None)
        held = {"repr": repr(error).encode(), "args": repr(error.args).encode(), "pickle": pickle.dumps(error)}
        return held | {"state": repr(vars(error)).encode()}


class _Listening(logging.Handler):
    def __init__(self, heard: list[str]) -> None:
        super().__init__(logging.NOTSET)
        self._heard = heard
        self.setFormatter(logging.Formatter("%(message)s %(args)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._heard.append(self.format(record))


def fail(place: AnyPlace, break_it: Break) -> Failed[AnyPlace]:
    """Run the command on a place, broken in some way."""
    raised, logged, tell = list[SluisError](), list[str](), cli.answer.tell_error

    def keep(output: Any, error: SluisError, *more: Any) -> int:
        raised.append(error)
        return tell(output, error, *more)

    handler = _Listening(logged)
    logging.getLogger().addHandler(handler)
    try:
        with pytest.MonkeyPatch.context() as patch:
            break_it(patch, place)
            patch.setattr(cli.answer, "tell_error", keep)
            before = place.fingerprint()
            outcome = run_in_process("run", "--output", "json", **place.environment)
    finally:
        logging.getLogger().removeHandler(handler)
    return Failed(place, before, outcome, raised, logged)
