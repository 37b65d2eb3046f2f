"""Whatever is done to requests, in whatever order: suppressions stand for exactly those whom they should."""

from __future__ import annotations

import datetime
import tempfile
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from privacy.errors import UsageError
from stores.ledger import open_ledger
from stores.ledger.identifiers import Identifier
from stores.ledger.schema import SUPPRESSION
from tests.requested import NOW, asked, customer, email

KIND = {"erasure": "erased", "restriction": "restricted", "objection": "objected"}
PEOPLE = st.integers(0, 5)


class Requests(RuleBasedStateMachine):
    """A ledger beside a model of it in a dictionary: of each request its right, state and people."""

    references = Bundle("references")

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.ledger = open_ledger(sa.make_url(f"sqlite:///{Path(self.folder.name) / 'ledger.sqlite'}"))
        self.model: dict[str, dict[str, Any]] = {}
        self.now = NOW

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()

    @rule(target=references, right=st.sampled_from([*KIND, "access"]), people=st.lists(PEOPLE, min_size=1, max_size=3))
    def register(self, right: str, people: list[int]) -> str:
        reference = f"R-{len(self.model)}"
        subjects = [{customer(person), email(person)} for person in people]
        new = asked(reference, *(tuple(sorted(subject)) for subject in subjects), right=right)
        self.ledger.requests.register([new, *([] if not self.model else [asked("R-0")])], "anna", self.now)
        self.model[reference] = {"right": right, "state": "registered", "subjects": subjects}
        return reference

    @rule(reference=references)
    def decide(self, reference: str) -> None:
        self.now += datetime.timedelta(hours=1)
        request = self.model[reference]
        may = request["state"] == "registered" and request["right"] in KIND
        self._try(may, lambda: self.ledger.requests.decide([self._id(reference)], self.now))
        if may:
            request |= {"state": "decided", "since": self.now}

    @rule(reference=references, person=PEOPLE, subject=st.integers(0, 3))
    def find_more(self, reference: str, person: int, subject: int) -> None:
        request, more = self.model[reference], email(f"also {person}")
        may = request["state"] in ("registered", "decided", "applied") and subject < len(request["subjects"])
        self._try(may, lambda: self.ledger.requests.add_identifiers(self._id(reference), subject, [more], "source"))
        if may:
            request["subjects"][subject].add(more)

    @rule(reference=references)
    def lift(self, reference: str) -> None:
        request = self.model[reference]
        may = request["right"] in ("restriction", "objection") and request["state"] in (
            "registered",
            "decided",
            "applied",
        )
        self._try(may, lambda: self.ledger.requests.lift(reference, self.now))
        request["state"] = "lifted" if may else request["state"]

    @rule(reference=references)
    def refuse(self, reference: str) -> None:
        request = self.model[reference]
        may = request["state"] == "registered"
        self._try(may, lambda: self.ledger.requests.refuse(reference))
        request["state"] = "refused" if may else request["state"]

    @rule()
    def publish(self) -> None:
        decided = self.ledger.requests.with_state("decided")
        self.ledger.requests.applied([request.request_id for request in decided], "run", self.now, "receipt")
        for request in self.model.values():
            request["state"] = "applied" if request["state"] == "decided" else request["state"]

    def _try(self, may: bool, step: Any) -> None:
        before = self._rows()
        try:
            step()
            assert may
        except UsageError:
            assert not may
            assert self._rows() == before

    def _id(self, reference: str) -> str:
        return self.ledger.requests.get(reference).request_id

    def _rows(self) -> list[tuple[Any, ...]]:
        with self.ledger.engine.connect() as connection:
            return sorted(map(tuple, connection.execute(sa.select(SUPPRESSION))), key=repr)

    @invariant()
    def states_are_those_of_the_model(self) -> None:
        if hasattr(self, "ledger"):
            found = {request.reference: request.state for request in self.ledger.requests.list()}
            assert found == {reference: request["state"] for reference, request in self.model.items()}

    @invariant()
    def everybody_who_should_be_is_suppressed_and_nobody_else(self) -> None:
        if not hasattr(self, "ledger"):
            return
        people: dict[str, tuple[str, datetime.datetime, set[Identifier]]] = {}
        for row in self.ledger.suppressions.live().to_pylist():
            kind, since, found = people.setdefault(row["reference"], (row["kind"], row["since"], set()))
            assert (kind, since) == (row["kind"], row["since"]), "all rows of a reference are of one kind and moment"
            found.add(Identifier(row["identifies"], row["epoch"], row["mac"]))
        expected = [
            (KIND[request["right"]], request["since"], frozenset(subject))
            for request in self.model.values()
            if request["state"] in ("decided", "applied")
            for subject in request["subjects"]
        ]
        assert sorted(map(_told, people.values())) == sorted(map(_told, expected))


def _told(person: tuple[str, datetime.datetime, Any]) -> tuple[Any, ...]:
    kind, since, identifiers = person
    return kind, since, sorted((i.identifies, i.epoch, i.mac) for i in identifiers)


TestRequests = Requests.TestCase
TestRequests.settings = settings(max_examples=25, stateful_step_count=12, deadline=None)
