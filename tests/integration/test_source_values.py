"""Values of a server's own types arrive exactly as declared, or are set aside; what cannot be read is named."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.source import READABLE, Drift
from privacy.column_types import ColumnType
from privacy.declared import force_types
from privacy.errors import StoreError
from stores.opening import open_source
from stores.source import Reading
from tests.mariadb import MariadbServer
from tests.postgres import PostgresServer

ZONE = "Europe/Amsterdam"
UTC = datetime.UTC
NOON = datetime.datetime(2024, 2, 29, 12, 0, 0, 123456, tzinfo=UTC)


class Holding:
    """A database with one table `t`, whose column `v` holds values that are given as SQL."""

    def __init__(self, url: sa.URL, server: PostgresServer | MariadbServer) -> None:
        self.url, self._server = url, server

    def __call__(self, column_type: str, *values: str, before: Sequence[str] = ()) -> Holding:
        """Make the table anew."""
        for statement in (
            "drop table if exists t",
            *before,
            f"create table t (i integer primary key, v {column_type})",
        ):
            self._server.execute(statement, self.url)
        for number, value in enumerate(values):
            self._server.execute(f"insert into t values ({number}, {value})".replace("%", "%%"), self.url)
        return self

    @property
    def kind(self) -> Any:
        return open_source(self.url).schema()["t"]["v"]

    def read(self, declared: str, rows: int = 3) -> list[Any]:
        """Read the column, as a run does: "misfit" for values that are set aside."""
        kinds = {"i": ColumnType("integer"), "v": ColumnType.parse(declared)}
        found: dict[int, Any] = {}
        with open_source(self.url).snapshot() as snapshot:
            for batch in snapshot.batches(Reading("t", kinds), rows):
                columns, misfits = force_types(batch, kinds, ZONE)
                unfit = misfits.get("v", [False] * len(batch))
                for number, value, wrong in zip(columns["i"].to_pylist(), columns["v"].to_pylist(), unfit, strict=True):
                    found[number] = "misfit" if wrong else value
        return [found[number] for number in sorted(found)]

    def totals(self, declared: str) -> Decimal:
        with open_source(self.url).snapshot() as snapshot:
            return snapshot.totals(Reading("t", {"v": ColumnType.parse(declared)})).sums["v"]


@pytest.fixture(scope="module")
def in_postgres(postgres: PostgresServer) -> Holding:
    return Holding(postgres.new_database(), postgres)


@pytest.fixture(scope="module")
def in_mariadb(mariadb: MariadbServer) -> Holding:
    return Holding(mariadb.new_database(), mariadb)


@pytest.fixture(params=["in_postgres", "in_mariadb"])
def holding(request: pytest.FixtureRequest) -> Holding:
    made: Holding = request.getfixturevalue(request.param)
    return made


TEXTS = [
    "",
    " ",
    "a'b\"c",
    "back\\slash",
    "\\0 \\Z \\n",
    "line\nbreak\r\n",
    "tab\t,comma",
    "é ï ‰ €",
    "漢字 🚗",
    "NULL",
    "null",
    "\x1a\x01",
]


def sql(text: str) -> str:
    """Write a text so that both databases read it as it is, without a backslash or a percent sign."""
    return f"convert_from('\\x{text.encode().hex()}', 'UTF8')"


def test_texts_of_every_kind_arrive(in_postgres: Holding, in_mariadb: Holding) -> None:
    in_postgres("text", "null", *(sql(text) for text in TEXTS))
    in_mariadb("longtext", "null", *(f"convert(x'{text.encode().hex()}' using utf8mb4)" for text in TEXTS))

    assert in_postgres.read("text") == [None, *TEXTS]
    assert in_mariadb.read("text") == [None, *TEXTS]


@pytest.mark.parametrize("charset", ["latin1", "utf8mb3", "utf8mb4", "utf16", "latin2"])
def test_mariadb_texts_of_other_encodings_arrive_as_utf8(in_mariadb: Holding, charset: str) -> None:
    in_mariadb(f"varchar(100) character set {charset}", "'Müller'", "'a''b\\\\c'", "''")
    assert in_mariadb.read("text") == ["Müller", "a'b\\c", ""]


@pytest.mark.parametrize("mode", ["ORACLE,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH", "ANSI", "TRADITIONAL", ""])
def test_what_a_server_understands_by_sql_changes_no_text(in_mariadb: Holding, mode: str) -> None:
    execute = in_mariadb._server.execute
    execute(f"set global sql_mode = '{mode}'")
    try:
        in_mariadb("varchar(40)", *(f"convert(x'{text.encode().hex()}' using utf8mb4)" for text in TEXTS))
        assert in_mariadb.read("text") == TEXTS
        assert in_mariadb("char(5)", "'ab'").read("text") == ["ab"]
    finally:
        execute("set global sql_mode = default")


def test_zero_bytes_in_a_text_arrive(in_mariadb: Holding) -> None:
    values = ["\0", "a\0b", "\\0", "\\\0", "\x1a\0\\Z"]
    in_mariadb("text", *(f"convert(x'{value.encode().hex()}' using utf8mb4)" for value in values))
    assert in_mariadb.read("text") == values


def test_a_row_longer_than_a_packet_arrives_or_is_told(in_mariadb: Holding) -> None:
    execute = in_mariadb._server.execute
    execute("set global max_allowed_packet = 67108864")
    in_mariadb("longtext", "repeat('0123456789abcdef', 1200000)", "'short'", "repeat('x', 300)", "repeat('y', 70000)")
    assert [len(text) for text in in_mariadb.read("text")] == [19_200_000, 5, 300, 70_000]

    execute("set global max_allowed_packet = 16777216")
    with pytest.raises(StoreError, match="a row is longer than the server's max_allowed_packet"):
        in_mariadb.read("text")


def test_decimals_are_exact(holding: Holding) -> None:
    holding("decimal(38,10)", "1234567890123456789012345678.0123456789", "-0.0000000001", "null", "0")
    assert holding.read("decimal(38,10)") == [
        Decimal("1234567890123456789012345678.0123456789"), Decimal("-1E-10"), None, Decimal(0),
    ]  # fmt: skip
    assert holding.totals("decimal(38,10)") == Decimal("1234567890123456789012345678.0123456788")


def test_a_numeric_without_digits_delivers_what_fits(in_postgres: Holding) -> None:
    in_postgres("numeric", "12.30", "12.345", "'NaN'", "'Infinity'", "12345678901", "null", "1e-2")
    expected = [Decimal("12.30"), "misfit", "misfit", "misfit", "misfit", None, Decimal("0.01")]
    assert in_postgres.read("decimal(12,2)") == expected
    assert in_postgres.totals("decimal(12,2)") == Decimal("12.31")
    in_postgres("numeric(12,2)", "'NaN'", "1.5")
    assert in_postgres.read("decimal(12,2)") == ["misfit", Decimal("1.50")]
    assert in_postgres.totals("decimal(12,2)") == Decimal("1.5")


def test_a_number_of_more_digits_than_any_type_has_is_set_aside_and_becomes_no_other(in_postgres: Holding) -> None:
    wraps, zeros = str(2**128), "0" * 60
    in_postgres(
        "numeric", wraps, f"-{wraps}", "1e40", "1e100", f"1.50{zeros}", f"1{zeros}", f"0.{zeros}1", "'-Infinity'"
    )
    wanted = ["misfit"] * 4 + [Decimal("1.50")] + ["misfit"] * 3
    assert in_postgres.read("decimal(38,2)") == wanted
    assert in_postgres.totals("decimal(38,2)") == Decimal("1.5")


@pytest.mark.parametrize(
    ("column", "value", "declared", "found"),
    [
        ("numeric(2,-3)", "12345", "decimal(5,0)", Decimal(12000)),
        ("numeric(3,5)", "0.00123", "decimal(5,5)", Decimal("0.00123")),
    ],
)
def test_numbers_rounded_to_thousands_or_to_less_than_their_digits_are_read_as_what_they_can_be(
    in_postgres: Holding, column: str, value: str, declared: str, found: Decimal
) -> None:
    assert str(in_postgres(column, value).kind) == declared
    assert in_postgres.read(declared) == [found]


def test_doubles_keep_all_their_digits(holding: Holding) -> None:
    holding("double precision", "0.1", "1e300", "-2.2250738585072014e-308", "123456789.123456789", "null")
    assert holding.read("double") == [0.1, 1e300, -2.2250738585072014e-308, 123456789.123456789, None]


def test_single_precision_is_what_it_is_in_double_precision(in_postgres: Holding, in_mariadb: Holding) -> None:
    exact = [0.10000000149011612, 16777216.0]
    assert in_postgres("real", "0.1", "16777216").read("double") == exact
    assert in_mariadb("float", "0.1", "16777216").read("double") == exact


def test_what_is_no_number_is_set_aside(in_postgres: Holding) -> None:
    in_postgres("double precision", "'NaN'", "'-Infinity'", "null", "1")
    assert in_postgres.read("double") == ["misfit", "misfit", None, 1.0]


def test_unsigned_numbers_arrive_as_far_as_an_integer_reaches(in_mariadb: Holding) -> None:
    in_mariadb("bigint unsigned", "9223372036854775807", "9223372036854775808", "18446744073709551615", "null", "0")
    assert in_mariadb.read("integer") == [9223372036854775807, "misfit", "misfit", None, 0]
    assert in_mariadb("int(10) zerofill", "42", "null").read("integer") == [42, None]
    assert in_mariadb("int unsigned", "4294967295").read("integer") == [4294967295]


def test_yes_and_no_are_told_from_other_numbers(in_postgres: Holding, in_mariadb: Holding) -> None:
    assert in_postgres("boolean", "true", "false", "null").read("boolean") == [True, False, None]
    assert in_postgres("boolean", "true", "false", "null").read("integer") == [1, 0, None]
    assert in_postgres("smallint", "1", "0", "2").read("boolean") == [True, False, "misfit"]
    assert in_mariadb("boolean", "true", "false", "null", "2").read("boolean") == [True, False, None, "misfit"]
    assert in_mariadb("bit(1)", "b'1'", "b'0'", "null").read("boolean") == [True, False, None]


def test_bits_and_years_are_numbers(in_postgres: Holding, in_mariadb: Holding) -> None:
    assert in_postgres("bit(40)", "(5::bigint << 30)::bit(40)").read("integer") == [5 << 30]
    assert in_mariadb("bit(40)", "5 << 30", "null").read("integer") == [5 << 30, None]
    assert in_mariadb("year", "2024", "0", "null").read("integer") == [2024, 0, None]


def test_moments_with_an_offset_are_the_same_moments(in_postgres: Holding, in_mariadb: Holding) -> None:
    moments = ["'2024-02-29 13:00:00.123456+01'", "'1971-01-01 00:00:00+00'", "null"]
    assert in_postgres("timestamptz", *moments).read("timestamp") == [
        NOON,
        datetime.datetime(1971, 1, 1, tzinfo=UTC),
        None,
    ]
    in_mariadb("timestamp(6) null", "'2024-02-29 12:00:00.123456'", "null")
    assert in_mariadb.read("timestamp") == [NOON, None]


@pytest.mark.parametrize("zone", ["+00:00", "-07:00"])
def test_the_zone_that_a_server_shows_moments_in_moves_none(in_mariadb: Holding, zone: str) -> None:
    in_mariadb("timestamp null", "'2024-02-29 12:00:00'")
    [before] = in_mariadb.read("timestamp")
    in_mariadb._server.execute(f"set global time_zone = '{zone}'")
    try:
        assert in_mariadb.read("timestamp") == [before]
    finally:
        in_mariadb._server.execute("set global time_zone = 'SYSTEM'")


def test_moments_without_an_offset_are_read_by_the_clock_that_the_policy_names(
    in_postgres: Holding, in_mariadb: Holding
) -> None:
    for holding, column in ((in_postgres, "timestamp"), (in_mariadb, "datetime(6)")):
        holding(column, "'2024-02-29 12:00:00.123456'", "null")
        assert holding.read("timestamp(utc)") == [NOON, None]
        assert holding.read("timestamp(local)") == [NOON - datetime.timedelta(hours=1), None]


def test_a_moment_without_an_offset_is_refused_where_the_policy_does_not_name_its_clock(holding: Holding) -> None:
    holding("timestamp" if "postgresql" in str(holding.url) else "datetime")
    told = Drift("changed_type", "t", "v", holding.kind).told("policy.yaml")
    assert told == (
        "t.v: has another type in the source than policy.yaml declares.\n"
        "  It is timestamp without offset. Declare at tables.t.columns.v which clock it was written by: "
        "timestamp(utc), or timestamp(local) for that of the policy's time zone."
    )


def test_moments_and_days_that_are_none_are_set_aside(in_postgres: Holding) -> None:
    day = datetime.date(2024, 2, 29)
    in_postgres("date", "'infinity'", "'-infinity'", "'0044-03-15 BC'", "'2024-02-29'", "null", "'10000-01-01'")
    assert in_postgres.read("date") == ["misfit", "misfit", "misfit", day, None, "misfit"]
    in_postgres("timestamptz", "'infinity'", "'-infinity'", "null", "'2024-02-29 12:00:00.123456+00'")
    assert in_postgres.read("timestamp") == ["misfit", "misfit", None, NOON]
    in_postgres("timestamp", "'infinity'", "'2024-02-29 12:00:00.123456'")
    assert in_postgres.read("timestamp(utc)") == ["misfit", NOON]


def test_the_zero_date_is_set_aside(in_mariadb: Holding) -> None:
    def with_zeros(column: str, *values: str) -> Holding:
        in_mariadb(column)
        for number, value in enumerate(values):
            in_mariadb._server.execute(
                f"set statement sql_mode = '' for insert into t values ({number}, '{value}')", in_mariadb.url
            )
        return in_mariadb

    day = datetime.date(2024, 2, 29)
    assert with_zeros("date", "0000-00-00", "2024-02-29", "2024-00-00").read("date") == ["misfit", day, "misfit"]
    zeros = with_zeros("datetime(6)", "0000-00-00 00:00:00", "2024-02-29 12:00:00.123456")
    assert zeros.read("timestamp(utc)") == ["misfit", NOON]
    zeros = with_zeros("timestamp(6) null", "0000-00-00 00:00:00", "2024-02-29 12:00:00.123456")
    assert zeros.read("timestamp") == ["misfit", NOON]


def test_texts_that_hold_days_and_moments_are_read_as_such(holding: Holding) -> None:
    holding("varchar(40)", "'2024-02-29T13:00:00.123456+01:00'", "'yesterday'", "'2024-02-29 12:00:00'")
    assert holding.read("timestamp") == [NOON, "misfit", "misfit"]
    holding("varchar(40)", "'2024-02-29'", "'2024-02-30'")
    assert holding.read("date") == [datetime.date(2024, 2, 29), "misfit"]


def test_types_that_are_texts_at_heart_are_read_as_texts(in_postgres: Holding) -> None:
    enum = ["drop type if exists mood", "create type mood as enum ('glad', 'sad')"]
    assert in_postgres("mood", "'sad'", before=enum).read("text") == ["sad"]
    uuid = "6F9619FF-8B86-D011-B42D-00C04FC964FF"
    assert in_postgres("uuid", f"'{uuid}'").read("text") == [uuid.lower()]
    assert in_postgres("jsonb", '\'{"b": 1, "a": [1]}\'').read("text") == ['{"a": [1], "b": 1}']
    assert in_postgres("inet", "'10.1.2.3'", "'10.1.0.0/16'", "'::1'").read("text") == [
        "10.1.2.3",
        "10.1.0.0/16",
        "::1",
    ]
    assert in_postgres("cidr", "'10.1.0.0/16'").read("text") == ["10.1.0.0/16"]
    assert in_postgres("char(5)", "'ab'").read("text") == ["ab"]


DOMAINS = {
    "numeric(12,2) check (value >= 0)": ("decimal(12,2)", "1.50", Decimal("1.50")),
    "text not null check (value like '%@%')": ("text", "'a@b.nl'", "a@b.nl"),
    "mood": ("text", "'it''s'", "it's"),
    "uuid": ("text", "'0000000A-0000-0000-0000-00000000000A'", "0000000a-0000-0000-0000-00000000000a"),
    "inet": ("text", "'10.0.0.1'", "10.0.0.1"),
    "real": ("double", "0.1", 0.10000000149011612),
    "bit(3)": ("integer", "b'101'", 5),
    "date": ("date", "'infinity'", "misfit"),
    "timestamptz": ("timestamp", "'0044-03-15 12:00 BC'", "misfit"),
}


@pytest.mark.parametrize("made_of", DOMAINS)
def test_a_domain_is_what_it_is_made_of_also_at_the_second_remove(in_postgres: Holding, made_of: str) -> None:
    declared, value, found = DOMAINS[made_of]
    before = [
        "drop type if exists mood cascade",
        "create type mood as enum ('glad', 'it''s')",
        "drop domain if exists ours cascade",
        f"create domain ours as {made_of}",
        "create domain ours_too as ours",
    ]
    for domain in ("ours", "ours_too"):
        assert in_postgres(domain, value, before=[b.replace("%", "%%") for b in before]).read(declared) == [found]


@pytest.mark.parametrize("made_of", ["integer[]", "money", "interval", "int4range"])
def test_a_domain_over_what_is_not_read_is_refused_by_the_name_of_that(in_postgres: Holding, made_of: str) -> None:
    before = ["drop domain if exists ours cascade", f"create domain ours as {made_of}"]
    assert str(in_postgres("ours", before=before).kind) == f"of type {made_of}"


def test_letters_without_case_are_texts(of_the_machine: PostgresServer) -> None:
    holding = Holding(of_the_machine.new_database(), of_the_machine)
    holding("citext", "'Ab'", "null", before=["create extension citext"])
    assert holding.read("text") == ["Ab", None]
    assert holding("ours", "'Ab'", before=["create domain ours as citext"]).read("text") == ["Ab"]


@pytest.mark.parametrize("encoding", ["LATIN1", "WIN1252", "EUC_JP"])
def test_texts_of_databases_in_other_encodings_arrive_as_utf8(postgres: PostgresServer, encoding: str) -> None:
    url = postgres.new_database(options=f"encoding '{encoding}' locale 'C' template template0")
    text = "漢字" if encoding == "EUC_JP" else "Müller, naïve"
    assert Holding(url, postgres)("text", f"'{text}'", "''", "null").read("text") == [text, "", None]


def test_texts_of_no_encoding_are_read_as_utf8_and_those_that_are_none_set_aside(postgres: PostgresServer) -> None:
    """SQLAlchemy cannot write there: to the driver, all is bytes."""
    url = postgres.new_database(options="encoding 'SQL_ASCII' locale 'C' template template0")
    login = url.set(drivername="postgresql").update_query_dict({"client_encoding": "UTF8"})
    with psycopg.connect(login.render_as_string(False)) as connection:
        connection.execute("create table t (i integer primary key, v text)")
        connection.execute("insert into t values (0, 'Müller'), (1, E'M\\xfcller'), (2, null)")
    assert Holding(url, postgres).read("text") == ["Müller", "misfit", None]
    facts = open_source(url).facts()  # type: ignore[attr-defined]
    assert facts.encoding == "SQL_ASCII"


def test_choices_that_are_none_of_those_to_choose_from_are_the_empty_text_that_mariadb_keeps(
    in_mariadb: Holding,
) -> None:
    for column in ("enum('a', 'b')", "set('a', 'b')"):
        in_mariadb(column)
        for number, value in enumerate(("'neither'", "''", "'a'", "null")):
            in_mariadb._server.execute(
                f"set statement sql_mode = '' for insert into t values ({number}, {value})", in_mariadb.url
            )
        assert in_mariadb.read("text") == ["", "", "a", None]


MIXED = {
    "latin varchar(20) character set latin1 collate latin1_german1_ci": ("text", "'Müller €'", "Müller €"),
    "three varchar(20) character set utf8mb3": ("text", "'漢'", "漢"),
    "four text character set utf8mb4 collate utf8mb4_bin": ("text", "concat('🚗', char(0))", "🚗\0"),
    "wide text character set utf16": ("text", "'é'", "é"),
    "choice enum('é', 'b') character set latin1": ("text", "'é'", "é"),
    "choices set('x', 'y') character set utf8mb3": ("text", "'y,x'", "x,y"),
    "address inet4": ("text", "'10.0.0.1'", "10.0.0.1"),
    "packed varchar(50) compressed": ("text", "'abc'", "abc"),
    "said json": ("text", "'{\"é\":  1}'", '{"é":  1}'),
    "big bigint unsigned": ("integer", "9223372036854775807", 2**63 - 1),
    "bits bit(63)": ("integer", "9223372036854775807", 2**63 - 1),
    "since year": ("integer", "'99'", 1999),
    "price decimal(7,2) unsigned zerofill": ("decimal(7,2)", "1.5", Decimal("1.50")),
    "born date": ("date", "'2024-02-29'", datetime.date(2024, 2, 29)),
    "made varchar(30) as (concat(three, four)) virtual": ("text", "default", "漢🚗\0"),
    "hidden integer invisible default 7": ("integer", "default", 7),
}


def test_columns_of_every_encoding_and_type_stand_together_in_one_row(in_mariadb: Holding) -> None:
    server, url = in_mariadb._server, in_mariadb.url
    names = [column.split()[0] for column in MIXED]
    server.execute("drop table if exists mixed", url)
    server.execute(f"create table mixed ({', '.join(MIXED)}, empty text)", url)
    values = ", ".join(value for _, value, _ in MIXED.values())
    server.execute(f"insert into mixed ({', '.join(names)}) values ({values})", url)
    kinds = {name: ColumnType.parse(declared) for name, (declared, *_) in zip(names, MIXED.values(), strict=True)}
    kinds["empty"] = ColumnType("text")

    with open_source(url).snapshot() as snapshot:
        [batch] = snapshot.batches(Reading("mixed", kinds), 10)

    columns, misfits = force_types(batch, kinds, ZONE)
    assert misfits == {}
    found = [columns[name].to_pylist() for name in kinds]
    assert found == [[value] for *_, value in MIXED.values()] + [[None]]


def test_mariadb_types_that_are_texts_at_heart_are_read_as_texts(in_mariadb: Holding) -> None:
    assert in_mariadb("enum('glad', 'sad')", "'sad'", "null").read("text") == ["sad", None]
    assert in_mariadb("set('a', 'b')", "'b,a'").read("text") == ["a,b"]
    assert in_mariadb("json", "'{\"b\": 1}'").read("text") == ['{"b": 1}']
    uuid = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
    assert in_mariadb("uuid", f"'{uuid.upper()}'").read("text") == [uuid]
    assert in_mariadb("inet6", "'::1'").read("text") == ["::1"]
    assert in_mariadb("char(5)", "'ab'").read("text") == ["ab"]


@pytest.mark.parametrize(
    ("server", "column", "said"),
    [
        ("in_postgres", "integer[]", "of type integer[]"),
        ("in_postgres", "bytea", "binary"),
        ("in_postgres", "interval", "of type interval"),
        ("in_postgres", "time", "of type time without time zone"),
        ("in_postgres", "money", "of type money"),
        ("in_postgres", "bit varying(8)", "of type bit varying"),
        ("in_postgres", "point", "of type unknown to Sluis"),
        ("in_postgres", "int4range", "of type int4range"),
        ("in_postgres", "xml", "of type unknown to Sluis"),
        ("in_postgres", "numeric(50,2)", "of type decimal(50,2)"),
        ("in_postgres", "timetz", "of type time with time zone"),
        ("in_postgres", "datemultirange", "of type datemultirange"),
        ("in_postgres", "bit(64)", "of type bit"),
        ("in_postgres", "text[]", "of type text[]"),
        ("in_mariadb", "decimal(65,30)", "of type decimal(65,30)"),
        ("in_mariadb", "varchar(10) character set binary", "binary"),
        ("in_mariadb", "blob", "binary"),
        ("in_mariadb", "varbinary(20)", "binary"),
        ("in_mariadb", "time", "of type time"),
        ("in_mariadb", "point", "of type point"),
        ("in_mariadb", "bit(64)", "of type bit(64)"),
    ],
)
def test_a_type_that_cannot_be_read_is_refused_by_name(
    request: pytest.FixtureRequest, server: str, column: str, said: str
) -> None:
    holding = request.getfixturevalue(server)(column)
    assert not any(holding.kind.family in families for families in READABLE.values())
    told = Drift("new_column", "t", "v", holding.kind).told("policy.yaml")
    assert told == (
        "t.v: in the source, but not in policy.yaml.\n"
        f"  It is {said}, which no type of a policy reads. List it under tables.t.never_extracted."
    )


ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
DOUBLES = st.floats(allow_nan=False, allow_infinity=False).map(lambda number: number + 0.0)
"""MariaDB gives a zero without its sign; adding zero takes it off."""


@settings(max_examples=25)
@given(rows=st.lists(st.tuples(ANY | st.none(), st.integers(-(2**63), 2**63 - 1), DOUBLES), min_size=1, max_size=8))
def test_whatever_is_written_is_read(
    in_postgres: Holding, in_mariadb: Holding, rows: list[tuple[Any, int, float]]
) -> None:
    kinds = {"a": ColumnType("text"), "b": ColumnType("integer"), "c": ColumnType("double")}
    for holding in (in_postgres, in_mariadb):
        engine = sa.create_engine(holding.url, poolclass=sa.pool.NullPool)
        table = sa.Table(
            "w", sa.MetaData(), sa.Column("a", sa.Text), sa.Column("b", sa.BigInteger), sa.Column("c", sa.Double)
        )
        with engine.begin() as connection:
            table.drop(connection, checkfirst=True)
            table.create(connection)
            connection.execute(table.insert(), [dict(zip("abc", row, strict=True)) for row in rows])
        with open_source(holding.url).snapshot() as snapshot:
            read = [force_types(batch, kinds, ZONE)[0] for batch in snapshot.batches(Reading("w", kinds), 3)]
        found = [row for columns in read for row in zip(*(columns[name].to_pylist() for name in "abc"), strict=True)]
        assert sorted(map(repr, found)) == sorted(map(repr, rows)), holding.url.get_backend_name()
        assert not any(math.isnan(row[2]) for row in found)
