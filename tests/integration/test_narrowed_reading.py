"""Part of a table is read: rows whose value is among some, rows changed since a moment; the same from every source."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from privacy.column_types import ColumnType
from privacy.declared import force_types
from stores.narrowing import PART_BYTES, in_parts
from stores.opening import open_source
from stores.source import Reading, Source, Totals
from stores.sqlalchemy_source import SqlalchemySource
from tests.mariadb import MariadbServer
from tests.postgres import PostgresServer

UTC = datetime.UTC
NOON = datetime.datetime(2026, 11, 24, 12, tzinfo=UTC)
KINDS = ("sqlite", "postgresql", "mariadb", "any other")


@dataclass(frozen=True)
class Shop:
    """A database of one table `t`: an integer key, and two columns whose types the test says."""

    url: sa.URL
    open: Callable[[sa.URL], Source] = open_source

    def fill(self, k: sa.types.TypeEngine[Any], v: sa.types.TypeEngine[Any], rows: Sequence[tuple[Any, Any]]) -> None:
        """Make the table; rows count from 0."""
        metadata, engine = sa.MetaData(), sa.create_engine(self.url, poolclass=sa.NullPool)
        key = sa.Column("i", sa.Integer(), primary_key=True, autoincrement=False)
        table = sa.Table("t", metadata, key, sa.Column("k", k, index=not isinstance(k, sa.Text)), sa.Column("v", v))
        metadata.create_all(engine)
        with engine.begin() as connection:
            if rows:
                named = [{"i": i, "k": k, "v": v} for i, (k, v) in enumerate(rows)]
                connection.execute(table.insert(), named)

    def read(self, reading: Reading, rows: int = 3) -> list[int]:
        """Give the numbers of the rows that a reading delivers, in their order; as many must be counted.

        All rows are counted before: a count that is remembered may not be taken for a narrower one.
        """
        source = self.open(self.url)
        source.schema()
        with source.snapshot() as snapshot:
            snapshot.totals(Reading("t", {}))
            found = [
                number
                for batch in snapshot.batches(reading, rows)
                for number in force_types(batch, dict(reading.columns), "Europe/Amsterdam")[0]["i"].to_pylist()
            ]
            assert snapshot.totals(reading).rows == len(found)
        return sorted(found)


@pytest.fixture(params=KINDS)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    """Give an empty database of each kind."""
    match request.param:
        case "postgresql":
            return Shop(request.getfixturevalue("postgres").new_database())
        case "mariadb":
            return Shop(request.getfixturevalue("mariadb").new_database())
        case "any other":
            return Shop(request.getfixturevalue("postgres").new_database(), SqlalchemySource)
        case _:
            return Shop(sa.make_url(f"sqlite:///{tmp_path / 'shop.sqlite'}"))


def among(values: Sequence[Any], kind: str = "text", column: str = "k") -> Reading:
    columns = {"i": ColumnType("integer"), "k": ColumnType.parse(kind)}
    return Reading("t", columns, among=(column, pa.array(values, pa.string() if kind == "text" else pa.int64())))


TEXTS = ["a", "A", "a ", "á", "it's", 'a"b', "back\\slash", "%", "", " ", "100%", "ß", "ss", "🚲", "a\tb", "x" * 250]


@pytest.mark.parametrize("number", range(len(TEXTS)), ids=map(repr, TEXTS))
def test_a_text_is_found_sign_by_sign_and_no_other(shop: Shop, number: int) -> None:
    shop.fill(sa.String(300), sa.Integer(), [(text, None) for text in TEXTS])

    assert shop.read(among([TEXTS[number]])) == [number]


def test_all_texts_are_found_at_once_and_null_is_none_of_them(shop: Shop) -> None:
    shop.fill(sa.String(300), sa.Integer(), [*((text, None) for text in TEXTS), (None, None)])

    assert shop.read(among([*TEXTS, None, "missing", TEXTS[0]])) == list(range(len(TEXTS)))


def test_nobody_is_among_nobody(shop: Shop) -> None:
    shop.fill(sa.String(10), sa.Integer(), [("a", None), (None, None)])

    assert shop.read(among([])) == shop.read(among([None])) == []


def test_a_hundred_thousand_keys_are_found_each_once(shop: Shop) -> None:
    shop.fill(sa.BigInteger(), sa.Integer(), [(2**62 + i, None) for i in range(3000)])
    wanted = [2**62 + i for i in range(100_000)]

    found = shop.read(among([*wanted, *wanted], "integer"), 1000)

    assert found == list(range(3000))


def test_long_texts_are_asked_for_in_statements_of_bounded_length() -> None:
    wanted = [f"{i:06}" + "x" * 2000 for i in range(1000)]
    parts = [part.among[1].to_pylist() for part in in_parts(among(wanted)) if part.among]
    assert [value for part in parts for value in part] == wanted
    assert max(sum(map(len, part)) for part in parts) <= PART_BYTES + 2006


def test_sums_are_those_of_the_rows_that_are_read(shop: Shop) -> None:
    shop.fill(sa.Integer(), sa.Numeric(12, 2), [(i, Decimal(i) / 4) for i in range(10)])
    columns = {"i": ColumnType("integer"), "v": ColumnType("decimal", 12, 2)}
    reading = Reading("t", columns, among=("k", pa.array([1, 3, 11])))
    source = shop.open(shop.url)
    with source.snapshot() as snapshot:
        assert snapshot.totals(reading).sums == {"v": Decimal("1.00")}


def test_no_text_of_a_shop_becomes_part_of_a_statement(shop: Shop) -> None:
    evil = ["'); drop table t; --", "\\'); drop table t; --", "{}'", ":name", "%(x)s", "?", "$1", "/*"]
    shop.fill(sa.String(100), sa.Integer(), [(text, None) for text in evil])

    assert shop.read(among(evil)) == list(range(len(evil)))


def since(declared: str, moment: datetime.datetime = NOON, column: str = "v") -> Reading:
    kind = ColumnType.parse(declared)
    return Reading("t", {"i": ColumnType("integer"), column: kind}, since=(column, kind, moment))


CHANGED = {
    "utc": "2026-11-24T12:00:01+00:00",
    "behind": "2026-11-24T00:00:02-12:00",
    "ahead": "2026-11-25T02:00:01+14:00",
    "zulu": "2026-11-24 12:00:01Z",
    "later": "2027-01-01T00:00:00+01:00",
    "no offset": "2026-11-24T12:30:00",
    "not there": None,
    "empty": "",
    "other order": "24-11-2020 12:00",
    "words": "yesterday",
    "short": "2020",
}
NOT_CHANGED = {"long ago": "2020-01-01T00:00:00+00:00", "days ago": "2026-11-22T11:00:00-12:00"}


def test_rows_whose_stamp_may_be_since_then_are_read_in_whatever_offset_it_is_written(shop: Shop) -> None:
    stamps = [*CHANGED.values(), *NOT_CHANGED.values()]
    shop.fill(sa.Integer(), sa.String(40), [(i, stamp) for i, stamp in enumerate(stamps)])

    assert shop.read(since("timestamp")) == list(range(len(CHANGED)))


def test_days_are_read_from_the_day_before_by_whichever_clock(shop: Shop) -> None:
    days = ["2026-11-24", "2026-11-23", "2026-11-22", None]
    shop.fill(sa.Integer(), sa.String(40), [(i, day) for i, day in enumerate(days)])

    assert shop.read(since("date")) == [0, 1, 3]


def test_since_the_beginning_of_time_all_rows_have_changed(shop: Shop) -> None:
    shop.fill(sa.Integer(), sa.String(40), [(0, "0001-01-01T00:00:00+00:00"), (1, "2026-01-01")])

    assert shop.read(since("timestamp", datetime.datetime.min.replace(tzinfo=UTC))) == [0, 1]


def test_what_lay_ahead_of_another_moment_is_read_beside_what_has_changed(shop: Shop) -> None:
    ahead = [None, "2026-01-01T00:00:00+00:00", "2026-11-20T12:00:00+00:00", "2030-01-01T00:00:00+00:00"]
    stamps = [*("2020-01-01T00:00:00+00:00" for _ in ahead), NOON.isoformat()]
    shop.fill(sa.String(40), sa.String(40), list(zip([*ahead, None], stamps, strict=True)))
    changed = since("timestamp")

    assert shop.read(changed) == [4]
    week_ago = ("k", ColumnType("timestamp"), NOON - datetime.timedelta(days=7))
    assert shop.read(dataclasses.replace(changed, ahead=(week_ago,))) == [2, 3, 4]


def test_since_and_among_hold_together(shop: Shop) -> None:
    shop.fill(sa.Integer(), sa.String(40), [(1, NOON.isoformat()), (2, NOON.isoformat()), (1, "2020-01-01")])
    both = Reading(
        "t",
        {"i": ColumnType("integer")},
        among=("k", pa.array([1])),
        since=("v", ColumnType("timestamp"), NOON),
    )

    assert shop.read(both) == [0]


def test_a_value_that_is_sought_stands_in_no_picture_of_the_reading() -> None:
    assert "secret" not in repr(among(["secret"]))


def test_a_count_that_is_remembered_stands_for_all_rows_only_and_for_no_sum(shop: Shop) -> None:
    shop.fill(sa.String(10), sa.Numeric(6, 2), [("a", Decimal("1.50")), ("b", Decimal("2.25")), (None, None)])
    source = shop.open(shop.url)
    source.schema()
    everything, money = Reading("t", {"i": ColumnType("integer")}), {"v": ColumnType.parse("decimal(6,2)")}
    with source.snapshot() as snapshot:
        counted = snapshot.totals(everything)
        narrower = [
            dataclasses.replace(everything, null="k"),
            dataclasses.replace(everything, filled="k"),
            among(["a"]),
            among([]),
        ]

        assert counted == snapshot.totals(everything) == snapshot.totals(Reading("t", {})) == Totals(3, {})
        assert [snapshot.totals(reading).rows for reading in narrower] == [1, 2, 1, 0]
        assert snapshot.totals(dataclasses.replace(everything, columns=money)) == Totals(3, {"v": Decimal("3.75")})


MOMENTS = [NOON, NOON - datetime.timedelta(seconds=1), NOON + datetime.timedelta(days=400), None]


@pytest.mark.parametrize("shop", KINDS[1:], indirect=True)
def test_stamps_that_know_their_offset_are_compared_exactly(shop: Shop) -> None:
    moment = sa.DateTime(timezone=True).with_variant(mysql.TIMESTAMP(), "mysql", "mariadb")
    shop.fill(sa.Integer(), moment, [(i, at) for i, at in enumerate(MOMENTS)])

    assert shop.read(since("timestamp")) == [0, 2, 3]


@pytest.mark.parametrize("shop", KINDS[1:], indirect=True)
@pytest.mark.parametrize("clock", ["local", "utc"])
def test_stamps_by_a_clock_without_offset_are_read_from_a_day_before(shop: Shop, clock: str) -> None:
    days = [datetime.timedelta(hours=hours) for hours in (0, -23, -25, 24)]
    shop.fill(sa.Integer(), sa.DateTime(), [(i, (NOON + day).replace(tzinfo=None)) for i, day in enumerate(days)])

    assert shop.read(since(f"timestamp({clock})")) == [0, 1, 3]


@pytest.mark.parametrize("shop", KINDS[1:], indirect=True)
def test_days_of_a_type_of_their_own_are_read_from_the_day_before(shop: Shop) -> None:
    days = [datetime.date(2026, 11, 24), datetime.date(2026, 11, 23), datetime.date(2026, 11, 22), None]
    shop.fill(sa.Integer(), sa.Date(), [(i, day) for i, day in enumerate(days)])

    assert shop.read(since("date")) == [0, 1, 3]


def test_postgresqls_moments_beyond_reckoning_are_read_each_time(postgres: PostgresServer) -> None:
    shop = Shop(postgres.new_database())
    shop.fill(sa.Integer(), sa.DateTime(timezone=True), [(0, NOON), (1, NOON), (2, NOON), (3, NOON)])
    for number, moment in enumerate(("infinity", "-infinity", "0044-03-15 12:00+00 BC", "2020-01-01 00:00+00")):
        postgres.execute(f"update t set v = '{moment}' where i = {number}", shop.url)

    assert shop.read(since("timestamp")) == [0, 1, 2]


def test_mariadbs_zero_moments_are_read_each_time(mariadb: MariadbServer) -> None:
    shop = Shop(mariadb.new_database())
    shop.fill(sa.Integer(), sa.DateTime(), [(0, NOON.replace(tzinfo=None)), (1, datetime.datetime(2020, 1, 1))])
    mariadb.execute("insert ignore into t values (2, 2, '0000-00-00 00:00:00')", shop.url)

    assert shop.read(since("timestamp(utc)")) == [0, 2]


@pytest.mark.parametrize("kind", ["varchar(50)", "char(20)", "uuid", "inet"])
def test_keys_of_postgresqls_own_types_are_found_as_they_are_read(postgres: PostgresServer, kind: str) -> None:
    shop = Shop(postgres.new_database())
    values = {
        "uuid": ["0000000a-0000-0000-0000-00000000000a", "0000000a-0000-0000-0000-00000000000b"],
        "inet": ["10.0.0.1", "10.0.0.0/8"],
    }.get(kind, ["a", "A"])
    postgres.execute(f"create table t (i integer primary key, k {kind}, v integer)", shop.url)
    for number, value in enumerate(values):
        postgres.execute(f"insert into t values ({number}, '{value}')", shop.url)

    assert [shop.read(among([value])) for value in values] == [[0], [1]]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("varchar(20) character set latin1", ["é", "e", "E", "€"]),
        ("char(20)", ["a", "A", "á"]),
        ("varchar(20) character set utf8mb3 collate utf8mb3_general_ci", ["a", "A", "a ", "it's"]),
        ("enum('a', 'b') character set latin1", ["a", "b"]),
        ("uuid", ["0000000a-0000-0000-0000-00000000000a", "0000000a-0000-0000-0000-00000000000b"]),
        ("text", ["a", "A", "a "]),
    ],
)
def test_keys_of_mariadbs_own_types_are_found_as_they_are_read(
    mariadb: MariadbServer, kind: str, values: list[str]
) -> None:
    shop = Shop(mariadb.new_database())
    mariadb.execute(f"create table t (i integer primary key, k {kind}, v integer)", shop.url)
    for number, value in enumerate(values):
        mariadb.execute(f"insert into t values ({number}, '{value.replace(chr(39), chr(39) * 2)}', 0)", shop.url)

    assert [shop.read(among([value, "🚲"])) for value in values] == [[number] for number in range(len(values))]


@pytest.mark.parametrize(
    ("kind", "values"), [("bit(8)", [1, 24]), ("year", [1970, 2024]), ("int(5) zerofill", [7, 71])]
)
def test_numbers_of_mariadbs_own_types_are_found_as_they_are_read(
    mariadb: MariadbServer, kind: str, values: list[int]
) -> None:
    shop = Shop(mariadb.new_database())
    mariadb.execute(f"create table t (i integer primary key, k {kind}, v integer)", shop.url)
    for number, value in enumerate(values):
        mariadb.execute(f"insert into t values ({number}, {value}, 0)", shop.url)

    assert [shop.read(among([value, 70], "integer")) for value in values] == [[0], [1]]
