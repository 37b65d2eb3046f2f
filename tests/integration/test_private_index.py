"""The private index: whose each published row is stands in the private file alone, and the file says whose it is."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import sqlalchemy as sa

from privacy.errors import StoreError
from privacy.evidence import RunRecord
from privacy.fates import Fate
from privacy.policy import Derived
from privacy.subjects import INDEX_COLUMNS
from privacy.treat import EXPIRES_ON, FATE, REASON
from stores.arrow_stream import readable
from stores.warehouse import Candidate, Comments, Grouped, Published, Seal, Warehouse
from stores.warehouse.duckdb import DuckDBWarehouse
from tests.small_warehouse import READ_AT
from tests.warehouses import AnyWarehouse, InDuckDB

NOTHING_SAID = Comments("", {})
DAY = datetime.date(2030, 1, 1)
SEAL = Seal("erasure", "ledger-1", 7, "ab12", 3, READ_AT)
RECORD = RunRecord("run-1", "test", "digest", "fingerprint", datetime.date(2026, 11, 1))


def ids(*numbers: int | None) -> pa.Array:
    """Give UUIDs that a test can tell apart."""
    return pa.array([None if n is None else uuid.UUID(int=n).bytes for n in numbers], pa.uuid())


def rows(**columns: pa.Array) -> pa.RecordBatch:
    """Make a batch as the treatment of a table gives it: its columns, `_expires_on`, then whose the rows are."""
    length = len(next(iter(columns.values())))
    return pa.RecordBatch.from_pydict(
        {name: column for name, column in columns.items() if name not in INDEX_COLUMNS}
        | {EXPIRES_ON: pa.array([DAY] * length, pa.date32())}
        | {name: columns[name] for name in INDEX_COLUMNS if name in columns}
    )


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse(sa.make_url(f"duckdb:///{tmp_path / 'warehouse.duckdb'}"))


def publish(warehouse: Warehouse, fill: Callable[[Candidate], Any]) -> Any:
    """Publish what `fill` writes into a candidate; give what it gives."""
    with warehouse.exclusive("run-1"), warehouse.candidate("run-1") as candidate:
        told = fill(candidate)
        candidate.seal(RECORD, SEAL)
        candidate.publish()
    return told


def stage(batch: pa.RecordBatch, key: str = "id") -> Callable[[Candidate], None]:
    def fill(candidate: Candidate) -> None:
        candidate.stage("sales", batch.schema, iter([batch.slice(0, 1), batch.slice(1)]), len(batch), key, NOTHING_SAID)

    return fill


def test_whose_a_row_is_stands_in_the_private_file_alone(anywhere: AnyWarehouse) -> None:
    batch = rows(
        id=ids(3, 1, 2),
        total=pa.array([30, 10, 20]),
        _customer=ids(103, None, 102),
        _email=ids(203, 201, None),
        _generation=ids(None, 301, None),
    )

    publish(anywhere.open(), stage(batch))

    assert anywhere.rows("select * from analytics.sales") == [(uuid.UUID(int=n), 10 * n, DAY) for n in (1, 2, 3)]
    index = anywhere.private_rows("select key, customer, email, generation from sluis_private.sales")
    given = [(1, None, 201, 301), (2, 102, None, None), (3, 103, 203, None)]
    assert index == [tuple(n and uuid.UUID(int=n) for n in row) for row in given]
    assert ("analytics", "sales", "total") in anywhere.seen()
    assert not [
        place for place in anywhere.seen() if "sluis_private" in place or set(place) & {*INDEX_COLUMNS, "customer"}
    ]


def test_the_index_has_the_identifiers_that_the_table_has(anywhere: AnyWarehouse) -> None:
    publish(anywhere.open(), stage(rows(id=ids(1, 2), _email=ids(201, 202), _generation=ids(None, None))))

    assert anywhere.columns("sluis_private", "sales") == ["key", "email", "generation"]


def test_a_table_in_which_nobody_is_found_has_no_index(anywhere: AnyWarehouse) -> None:
    publish(anywhere.open(), stage(rows(id=ids(1, 2))))

    assert anywhere.columns("analytics", "sales") == ["id", EXPIRES_ON]
    assert anywhere.columns("sluis_private", "sales") == []


def test_keys_that_are_no_tokens_are_indexed_as_published(anywhere: AnyWarehouse) -> None:
    batch = rows(id=pa.array([2, 1]), _customer=ids(102, 101), _generation=ids(None, None))

    publish(anywhere.open(), stage(batch))

    assert anywhere.rows("select id from analytics.sales") == [(1,), (2,)]
    assert anywhere.private_rows("select key, customer from sluis_private.sales order by key") == [
        (1, uuid.UUID(int=101)),
        (2, uuid.UUID(int=102)),
    ]


def test_a_table_without_rows_has_an_empty_index(anywhere: AnyWarehouse) -> None:
    publish(anywhere.open(), stage(rows(id=ids(), _customer=ids(), _generation=ids())))

    assert anywhere.private_rows("select * from sluis_private.sales") == []


def test_a_derived_table_is_indexed_by_its_groups(anywhere: AnyWarehouse) -> None:
    """Group 1 is published, its second row expired; group 2 is in quarantine; a row without key is nobody's."""
    batch = rows(id=ids(1, 1, 2, None), _email=ids(201, 201, 202, None), _generation=ids(301, 301, None, None))
    fates = [Fate.PUBLISHED, Fate.EXPIRED, Fate.QUARANTINED, Fate.PUBLISHED]
    batch = batch.append_column(FATE, pa.array(fates, pa.uint8()))
    batch = batch.append_column(REASON, pa.array(["", "", "strange", ""]))

    def fill(candidate: Candidate) -> Grouped:
        derived = Derived.model_validate({"from": "sale", "where_null": "buyer", "one_row_per": "id"})
        with readable(batch.schema, iter([batch])) as reader:
            return candidate.stage_groups("guests", reader, derived, NOTHING_SAID)

    grouped = publish(anywhere.open(), fill)

    assert grouped.fates == {Fate.PUBLISHED: 1, Fate.QUARANTINED: 1}
    assert anywhere.columns("analytics", "guests") == ["id", EXPIRES_ON]
    assert anywhere.private_rows("select key, email, generation from sluis_private.guests") == [
        (uuid.UUID(int=1), uuid.UUID(int=201), uuid.UUID(int=301))
    ]
    set_aside = "select id, _email, _generation, _reason from sluis_quarantine.guests"
    assert anywhere.private_rows(set_aside) == [(uuid.UUID(int=2), uuid.UUID(int=202), None, "strange")]


