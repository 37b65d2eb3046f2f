"""Values arrive exactly as declared, or are set aside and counted with a reason; none is guessed."""

from __future__ import annotations

import contextlib
import datetime
import sqlite3
import tempfile
import uuid
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st

import tasks.extraction
from privacy.column_types import ColumnType
from privacy.declared import MISFITS, cast_or_set_aside, force_types
from stores.source import Reading
from stores.sqlite_source import SqliteSource
from tests import strategies
from tests.conftest import Command, Place
from tests.corner_shop import token_in

SCHEMA = """
create table measure (measure_id int unique, count integer, amount decimal(12,2), ratio real, flag boolean,
                      label text, email text, moment text, day text);
create table nil (nothing_id integer primary key, amount decimal(12,2), moment timestamp, label varchar(20));
"""

KEEP = "role: non_personal, treatment: keep, because: A measure."
COLUMNS = f"""\
      count: {{type: integer, {KEEP}}}
      amount: {{type: "decimal(12,2)", {KEEP}}}
      ratio: {{type: double, {KEEP}}}
      flag: {{type: boolean, {KEEP}}}
      label: {{type: text, {KEEP}}}
      email: {{type: text, role: direct_identifier, treatment: {{kind: pseudonymize, domain: email}}}}
      moment: {{type: timestamp, {KEEP}}}
      day: {{type: date, {KEEP}}}
"""

POLICY = f"""\
version: "values"
controller: {{name: Corner shop, contact: shop@example.org, privacy_policy: Notice on the door}}
time_zone: Europe/Amsterdam
fiscal_year: {{first_month: 1}}
quarantine: {{share: 1.0, rows: 0}}
purposes: {{measuring: {{meaning: Measure things.}}}}
recipients: {{}}
domains:
  measure: {{of: integer, meaning: A measure.}}
  email: {{of: email, meaning: An address.}}
never_extracted: {{}}
tables:
  measure:
    publish_as: measures
    meaning: What was measured.
    purpose: measuring
    legal_basis: contract
    subject: {{who: nobody}}
    primary_key: measure_id
    retention: {{unlimited: true, because: Nothing of a person is in it.}}
    columns:
      measure_id: {{type: integer, role: direct_identifier, treatment: {{kind: pseudonymize, domain: measure}}}}
{COLUMNS}\
  nil:
    publish_as: nothings
    meaning: Nothing yet.
    purpose: measuring
    legal_basis: contract
    subject: {{who: nobody}}
    primary_key: nothing_id
    retention: {{keep_at_most: 1 year, after: moment, because: As short as it goes.}}
    columns:
      nothing_id: {{type: integer, role: non_personal, {KEEP.split(", ", 1)[1]}}}
      amount: {{type: "decimal(12,2)", {KEEP}}}
      moment: {{type: timestamp, {KEEP}}}
      label: {{type: text, {KEEP}}}
"""

NAMES = ("measure_id", "count", "amount", "ratio", "flag", "label", "email", "moment", "day")


@pytest.fixture
def measured(place: Place) -> Place:
    """Replace the corner shop by a table of measures without a row, and one that stays empty."""
    place.source.unlink()
    with contextlib.closing(sqlite3.connect(place.source)) as connection, connection:
        connection.executescript(SCHEMA)
    place.policy.write_text(POLICY, encoding="utf-8")
    return place


def insert(place: Place, *rows: dict[str, Any]) -> None:
    """Add measures: what is not given is NULL."""
    with contextlib.closing(sqlite3.connect(place.source)) as connection, connection:
        connection.executemany(
            f"insert into measure values ({', '.join('?' * len(NAMES))})",
            [[row.get(name) for name in NAMES] for row in rows],
        )


def insert_as_sql(place: Place, measure_id: int, column: str, sql: str) -> None:
    """Add a measure whose one value is given in SQL."""
    place.change_source(f"insert into measure (measure_id, {column}) values ({measure_id}, {sql})")


def key_token(place: Place, value: object, domain: str = "measure", form: str = "integer") -> uuid.UUID | None:
    """Compute a token independently."""
    return token_in(place.keyring, value, domain, form)


def published(place: Place, measure_id: int, *columns: str) -> list[tuple[Any, ...]]:
    """Give some columns of a published measure."""
    return place.rows(
        f"select {', '.join(columns)} from analytics.measures where measure_id = '{key_token(place, measure_id)}'"
    )


