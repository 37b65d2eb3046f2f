"""The privacy policy as code: what is in the shop's database, why it is processed, how long, and how it is treated.

Everything is declared and frozen; an unknown key, a missing retention or a value kept without a reason is refused
(`extra="forbid"`). Read a file with `privacy.policy_file.read_policy`; rules that no part can check for itself stand in
column_rules and policy_rules.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr

from privacy.canonical import Form
from privacy.column_types import ColumnType, DeclaredType
from privacy.identifiers import Kind
from privacy.policy_incremental import Incremental
from privacy.policy_marts import Mart
from privacy.policy_parts import Name, Part, Path, Reason, SourceName
from privacy.policy_rights import Approvals, Holds, Requests, Subject, Tombstones
from privacy.policy_source import SourceRules
from privacy.promises import ColumnPromise
from privacy.retention_rules import Retention, Via
from privacy.treatments import AnyTreatment, Keep, Suppress

LegalBasis = Literal[
    "consent", "contract", "legal_obligation", "vital_interests", "public_task", "legitimate_interests"
]
"""GDPR Article 6(1), a to f."""

Role = Literal["direct_identifier", "quasi_identifier", "sensitive", "non_personal"]
"""ISO/IEC 20889: what a column can give away about a person."""


class Controller(Part):
    """Who decides (GDPR Article 4(7)), and the published text that this policy executes."""

    name: str
    contact: str
    privacy_policy: str


class Purpose(Part):
    """Why data are processed (Article 5(1)(b))."""

    meaning: Reason


class Recipient(Part):
    """To whom data are disclosed (Article 4(9))."""

    meaning: Reason


class PolicyPromise(Part):
    """A promise of the published privacy policy, which retentions name by its id."""

    meaning: Reason


class Domain(Part):
    """A join domain: tokens of one domain join, tokens of two never do."""

    of: Form
    meaning: Reason


class FiscalYear(Part):
    """When a book year begins; 1 is the calendar year."""

    first_month: int = Field(ge=1, le=12)


class RowLimit(Part):
    """How many rows of a table may be amiss before its gate fails: the larger of a share and a number of rows."""

    share: float = Field(ge=0, le=1)
    rows: int = Field(ge=0)

    def allowed(self, among: int) -> int:
        """Give the largest number of rows that still passes."""
        return max(self.rows, int(self.share * among))


class Waiver(Part):
    """Somebody's word that values of a personal kind may stand in a column, up to and including a day."""

    table: Name
    column: Name
    kind: Kind
    because: Reason
    owner: Reason
    until: datetime.date


def _shorthand(treatment: Any) -> Any:
    return {"kind": treatment} if isinstance(treatment, str) else treatment


class Column(Part):
    """One published column. `from` names its source column where that is another."""

    type: DeclaredType
    role: Role
    treatment: Annotated[AnyTreatment, BeforeValidator(_shorthand)]
    meaning: str = ""
    because: Reason | None = None
    source: SourceName | None = Field(default=None, alias="from")
    references: Name | None = None
    only_where_null: Name | None = None
    future: Literal["quarantine", "allow"] = "quarantine"
    promises: tuple[ColumnPromise, ...] = ()

    @property
    def extracted(self) -> bool:
        """Whether its values are read from the source at all."""
        return not isinstance(self.treatment, Suppress)

    @property
    def kept(self) -> bool:
        """Whether its values are published as they are."""
        return isinstance(self.treatment, Keep)

    @property
    def searched(self) -> bool:
        """Whether the gate searches its published text for raw identifiers, as that of a personal column."""
        personal = self.role != "non_personal" and self.extracted and not self.kept
        return personal and not self.treatment.shaped_as_identifier

    @property
    def profiled(self) -> bool:
        """Whether the gate profiles its published values for value drift: they are kept, or called non-personal."""
        non_personal = self.role == "non_personal" and self.extracted and not self.treatment.shaped_as_identifier
        return self.kept or non_personal


class Derived(Part):
    """A table that the source does not have: one row per key, made of rows of another table."""

    source: Name = Field(alias="from")
    where_null: Name
    one_row_per: Name


class Table(Part):
    """One table of the source and what analysts see of it."""

    publish_as: Name
    meaning: Reason
    purpose: str
    legal_basis: LegalBasis
    recipients: tuple[str, ...] = ()
    subject: Subject
    primary_key: Name
    retention: Retention
    while_held: Literal["leave", "stay"] = "leave"
    objected_when_set: Name | None = None
    changed: SourceName | None = None
    derived: Derived | None = None
    columns: dict[Name, Column] = Field(min_length=1)
    never_extracted: dict[SourceName, Reason] = Field(default={})

    def source_of(self, column: str) -> str:
        """Name the source column of a published column."""
        return self.columns[column].source or column

    @property
    def key_type(self) -> ColumnType:
        """Give the type of its primary key."""
        return self.columns[self.primary_key].type

    @property
    def via(self) -> str | None:
        """Name the column that leads to the parent whose clock and fate this table's rows share."""
        return self.retention.via if isinstance(self.retention, Via) else None


class Policy(Part):
    """A whole privacy policy."""

    version: str
    controller: Controller
    time_zone: str
    fiscal_year: FiscalYear
    quarantine: RowLimit
    value_drift: RowLimit = RowLimit(share=0, rows=0)
    waivers: tuple[Waiver, ...] = ()
    purposes: dict[str, Purpose]
    recipients: dict[str, Recipient]
    promises: dict[str, PolicyPromise] = Field(default={})
    domains: dict[Name, Domain]
    never_extracted: dict[SourceName, Reason]
    requests: Requests = Requests()
    approvals: Approvals = Approvals()
    tombstones: Tombstones = Tombstones()
    holds: Holds | None = None
    source: SourceRules | None = None
    incremental: Incremental | None = None
    marts: dict[Name, Mart] = Field(default={})
    tables: dict[Name, Table] = Field(min_length=1)

    _lines: Mapping[Path, int] = PrivateAttr(default_factory=dict)
    _file: str = PrivateAttr(default="policy")
    _digest: str = PrivateAttr(default="")

    @property
    def file(self) -> str:
        """Name the file that the policy was read from."""
        return self._file

    @property
    def digest(self) -> str:
        """Give the SHA-256 of the policy file (and of the modules of functions that it names), hexadecimal."""
        return self._digest

    def line(self, *path: str | int) -> int:
        """Give the line on which a part of the policy stands (its nearest enclosing part's where it has none)."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def in_order(self) -> Iterator[tuple[str, Table]]:
        """Give the tables so that each comes after those it refers to."""
        done: set[str] = set()

        def visit(name: str) -> Iterator[tuple[str, Table]]:
            if name not in done:
                done.add(name)
                for target in self.targets(name):
                    yield from visit(target)
                yield name, self.tables[name]

        for name in self.tables:
            yield from visit(name)

    def targets(self, name: str) -> list[str]:
        """Name the tables that a table's columns refer to."""
        return [column.references for column in self.tables[name].columns.values() if column.references]

    def references(self) -> dict[str, frozenset[str]]:
        """Name all tables, each with those that its columns refer to."""
        return {name: frozenset(self.targets(name)) for name in self.tables}

    def changed(self, name: str) -> str | None:
        """Name the source column of a table that moves whenever a row is written, None where no column tells."""
        return self.tables[name].changed or (self.incremental.changed if self.incremental else None)

    def source_key(self, name: str) -> str:
        """Name the source column of a table's primary key."""
        return self.tables[name].source_of(self.tables[name].primary_key)

    def referred(self) -> set[str]:
        """Name the tables that any table refers to."""
        return {target for name in self.tables for target in self.targets(name)}
