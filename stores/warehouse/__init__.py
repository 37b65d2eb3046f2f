"""The warehouse: where treated rows are staged, gated and published, behind one small protocol."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
import sqlalchemy as sa

if TYPE_CHECKING:
    from privacy.evidence import RunRecord
    from privacy.policy import Derived

ANALYTICS = "analytics"


@dataclass(frozen=True)
class Comments:
    """What analysts read beside a table and its columns."""

    table: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Grouped:
    """What became of the groups of a derived table: groups by fate number, quarantined ones by reason."""

    fates: Mapping[int, int]
    reasons: Mapping[str, int]


@dataclass(frozen=True)
class Seal:
    """What ties a published state to its ledger, and its private index to a key."""

    kind: str
    """Of the run: refresh, erasure, retention or replay."""
    ledger_id: str
    receipts: int
    """How many receipts the ledger had."""
    head: str
    """The hash of the last of them; empty if there was none."""
    index_epoch: int
    """The epoch of the root `tombstones` under which the private index is made."""


@dataclass(frozen=True)
class Published(Seal):
    """What the published file says of itself."""

    run_id: str
    sealed_at: datetime.datetime
    as_of: datetime.date
    policy_version: str
    key_fingerprint: str
    private_file: str


class Sealable(Protocol):
    """What the warehouse will be next; nobody sees it before it is published."""

    warnings: list[str]

    def seal(self, record: RunRecord, seal: Seal) -> None:
        """End writing: note the run; from here the candidate is only read."""
        ...

    def readable(self) -> sa.URL:
        """Give the URL under which the gate reads the sealed candidate."""
        ...

    def publish(self) -> None:
        """Make all tables visible at once."""
        ...


class Candidate(Sealable, Protocol):
    """What the warehouse will be after this run, made of treated rows.

    Batches of a table whose subject is found by columns of its own also carry `INDEX_COLUMNS` of privacy/subjects.py:
    these go to the private index, never to what analysts read; quarantined rows keep them.
    """

    def stage(
        self, table: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch], rows: int, key: str, comments: Comments
    ) -> None:
        """Write a published table's rows, of which there are `rows` at most, in the order of their key.

        The key is a token as a rule, so that position says nothing.
        """
        ...

    def stage_groups(self, table: str, batches: pa.RecordBatchReader, derived: Derived, comments: Comments) -> Grouped:
        """Write a derived table: one row per key of those rows that may be published."""
        ...

    def quarantine(self, table: str, rows: pa.Table) -> None:
        """Write rows that were set aside (treated, with the reason) where analysts do not look."""
        ...


class Warehouse(Protocol):
    """Where analysts read."""

    def exclusive(self, run_id: str) -> AbstractContextManager[None]:
        """Hold the warehouse for one run."""
        ...

    def published(self) -> Published | None:
        """Read what the published file says of itself, None where nothing is published yet.

        StoreError if what stands there is not ours.
        """
        ...

    def candidate(self, run_id: str) -> AbstractContextManager[Candidate]:
        """Begin a candidate; left without publishing, it is gone."""
        ...
