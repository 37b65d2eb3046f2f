"""The points on the way of a run, and of a publish without the source, at which trouble comes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.interrupted import Point

EVERYWHERE = {
    "lock": ("stores.ledger.lock", "Lock."),
    "runs": ("stores.ledger.runs", "Runs."),
    "requests": ("stores.ledger.requests", "Requests."),
    "receipts": ("stores.ledger.receipts", "Receipts."),
    "suppressions": ("stores.ledger.suppressions", "Suppressions."),
    "frozen": ("stores.ledger.frozen", "Frozen."),
    "chamber": ("tasks.chamber", "Chamber."),
    "run": ("tasks.chamber", ""),
    "publication": ("tasks.publication", ""),
    "erasure": ("tasks.remains", ""),
    "treater": ("privacy.treat", "TableTreater."),
    "gate": ("great_expectations.datasource.fluent.interfaces", "Batch."),
    "path": ("pathlib", "Path."),
}
"""Modules, and classes in them, of the steps of every way; and those of each kind of home."""

IN_FILES = EVERYWHERE | {
    "source": ("stores.sqlite_source", "SqliteSource."),
    "candidate": ("stores.warehouse.duckdb_candidate", "DuckDBCandidate."),
    "remains": ("stores.warehouse.duckdb_remains", "DuckDBRemains."),
    "state": ("stores.warehouse.duckdb_file", "NewFile."),
    "marts": ("stores.warehouse.duckdb_marts", "DuckDBMarts."),
    "live": ("stores.warehouse.duckdb_live", "LiveFile."),
    "warehouse": ("stores.warehouse.duckdb", "DuckDBWarehouse."),
}

ON_SERVER = EVERYWHERE | {
    "source": ("stores.postgresql_source", "PostgresqlSource."),
    "candidate": ("stores.warehouse.postgresql_candidate", "PostgreSQLCandidate."),
    "remains": ("stores.warehouse.postgresql_remains", "PostgreSQLRemains."),
    "state": ("stores.warehouse.postgresql_state", "NewState."),
    "marts": ("stores.warehouse.postgresql_marts", "PostgreSQLMarts."),
    "publishing": ("stores.warehouse.postgresql_state", ""),
    "warehouse": ("stores.warehouse.postgresql", "PostgreSQLWarehouse."),
}


@dataclass(frozen=True)
class Stage:
    """A named point of one way, before or after a step of it."""

    name: str
    step: str
    entry: int = 1
    after: bool = False
    published: bool = False
    """Whether analysts see by then what the way makes."""
    written: bool = False
    """Whether all of it is on the disk by then: one that is full from here on keeps nothing from being published."""
    way: str = "run"

    def __str__(self) -> str:
        return f"{self.way}: {self.name}"

    def at(self, home: dict[str, tuple[str, str]]) -> Point:
        """Give the function that this is in a home."""
        owner, function = self.step.split(".")
        module, kind = home[owner]
        return Point(module, kind + function, self.entry, self.after)


def after(name: str, step: str, entry: int = 1) -> Stage:
    return Stage(name, step, entry, after=True)


def written(stage: Stage) -> Stage:
    return replace(stage, written=True)


def published(stage: Stage) -> Stage:
    return replace(stage, published=True)


def erasing(*stages: Stage) -> tuple[Stage, ...]:
    return tuple(replace(stage, way="erasure") for stage in stages)


TO_THE_SWAP = (
    Stage("before the lock", "lock.taken"),
    Stage("locked, without a name", "lock.noted"),
    Stage("locked by name", "publication.check_standing"),
    Stage("before its start is noted", "runs.start"),
    after("its start is noted", "runs.start"),
    Stage("the candidate is begun", "chamber.inspect"),
    after("the schema is read", "source.schema"),
    Stage("the snapshot is open", "chamber._take_in_requests"),
    Stage("before requests are decided", "requests.decide"),
    after("requests are decided", "requests.decide"),
    after("legal holds are taken in", "chamber._take_in_holds"),
    after("a first batch is treated", "treater.treat"),
    Stage("before a table is staged", "candidate.stage"),
    after("a table is staged", "candidate.stage"),
    Stage("before rows are set aside", "candidate.quarantine", 2),
    after("rows are set aside", "candidate.quarantine", 2),
    Stage("before a derived table", "candidate.stage_groups"),
    after("a derived table is staged", "candidate.stage_groups"),
    Stage("a child's batch comes", "treater.treat", 4),
    Stage("before figures are counted", "marts.count_staged"),
    after("a mart is written", "marts.write"),
    Stage("before the seal", "state.seal"),
    after("sealed", "state.seal"),
    Stage("the gate's statements are answered", "gate.validate"),
    after("past the gate", "run.pass_gate"),
    after("figures are frozen", "frozen.add"),
    Stage("before the ledger knows of it", "runs.seal"),
    written(after("the ledger knows of it", "runs.seal")),
)

FROM_THE_SWAP = (
    Stage("before tombstones are noted as met", "suppressions.seen"),
    Stage("before the proof", "warehouse.look_for"),
    Stage("before the receipt", "receipts.append"),
    after("the receipt is issued", "receipts.append"),
    after("requests are noted as applied", "requests.applied"),
    Stage("before its end is noted", "runs.end"),
    after("its end is noted", "runs.end"),
)

ERASURE = erasing(
    Stage("locked by name", "publication.check_standing"),
    Stage("before rows are doomed", "remains.doom"),
    after("rows are doomed", "remains.doom"),
    after("what stays is written", "remains.fill"),
    after("what stays is compared", "remains.accept"),
    after("past the gate", "erasure.pass_gate"),
    written(after("the ledger knows of it", "runs.seal")),
    published(after("the receipt is issued", "receipts.append")),
    published(after("its end is noted", "runs.end")),
)

SWAP_OF_FILES = (
    written(Stage("before the swap", "live.swap_in")),
    written(after("the private file is in its place", "path.rename")),
    written(Stage("before the one rename", "path.replace")),
    published(after("the rename is done", "path.replace")),
    published(Stage("before the old private file goes", "live._remove_private_files_but", 2)),
)

SWAP_ON_SERVER = (
    written(Stage("before the swap", "state.publish")),
    written(Stage("all tables are moved, and nothing is committed", "publishing.let_read")),
    published(after("the swap is committed", "state._publish")),
    published(Stage("before the empty schemas go", "state.close")),
)

STAGES_OF_FILES = (
    *TO_THE_SWAP,
    *SWAP_OF_FILES,
    *map(published, FROM_THE_SWAP),
    *ERASURE,
    *erasing(SWAP_OF_FILES[2], SWAP_OF_FILES[3]),
)
STAGES_ON_SERVER = (
    *TO_THE_SWAP,
    *SWAP_ON_SERVER,
    *map(published, FROM_THE_SWAP),
    *ERASURE,
    *erasing(SWAP_ON_SERVER[1], SWAP_ON_SERVER[2]),
)


SHARE = float(os.environ.get("FAULTS_SHARE", "0.5"))
"""The share of stages at which each trouble is tried, the same ones every time."""


def some(stages: Sequence[Stage], first: int) -> list[Stage]:
    """Give a share of stages, evenly spread; other ones for another `first`."""
    counted = enumerate(stages, first)
    return [stage for number, stage in counted if int(number * SHARE) != int((number - 1) * SHARE)]