def test_quarantined_rows_keep_whose_they_are(anywhere: AnyWarehouse) -> None:
    batch = rows(id=ids(1), _customer=ids(101), _generation=ids(None)).append_column(REASON, pa.array(["strange"]))

    publish(anywhere.open(), lambda candidate: candidate.quarantine("sales", pa.Table.from_batches([batch])))

    assert anywhere.private_rows("select id, _customer, _reason from sluis_quarantine.sales") == [
        (uuid.UUID(int=1), uuid.UUID(int=101), "strange")
    ]


# ── what the published file says of itself ────────────────────────────────────────────────────────────────────────


def test_nothing_published_says_nothing(warehouse: DuckDBWarehouse) -> None:
    assert warehouse.published() is None


def test_the_published_file_says_which_run_and_ledger_it_is_of(warehouse: DuckDBWarehouse) -> None:
    before = datetime.datetime.now(datetime.UTC)

    publish(warehouse, stage(rows(id=ids(1, 2))))

    said = warehouse.published()
    assert said
    assert before <= said.sealed_at <= datetime.datetime.now(datetime.UTC)
    assert said == Published(
        **vars(SEAL),
        run_id="run-1",
        sealed_at=said.sealed_at,
        as_of=RECORD.as_of,
        policy_version="test",
        key_fingerprint="fingerprint",
        private_file="warehouse.duckdb.private-run-1",
    )
    assert warehouse.private_file() == said.private_file


def test_what_somebody_wrote_beside_the_published_file_is_not_asked(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    publish(warehouse, stage(rows(id=ids(1, 2))))
    ours = warehouse.live.read_bytes()
    warehouse.live.chmod(0o644)
    with duckdb.connect(str(warehouse.live)) as theirs:
        theirs.execute("update sluis_meta.run set ledger_id = 'theirs'")
        log = warehouse.beside("wal").read_bytes()
    warehouse.live.write_bytes(ours)
    warehouse.beside("wal").write_bytes(log)

    said = warehouse.published()

    assert said
    assert said.ledger_id == "ledger-1"
    assert InDuckDB(tmp_path).rows("select ledger_id from sluis_meta.run") == [("theirs",)], "the log is none"
    assert {path.name for path in warehouse.live.parent.iterdir()} == {
        "warehouse.duckdb",
        "warehouse.duckdb.lock",
        "warehouse.duckdb.private-run-1",
        "warehouse.duckdb.wal",
    }


def test_a_file_published_before_ledgers_were_named_says_so(warehouse: DuckDBWarehouse) -> None:
    with duckdb.connect(str(warehouse.live)) as connection:
        connection.execute(
            "create schema sluis_meta; create table sluis_meta.run as select 'run-0' as run_id, '1' as policy_version, "
            "current_date as as_of, now() as sealed_at, 'f' as key_fingerprint, 'p' as private_file"
        )

    said = warehouse.published()

    assert said
    assert (said.run_id, said.kind, said.ledger_id, said.receipts, said.index_epoch) == ("run-0", "refresh", "", 0, 0)


def foreign(live: Path) -> None:
    with duckdb.connect(str(live)) as connection:
        connection.execute("create table theirs as select 1")


def damaged(live: Path) -> None:
    live.write_bytes(b"no database")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [(foreign, "is no warehouse of Sluis, and is not overwritten"), (damaged, "is damaged, or opened for writing")],
)
def test_a_file_that_is_not_ours_is_refused(
    warehouse: DuckDBWarehouse, spoil: Callable[[Path], None], told: str
) -> None:
    spoil(warehouse.live)

    with pytest.raises(StoreError, match=told):
        warehouse.published()


@pytest.fixture
def looked_at_and_killed(warehouse: DuckDBWarehouse) -> Iterator[Path]:
    """Leave what a process leaves that was killed while it asked the published file."""
    publish(warehouse, stage(rows(id=ids(1, 2))))
    look = warehouse.beside("look-killed")
    look.mkdir()
    (look / "live.duckdb").hardlink_to(warehouse.live)
    yield look


def test_a_second_name_that_a_killed_process_left_goes_with_the_next_candidate(
    warehouse: DuckDBWarehouse, looked_at_and_killed: Path
) -> None:
    publish(warehouse, stage(rows(id=ids(1, 2))))

    assert not looked_at_and_killed.exists()
