"""Hypothesis strategies that several tests share: values of the declared types, and columns of them."""

from __future__ import annotations

import datetime
import string
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
from hypothesis import strategies as st

AMSTERDAM = ZoneInfo("Europe/Amsterdam")

integers = st.integers(-(2**63), 2**63 - 1)
texts = st.text(st.characters(exclude_categories=("Cs", "Cn", "Co")), max_size=20)
"""Assigned characters: Unicode versions differ in what they make of the others."""

keys = st.binary(min_size=32, max_size=32)
seeds = st.integers(0, 2**32 - 1)
dates = st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 12, 31))
timestamps = st.datetimes(  # of older days the zone databases of polars and Python do not agree
    datetime.datetime(1950, 1, 2), datetime.datetime(2100, 12, 30), timezones=st.just(datetime.UTC)
)

_ascii_domains = st.sampled_from(
    ["gmail.com", "example.nl", "shop.example", "sub.example.nl", "EXAMPLE.NL", "localhost"]
)
_other_domains = st.sampled_from(
    ["münchen.de", "straße.example", "xn--mnchen-3ya.de", "ÉCOLE.fr", "例え.jp", "a..b", "-é-.nl"]
)
_locals = st.text(string.ascii_letters + string.digits + ".+-_éÜß", min_size=1, max_size=12)
_spaces = st.sampled_from(["", " ", "\t", "\u00a0"])

emails = st.builds(
    "{}{}@{}{}".format, _spaces, _locals, st.one_of(_ascii_domains, _ascii_domains, _other_domains), _spaces
)


@st.composite
def columns(draw: st.DrawFn, values: st.SearchStrategy[Any], type_: pa.DataType, max_size: int = 30) -> pa.Array:
    """Draw a column with missing values, often a slice that does not begin where its buffers do, sometimes empty."""
    drawn: Sequence[Any] = draw(st.lists(st.one_of(st.none(), values, values, values), max_size=max_size))
    start = draw(st.integers(0, len(drawn)))
    return pa.array(drawn, type_).slice(start)
