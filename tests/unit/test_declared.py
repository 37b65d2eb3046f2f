"""Moments without an offset are read as the policy's clock shows them."""

from __future__ import annotations

import datetime
import zoneinfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.column_types import ColumnType
from privacy.declared import MISFITS, force_types
from privacy.local_dates import local_dates

LOCAL = ColumnType.parse("timestamp(local)")
ZONES = ["Europe/Amsterdam", "America/Sao_Paulo", "America/Havana", "Asia/Kathmandu", "UTC"]
"""Amsterdam's clock changes at night, those of São Paulo and Havana at midnight or just after."""


def read(
    values: list[str | None], kind: ColumnType = LOCAL, zone: str = "Europe/Amsterdam"
) -> tuple[pa.Array, list[bool]]:
    batch = pa.record_batch([pa.array(values, pa.string()), pa.array([0] * len(values))], names=["at", MISFITS])
    columns, misfits = force_types(batch, {"at": kind}, zone)
    return columns["at"], misfits["at"].tolist() if misfits else [False] * len(values)


@given(st.lists(st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2100, 1, 1))), st.sampled_from(ZONES))
def test_a_moment_without_offset_falls_on_the_day_that_is_written(moments, zone):
    found, misfits = read([str(moment) for moment in moments], zone=zone)

    assert not any(misfits)
    assert found.type == pa.timestamp("us", zone)
    assert local_dates(found).to_pylist() == [moment.date() for moment in moments]


@pytest.mark.parametrize("zone", [*ZONES, "Africa/Casablanca", "Australia/Lord_Howe", "Pacific/Apia"])
@pytest.mark.parametrize("year", [1955, 1977, 2011, 2050])
def test_moments_close_together_fall_on_the_day_that_local_clocks_show(zone, year):
    first, step = datetime.datetime(year, 1, 1, tzinfo=datetime.UTC), datetime.timedelta(minutes=97, microseconds=1)
    moments = [None if n % 50 == 0 else first + n * step for n in range(6000)]

    dates = local_dates(pa.array(moments, pa.timestamp("us", zone)))

    at = zoneinfo.ZoneInfo(zone)
    assert dates.to_pylist() == [moment and moment.astimezone(at).date() for moment in moments]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2005-05-24 22:53:30", "2005-05-24T22:53:30+02:00"),
        ("2005-01-24T22:53:30.25", "2005-01-24T22:53:30.25+01:00"),
        ("2006-02-14", "2006-02-14T00:00:00+01:00"),
        ("2024-10-27 02:30:00", "2024-10-27T02:30:00+02:00"),
        ("2024-03-31 02:30:00", "2024-03-31T03:30:00+02:00"),
    ],
)
def test_an_hour_that_comes_twice_is_the_first_and_one_that_is_skipped_counts_on(written, meant):
    found, _ = read([written])

    assert found[0].as_py().isoformat() == datetime.datetime.fromisoformat(meant).isoformat()


@pytest.mark.parametrize("odd", ["2005-05-24 22:53:30+02:00", "2005-05-24T22:53:30Z", "24 May 2005", "", "2005-02-30"])
def test_what_is_no_moment_without_offset_is_set_aside(odd):
    found, misfits = read([odd, None, "2005-05-24 22:53:30"])

    assert misfits == [True, False, False]
    assert found.is_null().to_pylist() == [True, True, False]


def test_a_moment_without_offset_is_set_aside_where_an_offset_is_declared():
    _, misfits = read(["2005-05-24 22:53:30"], ColumnType.parse("timestamp"))

    assert misfits == [True]


def test_the_two_kinds_of_moment_are_told_apart_by_their_spelling():
    assert str(LOCAL) == "timestamp(local)"
    assert ColumnType.parse(str(LOCAL)) == LOCAL
    assert ColumnType.parse("timestamp") != LOCAL
    assert str(ColumnType.parse("timestamp(utc)")) == "timestamp(utc)"
    with pytest.raises(ValueError, match=r"moments without offset as timestamp\(local\)"):
        ColumnType.parse("timestamp(cet)")
