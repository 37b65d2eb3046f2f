"""The part of a policy that is about rights: who asks, who may not be touched, who must approve."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from privacy.policy_parts import Name, Part, SourceName
from privacy.retention_rules import DeclaredDuration, Duration

Right = Literal["erasure", "restriction", "objection", "access", "rectification", "portability"]
"""GDPR Articles 17, 18, 21, 15, 16 and 20."""

Identifies = Literal["customer", "email"]
"""By what a data subject is found: the number of an account, or an e-mail address."""


class Identifier(Part):
    """A column by which a data subject is found, and what its values identify."""

    column: Name
    identifies: Identifies


class Subject(Part):
    """Whose data a table holds: found by columns of its own, or through the parent row (`via`), or nobody's.

    `happened`: the date or timestamp at which what a row tells of happened, which never changes. A row that happened
    after its person was erased is of somebody new; without it, all rows of an erased person are held back for good.
    """

    who: str
    found_by: tuple[Identifier, ...] = ()
    via: Name | None = None
    happened: Name | None = None


class RequestTable(Part):
    """The source's own table of requests by data subjects: its columns, and what their words mean."""

    source: SourceName = Field(alias="from")
    reference: SourceName
    right: SourceName
    received: SourceName
    state: SourceName
    identified_by: tuple[Identifier, ...] = Field(min_length=1)
    words: dict[Right, tuple[str, ...]] = Field(default={})
    """Which words of the column `right` mean which right; a right that is not named here is meant by its own name."""
    no_effect: tuple[str, ...] = ()
    """States of requests that were turned down."""
    ended: tuple[str, ...] = ()
    """States of restrictions that were lifted, and of objections that were withdrawn."""
    waiting: tuple[str, ...] = ()
    """States of requests that nobody has answered yet."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Name the columns that are read of it."""
        found_by = (one.column for one in self.identified_by)
        return self.reference, self.right, self.received, self.state, *found_by


class Requests(Part):
    """What becomes of requests by data subjects: how long they may take, and what a run does by itself."""

    table: RequestTable | None = None
    apply_at_most: int = Field(default=25, ge=0)
    """How many people a run takes out by itself; more wait for approval."""
    term: DeclaredDuration = Duration(1, 0, "1 month")
    warn: DeclaredDuration = Duration(0, 7, "7 days")
    """How long before a request is due a run warns of it."""


class Approvals(Part):
    """How many others than the requester must approve a plan before it is applied."""

    erasure: int = Field(default=0, ge=0)
    source_deletion: int = Field(default=1, ge=0)


class Tombstones(Part):
    """How long a tombstone stays although no row of the source matches it: the longest life of any backup, and more."""

    keep_at_least: DeclaredDuration = Duration(24, 0, "2 years")


class Holds(Part):
    """The source's own table of legal holds: a record that a procedure needs, and from when until when."""

    source: SourceName = Field(alias="from")
    matter: SourceName
    table: SourceName
    record: SourceName
    held_from: SourceName
    held_until: SourceName

    @property
    def columns(self) -> tuple[str, ...]:
        """Name the columns that are read of it."""
        return self.matter, self.table, self.record, self.held_from, self.held_until
