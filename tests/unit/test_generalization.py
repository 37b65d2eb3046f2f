"""Generalizations: coarser dates, ages, places, numbers and groups, and that they are no finer than promised."""

from __future__ import annotations

import datetime
import math
from decimal import Decimal
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.promised import treat, treatment
from tests.strategies import AMSTERDAM, columns, dates, integers, texts, timestamps

MONEY = pa.decimal128(12, 2)
LOCAL = pa.timestamp("us", tz="Europe/Amsterdam")
day = datetime.date.fromisoformat
money = st.decimals(Decimal("-9999999999.99"), Decimal("9999999999.99"), places=2)
doubles = st.floats(allow_nan=True, allow_infinity=True)


def to(name, **parameters):
    return treatment(kind="generalize", to=name, **parameters)


def local_date(moment):
    return moment.astimezone(AMSTERDAM).date() if isinstance(moment, datetime.datetime) else moment


# --- periods

FIRST_DAY = {
    "day": lambda date: date,
    "month": lambda date: date.replace(day=1),
    "quarter": lambda date: date.replace(day=1, month=(date.month - 1) // 3 * 3 + 1),
    "year": lambda date: date.replace(day=1, month=1),
}


@pytest.mark.parametrize("period", FIRST_DAY)
@given(column=st.one_of(columns(dates, pa.date32()), columns(timestamps, LOCAL)))
def test_a_date_becomes_the_first_day_of_its_local_period(period, column):
    expected = [value and FIRST_DAY[period](local_date(value)) for value in column.to_pylist()]
    assert treat(to(period), column) == expected


def test_an_hour_before_midnight_in_london_is_the_next_day_month_and_year_in_amsterdam():
    late = pa.array([datetime.datetime(2024, 12, 31, 23, 30, tzinfo=datetime.UTC)], LOCAL)
    for period in FIRST_DAY:
        assert treat(to(period), late) == [day("2025-01-01")]


# --- ages


def age_in_plain_python(birth, at):
    return at.year - birth.year - ((at.month, at.day) < (birth.month, birth.day))


@given(st.data(), st.integers(1, 30), st.integers(1, 120))
def test_an_age_band_holds_the_age_in_completed_years(data, width, top):
    births = data.draw(columns(dates, pa.date32()))
    days = st.lists(st.one_of(st.none(), dates), min_size=len(births), max_size=len(births))
    at = pa.array(data.draw(days), pa.date32())

    bands = treat(to("age_band", at="ordered", width=width, top=top), births, ordered=at)

    for birth, when, band in zip(births.to_pylist(), at.to_pylist(), bands, strict=True):
        if birth is None:
            continue
        age = -1 if when is None else age_in_plain_python(birth, when)
        if not 0 <= age <= 120:
            assert band == "unknown"
        elif age >= top:
            assert band == f"{top}+"
        else:
            least, _, most = band.partition("-")
            assert int(least) % width == 0 and int(least) <= age <= int(most or least) < top


def test_ages_are_banded_as_in_these_examples():
    births = ["2004-02-29", "2004-02-29", "1949-01-02", "1949-01-01", "1903-01-02", "1903-01-01", "2030-01-01"]
    at = ["2024-02-28", "2024-02-29", *["2024-01-01"] * 5, None, "2024-01-01"]
    column = pa.array([*map(day, births), day("2000-01-01"), None])
    when = pa.array([date and day(date) for date in at], pa.date32())
    bands = ["10-19", "20-29", "70-74", "75+", "75+", "unknown", "unknown", "unknown", None]
    assert treat(to("age_band", at="on"), column, on=when) == bands


def test_an_age_counts_to_the_local_date_of_a_timestamp():
    birth = pa.array([day("2000-01-01")])
    evening = pa.array([datetime.datetime(2019, 12, 31, 23, 30, tzinfo=datetime.UTC)], LOCAL)
    assert treat(to("age_band", at="placed_at"), birth, placed_at=evening) == ["20-29"]
    assert treat(to("age_band", at="on"), evening, on=pa.array([day("2029-12-31")])) == ["0-9"]


def test_somebody_born_on_29_february_grows_older_on_1_march():
    birth, at = [day("2004-02-29")] * 2, [day("2014-02-28"), day("2014-03-01")]
    assert treat(to("age_band", at="on"), pa.array(birth), on=pa.array(at)) == ["0-9", "10-19"]


# --- places

postcodes = st.from_regex(r"[1-9][0-9]{3} ?([A-Za-z]{2})?", fullmatch=True)


@given(columns(st.one_of(postcodes, texts), pa.string()), st.integers(1, 4))
def test_nothing_but_the_first_digits_of_a_postcode_is_published(column, digits):
    for raw, published in zip(column.to_pylist(), treat(to("postcode", digits=digits), column), strict=True):
        assert published in (None, "unknown") or (len(published) == digits and raw.strip().startswith(published))


@given(postcodes)
def test_every_dutch_postcode_has_a_province(postcode):
    assert treat(to("province"), pa.array([postcode])) != ["unknown"]


@pytest.mark.parametrize(
    ("province", "some_postcodes"),
    {
        "Groningen": "9712 9501 9561 9649 9679 9901 9934 9872",
        "Friesland": "8911 8601 8471 9203 9101 9161 9166 8391 9853",
        "Drenthe": "9401 7811 7901 7741 7941 9301 9471 8381 8437 9571 9761",
        "Overijssel": "8011 7411 7511 7551 7607 7701 7772 8261 8331 8355 7951 7946",
        "Flevoland": "8232 1315 8251 8302 8321 3891",
        "Gelderland": "6811 6511 7311 6711 7001 4001 3771 3841 8071 8051 8161 5301 3925 4147 4211",
        "Utrecht": "3511 3811 3901 3701 3441 3401 1391 1396 1426 3641 4131 4141 4233 4163",
        "Noord-Holland": "1012 2011 1811 1211 1621 1781 2132 1441 2165 1381 1394 3625",
        "Zuid-Holland": "2511 3011 2312 2611 3311 2801 2161 4201 3241 2159 3466 3652 4241",
        "Zeeland": "4331 4461 4301 4531 4561 4675 4691",
        "Noord-Brabant": "5211 5611 4811 5038 4611 4701 5341 5431 5831 4251 4681 6021",
        "Limburg": "6211 5911 6041 6411 6001 5801 5851 6585 5766",
    }.items(),
)
def test_towns_lie_in_their_province(province, some_postcodes):
    column = pa.array(some_postcodes.split())
    assert treat(to("province"), column) == [province] * len(column)


def test_a_postcode_elsewhere_is_abroad_and_one_without_a_country_is_dutch():
    column = pa.array(["1234 AB", "9712", " 5211ab ", "1050", "12345", "0123", None, None])
    country = pa.array(["NL", None, "nederland ", "BE", "DE", None, "BE", None])
    assert treat(to("postcode", country="country"), column, country=country) == [
        "12",
        "97",
        "52",
        "abroad",
        "abroad",
        "unknown",
        None,
        None,
    ]
    provinces = treat(to("province", country="country"), column, country=country)
    assert provinces[:4] == ["Noord-Holland", "Groningen", "Noord-Brabant", "abroad"]


# --- numbers

edges = st.lists(st.decimals(-1000, 1000, places=2), min_size=1, max_size=5, unique=True).map(sorted)


@given(st.one_of(columns(integers, pa.int64()), columns(money, MONEY), columns(doubles, pa.float64())), edges)
def test_a_band_holds_its_lower_edge_and_not_its_upper_one(column, edges):
    labels = [f"<{edges[0]:f}", *(f"{low:f}-{high:f}" for low, high in pairwise(edges)), f">={edges[-1]:f}"]
    exactly = float if column.type == pa.float64() else Decimal

    bands = treat(to("band", edges=edges), column)

    for number, band in zip(column.to_pylist(), bands, strict=True):
        if number is not None:
            missing = isinstance(number, float) and math.isnan(number)
            passed = sum(exactly(number) >= exactly(edge) for edge in edges)
            assert band == ("unknown" if missing else labels[passed])


def test_amounts_are_banded_as_in_these_examples():
    column = pa.array([Decimal("9.99"), Decimal("10.00"), Decimal("49.94"), Decimal("49.95"), None], MONEY)
    assert treat(to("band", edges=[10, 49.95]), column) == ["<10", "10-49.95", "10-49.95", ">=49.95", None]


def test_what_is_no_number_falls_in_no_band_and_what_is_infinite_in_an_outer_one():
    column = pa.array([math.nan, -math.inf, math.inf, 10.0, None])
    assert treat(to("band", edges=[10]), column) == ["unknown", "<10", ">=10", ">=10", None]


@given(columns(integers, pa.int64()), st.integers(2, 1000))
def test_a_step_holds_its_number_and_begins_at_a_multiple_of_its_width(column, width):
    for number, step in zip(column.to_pylist(), treat(to("step", width=width), column), strict=True):
        if number is not None:
            start = number // width * width
            representable = start >= -(2**63) and start + width - 1 < 2**63
            assert step == (f"{start}-{start + width - 1}" if representable else "unknown")


def test_years_are_stepped_as_in_these_examples():
    column = pa.array([2014, 2015, 2019, 2020, -1, None])
    assert treat(to("step", width=5), column) == ["2010-2014", "2015-2019", "2015-2019", "2020-2024", "-5--1", None]


@given(st.one_of(columns(integers, pa.int64()), columns(money, MONEY)), st.integers(-100, 100), st.integers(0, 100))
def test_what_lies_within_the_bounds_is_left_alone_and_the_rest_becomes_a_bound(column, least, room):
    clamped = treat(to("clamp", least=least, most=least + room), column)
    assert clamped == [None if n is None else min(max(n, least), least + room) for n in column.to_pylist()]


def test_numbers_are_clamped_as_in_these_examples():
    assert treat(to("clamp", least=1, most=10), pa.array([0, 5, 11, None])) == [1, 5, 10, None]
    assert treat(to("clamp", most="0.995"), pa.array([Decimal("1.00"), None], MONEY)) == [Decimal("0.99"), None]
    assert treat(to("clamp", least=0), pa.array([-0.5, math.nan, None])) == [0, 0, None]


# --- groups

GROUPS = {"card": ["visa", "mastercard"], "bank": ["ideal"]}


@given(columns(st.one_of(texts, st.sampled_from(["visa", "mastercard", "ideal", "VISA"])), pa.string()))
def test_a_value_is_published_as_its_group_or_as_other(column):
    group_of = {"visa": "card", "mastercard": "card", "ideal": "bank"}
    expected = [None if text is None else group_of.get(text.strip(), "other") for text in column.to_pylist()]
    assert treat(to("category", groups=GROUPS), column) == expected


def test_values_are_grouped_as_in_these_examples():
    column = pa.array(["visa", " ideal ", "Visa", "cash", None])
    assert treat(to("category", groups=GROUPS, other="rest"), column) == ["card", "bank", "rest", "rest", None]


# --- browsers

ENGINE = "(KHTML, like Gecko)"
AGENTS = {
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 {ENGINE} Chrome/126.0.0.0 Safari/537.36": "Chrome",
    f"Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 {ENGINE} Chrome/126.0 Safari/537.36 Edg/126.0": "Edge",
    f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 {ENGINE} Chrome/125.0 Safari/537.36 OPR/111.0": "Opera",
    f"Mozilla/5.0 (Linux; Android 14; SM-S918B) {ENGINE} SamsungBrowser/25.0 Chrome/121 Safari/537": "Samsung Internet",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {ENGINE} Version/17.5 Mobile Safari/604.1": "Safari",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {ENGINE} CriOS/126.0 Mobile Safari/604.1": "Chrome",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0": "Firefox",
    f"Mozilla/5.0 (Linux; Android 9; CUBOT X18) {ENGINE} Chrome/90.0 Mobile Safari/537.36": "Chrome",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": "bot",
    "curl/8.5.0": "bot",
    "Lynx/2.9": "other",
}


@pytest.mark.parametrize(("agent", "family"), AGENTS.items())
def test_a_user_agent_becomes_the_family_of_its_browser(agent, family):
    assert treat(to("browser_family"), pa.array([agent])) == [family]


@given(columns(st.one_of(texts, st.sampled_from(list(AGENTS))), pa.string()))
def test_every_user_agent_has_a_family(column):
    expected = [None if agent is None else AGENTS.get(agent) for agent in column.to_pylist()]
    families = treat(to("browser_family"), column)
    assert all(known in (None, found) for known, found in zip(expected, families, strict=True))


# --- refusals


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("fog", {}, "'day', 'month', 'quarter', 'year', 'age_band', 'postcode', 'province', 'band', 'step', 'clamp'"),
        ("month", {"width": 2}, "Extra inputs are not permitted"),
        ("age_band", {}, "at\n  Field required"),
        ("age_band", {"at": "ordered", "width": 0}, "width\n  Input should be greater than or equal to 1"),
        ("age_band", {"at": "ordered", "top": 121}, "top\n  Input should be less than or equal to 120"),
        ("postcode", {"digits": 5}, "digits\n  Input should be less than or equal to 4"),
        ("postcode", {"digits": 0}, "digits\n  Input should be greater than or equal to 1"),
        ("band", {"edges": []}, "edges\n  Tuple should have at least 1 item"),
        ("band", {"edges": [2, 1]}, "edges must rise, each above the one before"),
        ("band", {"edges": [1, 1]}, "edges must rise, each above the one before"),
        ("step", {"width": 1}, "width\n  Input should be greater than or equal to 2"),
        ("clamp", {}, "name least, most or both"),
        ("clamp", {"least": 2, "most": 1}, "least must not lie above most"),
        ("category", {"groups": {}}, "name at least one class"),
        ("category", {"groups": {"a": ["x"]}, "other": ""}, "other\n  String should have at least 1 character"),
        ("category", {"groups": {"a": ["x"], "b": ["x"]}}, "listed more than once: x"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(name, parameters, message):
    with pytest.raises(ValidationError, match=message):
        to(name, **parameters)