def test_values_after_a_hundred_thousand_missing_ones_arrive(measured: Place, run: Command) -> None:
    measured.change_source(
        "insert into measure (measure_id) "
        "with recursive n (i) as (select 1 union all select i + 1 from n limit 100000) select i from n"
    )
    last = {"count": 7, "amount": 12.34, "ratio": 0.5, "flag": 1, "label": "seven", "day": "2024-02-29"}
    insert(measured, {"measure_id": 200_000, **last, "moment": "2024-02-29T23:30:00+00:00", "email": "a@b.example"})

    outcome = run()

    assert outcome.exit_code == 0, outcome.said
    assert outcome.json["tables"]["measures"]["published"] == 100_001
    assert outcome.json["tables"]["measures"]["quarantined"] == 0
    assert published(
        measured, 200_000, "count", "amount", "ratio", "flag", "label", "epoch(moment)::bigint", "day", "email"
    ) == [
        (
            7,
            Decimal("12.34"),
            0.5,
            True,
            "seven",
            int(datetime.datetime(2024, 2, 29, 23, 30, tzinfo=datetime.UTC).timestamp()),
            datetime.date(2024, 2, 29),
            key_token(measured, "a@b.example", "email", "email"),
        )
    ]
    assert measured.rows("select count(*) from analytics.measures where count is null and label is null") == [
        (100_000,)
    ]


def test_an_empty_table_is_published_empty_with_its_types(measured: Place, run: Command) -> None:
    insert(measured, {"measure_id": 1})

    outcome = run()

    assert outcome.exit_code == 0, outcome.said
    assert outcome.json["tables"]["nothings"]["extracted"] == 0
    assert measured.rows("select column_name, column_type from (describe analytics.nothings)") == [
        ("nothing_id", "BIGINT"),
        ("amount", "DECIMAL(12,2)"),
        ("moment", "TIMESTAMP WITH TIME ZONE"),
        ("label", "VARCHAR"),
        ("_expires_on", "DATE"),
    ]


GOOD: list[tuple[str, Any, Any]] = [
    ("amount", 9999999999.99, Decimal("9999999999.99")),
    ("amount", -9999999999.99, Decimal("-9999999999.99")),
    ("amount", 0.1, Decimal("0.10")),
    ("amount", 5, Decimal("5.00")),
    ("amount", "7.25", Decimal("7.25")),
    ("amount", -0.01, Decimal("-0.01")),
    ("count", 2**63 - 1, 2**63 - 1),
    ("count", -(2**63), -(2**63)),
    ("count", 3.0, 3),
    ("ratio", 1, 1.0),
    ("ratio", 1e308, 1e308),
    ("flag", 1, True),
    ("flag", 0, False),
    ("label", "5", "5"),
    ("label", "", ""),
    ("label", "Zoë 🚗 'quoted' \n line", "Zoë 🚗 'quoted' \n line"),
    ("label", "before\0after", "before\0after"),
    ("day", "2024-02-29", datetime.date(2024, 2, 29)),
    ("day", "0001-01-01", datetime.date(1, 1, 1)),
]
"""A column, what the source holds, and what must arrive."""

BAD: list[tuple[str, str]] = [
    ("amount", "12.345"),
    ("amount", "0.9999999999999999"),
    ("amount", "10000000000.00"),
    ("amount", "-10000000000"),
    ("amount", "1e300"),
    ("amount", "9e999"),
    ("amount", "'a lot'"),
    ("amount", "x'31'"),
    ("count", "'seven'"),
    ("count", "3.5"),
    ("count", "1e30"),
    ("ratio", "'half'"),
    ("ratio", "x'00'"),
    ("flag", "2"),
    ("flag", "'true'"),
    ("flag", "0.5"),
    ("label", "x'6162'"),
    ("label", "cast(x'ff' as text)"),
    ("label", "cast(x'61c3' as text)"),
    ("label", "cast(x'eda080' as text)"),
    ("email", "cast(x'61406200ff' as text)"),
    ("email", "x'6140622e6e6c'"),
    ("moment", "'2025-03-10T12:00:00'"),
    ("moment", "'2025-03-10'"),
    ("moment", "'2025-02-30T12:00:00+01:00'"),
    ("moment", "'2025-03-10T25:00:00+01:00'"),
    ("moment", "'10 March 2025'"),
    ("moment", "''"),
    ("moment", "1741600000"),
    ("moment", "x'00'"),
    ("day", "'2025-02-29'"),
    ("day", "'10-03-2025'"),
    ("day", "'2025-03-10T12:00:00+01:00'"),
    ("day", "20250310"),
    ("day", "cast(x'ff' as text)"),
]
"""A column and SQL for a value that does not fit it."""


