"""The points on the way of a run, and of a publish without the source, at which trouble comes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.interrupted import Point

CHAMBER, PUBLICATION, REMAINS = "tasks.chamber", "tasks.publication", "tasks.remains"
LOCK, RUNS, REQUESTS = "stores.ledger.lock", "stores.ledger.runs", "stores.ledger.requests"
CANDIDATE, FILE, LIVE = (f"stores.warehouse.duckdb_{part}" for part in ("candidate", "file", "live"))


@dataclass(frozen=True)
class Stage:
    """A named point of one way."""

    name: str
    point: Point
    published: bool = False
    """Whether analysts see by then what the way makes."""
    written: bool = False
    """Whether all of it is on the disk by then: one that is full from here on keeps nothing from being published."""
    way: str = "run"

    def __str__(self) -> str:
        return f"{self.way}: {self.name}"


def _run(name: str, module: str, function: str, entry: int = 1, after: bool = False) -> Stage:
    return Stage(name, Point(module, function, entry, after))


def _written(name: str, module: str, function: str, after: bool = False) -> Stage:
    return Stage(name, Point(module, function, 1, after), written=True)


def _published(name: str, module: str, function: str, entry: int = 1, after: bool = False) -> Stage:
    return Stage(name, Point(module, function, entry, after), published=True)


def _erasing(stage: Stage) -> Stage:
    return replace(stage, way="erasure")


STAGES = (
    _run("before the lock", LOCK, "Lock.taken"),
    _run("locked, without a name", LOCK, "Lock.noted"),
    _run("locked by name", PUBLICATION, "check_standing"),
    _run("before its start is noted", RUNS, "Runs.start"),
    _run("its start is noted", RUNS, "Runs.start", after=True),
    _run("the candidate is begun", CHAMBER, "Chamber.inspect"),
    _run("the schema is read", "stores.sqlite_source", "SqliteSource.schema", after=True),
    _run("the snapshot is open", CHAMBER, "Chamber._take_in_requests"),
    _run("before requests are decided", REQUESTS, "Requests.decide"),
    _run("requests are decided", REQUESTS, "Requests.decide", after=True),
    _run("legal holds are taken in", CHAMBER, "Chamber._take_in_holds", after=True),
    _run("a first batch is treated", "privacy.treat", "TableTreater.treat", after=True),
    _run("before a table is staged", CANDIDATE, "DuckDBCandidate.stage"),
    _run("a table is staged", CANDIDATE, "DuckDBCandidate.stage", after=True),
    _run("before rows are set aside", CANDIDATE, "DuckDBCandidate.quarantine", 2),
    _run("rows are set aside", CANDIDATE, "DuckDBCandidate.quarantine", 2, after=True),
    _run("before a derived table", CANDIDATE, "DuckDBCandidate.stage_groups"),
    _run("a derived table is staged", CANDIDATE, "DuckDBCandidate.stage_groups", after=True),
    _run("a child's batch is treated", "privacy.treat", "TableTreater.treat", 4),
    _run("before figures are counted", "stores.warehouse.duckdb_marts", "DuckDBMarts.count_staged"),
    _run("a mart is written", "stores.warehouse.duckdb_marts", "DuckDBMarts.write", after=True),
    _run("before the seal", FILE, "NewFile.seal"),
    _run("sealed", FILE, "NewFile.seal", after=True),
    _run("between two suites of the gate", "great_expectations.datasource.fluent.interfaces", "Batch.validate", 3),
    _run("past the gate", CHAMBER, "pass_gate", after=True),
    _run("figures are frozen", "stores.ledger.frozen", "Frozen.add", after=True),
    _run("before the ledger knows of it", RUNS, "Runs.seal"),
    _written("the ledger knows of it", RUNS, "Runs.seal", after=True),
    _written("before the swap", LIVE, "LiveFile.swap_in"),
    _written("the private file is in its place", "pathlib", "Path.rename", after=True),
    _written("before the one rename", "pathlib", "Path.replace"),
    _published("the rename is done", "pathlib", "Path.replace", after=True),
    _published("before the old private file goes", LIVE, "LiveFile._remove_private_files_but", 2),
    _published("before tombstones are noted as met", "stores.ledger.suppressions", "Suppressions.seen"),
    _published("before the proof", PUBLICATION, "Publication.prove"),
    _published("before the receipt", "stores.ledger.receipts", "Receipts.append"),
    _published("the receipt is issued", "stores.ledger.receipts", "Receipts.append", after=True),
    _published("requests are noted as applied", REQUESTS, "Requests.applied", after=True),
    _published("before its end is noted", RUNS, "Runs.end"),
    _published("its end is noted", RUNS, "Runs.end", after=True),
    _erasing(_run("locked by name", PUBLICATION, "check_standing")),
    _erasing(_run("before rows are doomed", "stores.warehouse.duckdb_remains", "DuckDBRemains.doom")),
    _erasing(_run("rows are doomed", "stores.warehouse.duckdb_remains", "DuckDBRemains.doom", after=True)),
    _erasing(_run("what stays is written", "stores.warehouse.duckdb_remains", "DuckDBRemains.fill", after=True)),
    _erasing(_run("what stays is compared", "stores.warehouse.duckdb_remains", "DuckDBRemains.accept", after=True)),
    _erasing(_run("past the gate", REMAINS, "pass_gate", after=True)),
    _erasing(_written("the ledger knows of it", RUNS, "Runs.seal", after=True)),
    _erasing(_written("before the one rename", "pathlib", "Path.replace")),
    _erasing(_published("the rename is done", "pathlib", "Path.replace", after=True)),
    _erasing(_published("the receipt is issued", "stores.ledger.receipts", "Receipts.append", after=True)),
    _erasing(_published("its end is noted", RUNS, "Runs.end", after=True)),
)
