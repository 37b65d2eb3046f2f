"""Deeds of a history: what an operator does, by the functions under the commands or by the commands themselves."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol

from privacy.errors import SluisError
from privacy.policy_rights import Right
from stores.keyring_rotation import rotate_root
from stores.settings import Settings
from tasks.chamber import Chamber, open_chamber
from tasks.erasure import apply_erasure, end_request, plan_erasure, register
from tasks.in_parallel import in_parallel
from tasks.replay import replay
from tasks.warehouse_retention import expire_warehouse
from tests.conftest import Outcome, Place, run_in_process

Found = dict[str, Any]


@dataclass(frozen=True)
class Done:
    """How a deed ended: its exit code, and what it told."""

    code: int
    told: Found = field(default_factory=dict)
    said: str = ""


class Deeds(Protocol):
    """What can be done at a place."""

    def run(self, as_of: datetime.date) -> Done: ...

    def register(self, right: Right, reference: str, people: str) -> Done: ...

    def end(self, right: Right, reference: str) -> Done: ...

    def plan(self, as_of: datetime.date) -> Done: ...

    def apply(self, plan_hash: str) -> Done: ...

    def replay(self, as_of: datetime.date) -> Done: ...

    def retention(self, as_of: datetime.date) -> Done: ...

    def rotate(self, root: Any) -> Done: ...


class ByFunctions:
    """The functions under the commands, without Prefect."""

    def __init__(self, place: Place, source: bool = True) -> None:
        self.place = place
        self.settings = Settings.from_environment(place.environment)

    def run(self, as_of: datetime.date) -> Done:
        def work() -> Found:
            with self.begun(as_of) as chamber:
                finish(chamber)
            return chamber.record.as_json()

        return done(work)

    @contextlib.contextmanager
    def begun(self, as_of: datetime.date) -> Iterator[Chamber]:
        """Begin a run: all rows are extracted and treated, nothing is gated yet."""
        with open_chamber(self.settings, as_of) as chamber, ExitStack() as stack, ThreadPoolExecutor(2) as pool:
            chamber.inspect(stack)
            in_parallel(chamber.policy.references(), lambda table: pool.submit(chamber.load, table), as_completed)
            yield chamber

    def register(self, right: Right, reference: str, people: str) -> Done:
        return done(lambda: register(self.settings, right, reference, people))

    def end(self, right: Right, reference: str) -> Done:
        return done(lambda: end_request(self.settings, right, reference))

    def plan(self, as_of: datetime.date) -> Done:
        return done(lambda: plan_erasure(self.settings, None, as_of).as_json())

    def apply(self, plan_hash: str) -> Done:
        return done(lambda: apply_erasure(self.settings, plan_hash).as_json())

    def replay(self, as_of: datetime.date) -> Done:
        return done(lambda: replay(self.settings, as_of).as_json())

    def retention(self, as_of: datetime.date) -> Done:
        return done(lambda: expire_warehouse(self.settings, as_of).as_json())

    def rotate(self, root: Any) -> Done:
        return done(lambda: {"epoch": rotate_root(self.place.keyring, root, datetime.date.today()).number})


class ByCommands:
    """The `sluis` commands, in this process, against the session's Prefect server."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def run(self, as_of: datetime.date) -> Done:
        return self._sluis("run", "--as-of", as_of.isoformat())

    def register(self, right: Right, reference: str, people: str) -> Done:
        command = {"erasure": ("erase", "request"), "restriction": ("restrict", "add"), "objection": ("object", "add")}
        file = self.place.folder / "people.txt"
        file.write_text(people, encoding="utf-8")
        return self._sluis(*command[right], "--subject-file", str(file), "--reference", reference)

    def end(self, right: Right, reference: str) -> Done:
        command = ("restrict", "lift") if right == "restriction" else ("object", "withdraw")
        return self._sluis(*command, "--reference", reference)

    def plan(self, as_of: datetime.date) -> Done:
        return self._sluis("erase", "plan", "--as-of", as_of.isoformat())

    def apply(self, plan_hash: str) -> Done:
        return self._sluis("erase", "apply", "--plan", plan_hash)

    def replay(self, as_of: datetime.date) -> Done:
        return self._sluis("replay", "--as-of", as_of.isoformat())

    def retention(self, as_of: datetime.date) -> Done:
        return self._sluis("retention", "apply", "--as-of", as_of.isoformat())

    def rotate(self, root: Any) -> Done:
        return self._sluis("keys", "rotate", "--root", root)

    def _sluis(self, *arguments: str) -> Done:
        outcome: Outcome = run_in_process(*arguments, "--output", "json", **self.place.environment)
        return Done(outcome.exit_code, outcome.json if outcome.stdout.strip() else {}, outcome.stderr)


def finish(chamber: Chamber) -> Found:
    """Gate and publish what a run has extracted."""
    chamber.gate()
    chamber.publish()
    return chamber.record.as_json()


def done(work: Callable[[], Found]) -> Done:
    """Do something; an error of ours ends it with its exit code."""
    try:
        return Done(0, work())
    except SluisError as error:
        return Done(error.code, {"error": {"kind": error.kind}}, str(error))