def test_each_value_arrives_as_declared_or_is_set_aside_and_counted(measured: Place, run: Command) -> None:
    insert(measured, *({"measure_id": 1000 + i, column: value} for i, (column, value, _) in enumerate(GOOD)))
    for index, (column, sql) in enumerate(BAD):
        insert_as_sql(measured, 2000 + index, column, sql)
    insert(measured, {"count": 1}, {"label": "no key either"})

    outcome = run()

    assert outcome.exit_code == 0, outcome.said
    arrived = {
        (column, repr(value)): published(measured, 1000 + index, column)
        for index, (column, value, _) in enumerate(GOOD)
    }
    assert arrived == {(column, repr(value)): [(due,)] for column, value, due in GOOD}
    assert [bad for index, bad in enumerate(BAD) if published(measured, 2000 + index, "1")] == []
    counts = outcome.json["tables"]["measures"]
    assert counts["quarantine_reasons"] == {
        **{
            f"{column}: not of its declared type": len([name for name, _ in BAD if name == column])
            for column in {name for name, _ in BAD}
        },
        "measure_id: no key": 2,
    }
    assert (counts["published"], counts["quarantined"]) == (len(GOOD), len(BAD) + 2)
    assert f"measures: rows in quarantine: {len(BAD) + 2}" in outcome.json["warnings"]


def test_what_is_set_aside_is_treated_and_tells_why(measured: Place, run: Command) -> None:
    insert(measured, {"measure_id": 1}, {"measure_id": 5, "count": "seven", "email": "a@b.example", "label": "kept"})

    assert run().exit_code == 0

    (private,) = measured.rows("select private_file from sluis_meta.run")[0]
    with duckdb.connect(str(measured.folder / private), read_only=True) as connection:
        rows = connection.execute(
            "select measure_id, email, count, label, _reason from sluis_quarantine.measures"
        ).fetchall()
    assert rows == [
        (
            key_token(measured, 5),
            key_token(measured, "a@b.example", "email", "email"),
            None,
            "kept",
            "count: not of its declared type",
        )
    ]


def test_a_table_of_which_every_row_is_set_aside_is_not_published_empty(measured: Place, run: Command) -> None:
    insert(measured, {"measure_id": 5, "count": "seven"})

    outcome = run()

    assert outcome.exit_code == 1
    assert [(f["promise"], f["table"]) for f in outcome.json["gates"]["failed"]] == [("not_empty", "measures")]
    assert not measured.warehouse.exists()


def test_an_integer_column_that_turns_to_text_is_read_to_the_end(
    measured: Place, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.extraction, "BATCH_ROWS", 10)
    insert(measured, *({"measure_id": i, "count": i if i % 30 < 20 else f"n{i}"} for i in range(90)))

    outcome = run()

    assert outcome.exit_code == 0, outcome.said
    assert outcome.json["tables"]["measures"]["quarantine_reasons"] == {"count: not of its declared type": 30}
    assert measured.rows("select sum(count), count(*) from analytics.measures") == [
        (sum(i for i in range(90) if i % 30 < 20), 60)
    ]


