"""The warehouse: where treated rows are staged, gated and published, behind one small protocol."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
import sqlalchemy as sa

from privacy.fates import Fate
from privacy.marts import Cell, Months
from privacy.policy_rights import Identifies
from stores.warehouse.counts import Found as Found
from stores.warehouse.counts import Remaining as Remaining

if TYPE_CHECKING:
    from privacy.evidence import RunRecord
    from privacy.policy import Derived, Policy
    from stores.warehouse.changes import Changes

ANALYTICS = "analytics"

MARTS = "marts"

INDEX = "sluis_private"
"""The schema of whose each published row is."""

QUARANTINE = "sluis_quarantine"
"""The schema of rows that were set aside."""


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
    read_at: datetime.datetime
    """When the rows were read from the source; who was held back then is in none of them."""


@dataclass(frozen=True)
class Published(Seal):
    """What the published state says of itself."""

    run_id: str
    sealed_at: datetime.datetime
    as_of: datetime.date
    policy_version: str
    key_fingerprint: str
    private_file: str


@dataclass(frozen=True)
class Suppressed:
    """One identifier of somebody whose rows leave: a row with an account goes by that only, others by e-mail."""

    fate: Fate
    """ERASED, RESTRICTED or OBJECTED."""
    identifies: Identifies
    mac: bytes = field(repr=False)
    """16 bytes, under the epoch of the private index."""
    generations: frozenset[bytes] = frozenset()
    """References of erasures (16 bytes each): rows of these generations came later, and an erasure spares them."""


@dataclass(frozen=True)
class Readable:
    """Where the gate reads a sealed candidate: its URL, and the schemas of its tables and its marts there.

    Of changes, `analytics` holds the rows that come, and whole tables are relations as they stand in a statement.
    """

    url: sa.URL = field(repr=False)
    analytics: str = ANALYTICS
    marts: str = MARTS
    whole: Mapping[str, str] = field(default_factory=dict)
    """By table: all its rows as they will be."""
    gone: Mapping[str, str] = field(default_factory=dict)
    """By table that is changed: the keys, in its key column, that are published now and will not be."""
    leaving: Mapping[str, str] = field(default_factory=dict)
    """By table that is changed: the keys (`key`) of all rows that leave, also of those that come again."""


class Marts(Protocol):
    """Figures of closed months, in a candidate."""

    def count_published(self, policy: Policy, done: Months, open_from: datetime.date, run_id: str) -> list[Cell]:
        """Count the months before `open_from` that are not done from what is published now, if that run published it.

        Figures that may not be shown are withheld in what is given.
        """
        ...

    def count_staged(self, policy: Policy, done: Months, open_from: datetime.date) -> list[Cell]:
        """Count them from the candidate's own tables, all of which are staged."""
        ...

    def write(self, policy: Policy, name: str, cells: Iterable[Cell], comments: Comments) -> None:
        """Write a mart as a table."""
        ...


class Sealable(Protocol):
    """What the warehouse will be next; nobody sees it before it is published."""

    @property
    def warnings(self) -> list[str]:
        """Give what deserves a look."""
        ...

    @property
    def marts(self) -> Marts:
        """Give the candidate's marts."""
        ...

    def seal(self, record: RunRecord, seal: Seal) -> None:
        """End writing: note the run; from here the candidate is only read."""
        ...

    def readable(self) -> Readable:
        """Say where the gate reads the sealed candidate."""
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


class Remains(Sealable, Protocol):
    """What the warehouse will be without some rows: made of the published file alone, the source is not asked.

    In this order: `doom`, `counts` and `doomed_keys`, `fill`, `accept`, `seal`, `publish`.
    """

    def doom(self, policy: Policy, suppressed: Iterable[Suppressed], as_of: datetime.date | None) -> None:
        """Decide which rows leave, each with the first fate that applies.

        Those of suppressed people, with what follows them (`via`); and, with `as_of`, those whose time is over. A
        policy or an index that is not the published file's is refused (PolicyError, StoreError).
        """
        ...

    def counts(self) -> Mapping[str, Remaining]:
        """Count what leaves and what stays, by published name."""
        ...

    def doomed_keys(self) -> Mapping[str, pa.Array]:
        """Give the published keys of the rows of suppressed people that leave, by published name.

        Arrow `uuid` where they are tokens.
        """
        ...

    def fill(self) -> None:
        """Write the rows that stay, in their order, without their references to rows that leave."""
        ...

    def accept(self) -> None:
        """Compare all that was written with what is published now; VerificationError tells what is not as decided."""
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

    def rows_by_expiry(self) -> Mapping[str, Mapping[datetime.date | None, int]] | None:
        """Count the published rows by table and the day on which they leave, None where nothing is published.

        StoreError if what stands there is not ours.
        """
        ...

    def candidate(self, run_id: str) -> AbstractContextManager[Candidate]:
        """Begin a candidate; left without publishing, it is gone."""
        ...

    def changes(self, run_id: str) -> AbstractContextManager[Changes] | None:
        """Begin changes of the published state; left without publishing, they are gone.

        None: this warehouse takes none, each publish is a new file. StoreError where nothing is published.
        """
        ...

    def remains(self, run_id: str) -> AbstractContextManager[Remains]:
        """Begin what the published file leaves without some rows; left without publishing, it is gone.

        StoreError where nothing is published.
        """
        ...

    def look_for(self, suppressed: Iterable[Suppressed], keys: Mapping[str, pa.Array]) -> Found:
        """Look for people who were to be gone, and for the keys of rows that left (by published name), if known.

        It reads every table and, of files, every byte, and shares nothing with what took the rows out.
        """
        ...

    def beyond_reach(self) -> tuple[str, ...]:
        """Tell, place by place, what may still hold rows that have left, and until when."""
        ...

    def shut_readers_out(self) -> bool:
        """Let nobody read what is published until the next publish; False where a warehouse cannot."""
        ...

    def links(self, identifies: Identifies, macs: Iterable[bytes]) -> Iterable[tuple[bytes, bytes]]:
        """Give each pair of an account's MAC and an e-mail address's that one indexed row carries, of those sought."""
        ...

    def known(self, identifies: Identifies, macs: Iterable[bytes]) -> set[bytes]:
        """Give those of the MACs that an indexed row carries; nobody is known where nothing is published."""
        ...