def test_a_key_gives_one_token_whatever_stands_in_its_batch(
    measured: Place, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [None, 5, None, 0, -1, -5, 2**63 - 1, -(2**63), None, 2**53 + 1]
    emails = ["A@B.example", None, "", "  ", "\u00a0", "\t\n", " a@b.EXAMPLE", "é@b.example", "e\u0301@b.example", "x"]
    insert(*(measured,), *({"measure_id": k, "email": e} for k, e in zip(keys, emails, strict=True)))
    insert(measured, *({"measure_id": 100 + i, "count": i if i % 3 else None} for i in range(30)))
    contents = []
    for rows in (1, 2, 1000):
        monkeypatch.setattr(tasks.extraction, "BATCH_ROWS", rows)
        outcome = run()
        assert outcome.exit_code == 0, outcome.said
        assert outcome.json["tables"]["measures"]["quarantine_reasons"] == {"measure_id: no key": 3}
        contents.append(measured.rows("from analytics.measures order by all"))

    assert contents[1:] == contents[:1] * 2
    found = dict(measured.rows("select measure_id, email from analytics.measures where count is null"))
    for key, email in zip(keys, emails, strict=True):
        if key is not None:
            assert found[key_token(measured, key)] == key_token(measured, email, "email", "email"), key
    assert found[key_token(measured, 0)] is None, "a blank address is no value"
    assert found[key_token(measured, 2**63 - 1)] is not None


# ── the same for any values ───────────────────────────────────────────────────────────────────────────────────────

_dates = strategies.dates.map(str)
_moments = strategies.timestamps.map(lambda moment: moment.isoformat())
_odd = st.sampled_from(["", " ", "x", "2025-02-29", "2025-13-01", "2025-03-10", "2025-03-10T12:00:00", "1e5", "24:00"])
_TARGETS = [ColumnType("date"), ColumnType("timestamp"), ColumnType("text")]


@given(
    values=st.lists(st.one_of(st.none(), _dates, _moments, _odd), max_size=40),
    kind=st.sampled_from(_TARGETS),
    start=st.integers(0, 3),
)
@example(values=["", None, ""], kind=ColumnType("date"), start=1)
def test_a_column_is_cast_as_its_values_are_one_by_one(values: list[str | None], kind: ColumnType, start: int) -> None:
    to = kind.arrow("Europe/Amsterdam")
    column = pa.array(values, pa.string()).slice(start)
    alone: list[tuple[Any, bool]] = []
    for value in column.to_pylist():
        try:
            alone.append((pa.array([value], pa.string()).cast(to)[0].as_py(), False))
        except pa.ArrowInvalid:
            alone.append((None, True))

    cast, mask = cast_or_set_aside(column, to)

    marked = [False] * len(column) if mask is None else mask.tolist()
    assert list(zip(cast.to_pylist(), marked, strict=True)) == alone
    assert cast.type == to


@given(st.lists(st.binary(max_size=6), max_size=20))
def test_text_is_kept_where_it_is_utf8_and_set_aside_where_it_is_not(values: Sequence[bytes]) -> None:
    raw = pa.array(values, pa.binary())
    unchecked = pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())

    cast, mask = cast_or_set_aside(unchecked, pa.string())

    marked = np.zeros(len(values), np.bool_) if mask is None else mask
    for value, result, odd in zip(values, cast.to_pylist(), marked, strict=True):
        assert result == (None if odd else value.decode())
        assert odd == (value.decode(errors="replace") != value.decode(errors="ignore") or _undecodable(value))


def _undecodable(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return True
    return False


_KINDS = {
    "i": ColumnType("integer"),
    "t": ColumnType("text"),
    "d": ColumnType("decimal", 12, 2),
    "p": ColumnType("decimal", 20, 4),
    "f": ColumnType("double"),
}
_cents = st.integers(-(10**12) + 1, 10**12 - 1).map(lambda cents: Decimal(cents).scaleb(-2))
_many = st.integers(-(10**20) + 1, 10**20 - 1).map(lambda units: Decimal(units).scaleb(-4))
_rows = st.lists(
    st.tuples(
        *(
            st.one_of(st.none(), values)
            for values in (
                strategies.integers,
                st.text(st.characters(codec="utf-8"), max_size=20),
                _cents,
                st.one_of(_cents, _many),
                st.floats(allow_nan=False, allow_infinity=False),
            )
        )
    ),
    max_size=12,
)


@settings(max_examples=60)
@given(rows=_rows, batch=st.sampled_from([1, 2, 1000]))
@example(rows=[(None, None, Decimal("9999999999.99"), Decimal("0.0001"), None)], batch=1)
@example(rows=[(None, None, None, Decimal("691918154125.8106"), None)], batch=1)
@example(rows=[(5, "5", Decimal("-0.01"), Decimal("9007199254740993.0001"), 0.1), (None,) * 5], batch=1000)
def test_sqlite_gives_back_what_was_written_or_marks_it(rows: list[tuple[Any, ...]], batch: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "any.sqlite"
        with contextlib.closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("create table any_ (i integer, t text, d decimal(12,2), p decimal(20,4), f double)")
            connection.executemany(
                "insert into any_ values (?, ?, ?, ?, ?)",
                [[str(v) if isinstance(v, Decimal) else v for v in row] for row in rows],
            )
        reading = Reading("any_", _KINDS)
        with SqliteSource(sa.make_url(f"sqlite:///{file}")).snapshot() as snapshot:
            totals = snapshot.totals(reading)
            batches = list(snapshot.batches(reading, batch))
        forced = [force_types(found, _KINDS, "UTC") for found in batches]
        read = [row for columns, _ in forced for row in zip(*(c.to_pylist() for c in columns.values()), strict=True)]
        marks = [mark for found in batches for mark in found.column(MISFITS).to_pylist()]

    precise = list(_KINDS).index("p")
    expected = [
        tuple(None if i == precise and mark >> precise & 1 else value for i, value in enumerate(row))
        for row, mark in zip(rows, marks, strict=True)
    ]
    assert read == expected
    assert all(mark in (0, 1 << precise) for mark in marks)
    assert totals.rows == len(rows)
    assert totals.sums["d"] == sum((row[2] for row in rows if row[2] is not None), Decimal(0))
    assert totals.sums["p"] == sum((row[precise] for row in read if row[precise] is not None), Decimal(0))
    for row, mark in zip(rows, marks, strict=True):
        if row[precise] is not None and abs(row[precise]) < 10**9:
            assert not mark, "only what a double cannot hold exactly may be set aside"


@pytest.mark.parametrize(
    ("declared", "made_text"),
    [("varchar(9)", True), ("Text", True), ("clob", True), ("", False), ("date", False), ("charint", False)],
)
def test_a_number_is_marked_among_texts_unless_sqlite_itself_made_it_one(
    tmp_path: Path, declared: str, made_text: bool
) -> None:
    with contextlib.closing(sqlite3.connect(file := tmp_path / "any.sqlite")) as connection, connection:
        connection.execute(f"create table any_ (t {declared})")
        connection.execute("create view seen as select t from any_ where t = 'a' union all select 5")
        connection.executemany("insert into any_ values (?)", [("a",), (5,), (b"b",)])
    with SqliteSource(sa.make_url(f"sqlite:///{file}")).snapshot() as snapshot:
        read, seen = (
            [
                row
                for batch in snapshot.batches(Reading(name, {"t": ColumnType("text")}), 10)
                for row in batch.to_pylist()
            ]
            for name in ("any_", "seen")
        )

    marked = {"t": None, MISFITS: 1}
    assert read == [{"t": "a", MISFITS: 0}, {"t": "5", MISFITS: 0} if made_text else marked, marked]
    assert seen == [{"t": "a", MISFITS: 0}, marked], "what a view gives is not stored"


_anything = st.one_of(
    st.none(),
    st.integers(-5, 5),
    st.floats(-5, 5).map(lambda number: number + 0.25),
    st.text("ab5", max_size=2),
    st.binary(max_size=2),
)
_UNTYPED = {"i": ColumnType("integer"), "t": ColumnType("text"), "f": ColumnType("double"), "u": ColumnType("text")}
_FITTING: dict[str, tuple[type, ...]] = {"i": (int,), "t": (str,), "f": (int, float), "u": (str,)}


@settings(max_examples=60)
@given(
    good=st.integers(0, 5),
    rows=st.lists(st.tuples(*[_anything] * len(_UNTYPED)), max_size=6),
    batch=st.sampled_from([1, 2, 1000]),
)
@example(good=3, rows=[(1, 5, 1.5, "a")], batch=2)
@example(good=3, rows=[(1, b"a", 1.5, "a")], batch=2)
@example(good=0, rows=[("5", "a", 1.5, "a"), (1, "a", "1.5", "a")], batch=1000)
def test_wherever_sqlite_holds_a_value_of_another_kind_it_alone_is_marked(
    good: int, rows: list[tuple[Any, ...]], batch: int
) -> None:
    rows = [(1, "a", 1.5, "b")] * good + rows
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "any.sqlite"
        with contextlib.closing(sqlite3.connect(file)) as connection, connection:
            connection.execute(f"create table any_ ({', '.join(_UNTYPED)})")
            connection.executemany("insert into any_ values (?, ?, ?, ?)", rows)
        with SqliteSource(sa.make_url(f"sqlite:///{file}")).snapshot() as snapshot:
            batches = list(snapshot.batches(Reading("any_", _UNTYPED), batch))

    read = [tuple(row.values()) for found in batches for row in found.to_pylist()]
    fits = [
        [value is None or isinstance(value, _FITTING[name]) for name, value in zip(_UNTYPED, row, strict=True)]
        for row in rows
    ]
    assert read == [
        (
            *(value if fit else None for value, fit in zip(row, good_ones, strict=True)),
            sum((not fit) << bit for bit, fit in enumerate(good_ones)),
        )
        for row, good_ones in zip(rows, fits, strict=True)
    ]
