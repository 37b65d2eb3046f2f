"""The search that leak tests rely on finds what it must, and nothing else."""

from __future__ import annotations

import base64
import json
import pickle
import random
import sqlite3
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.byte_search import Search, as_text

VALUE = "zoë.canary+1@example.org"
SEARCH = Search({"e-mail": [VALUE], "plate": ["RKV-00-Z"]})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("before", range(9))
def test_a_value_is_found_at_any_place_in_any_encoding(encoding: str, before: int) -> None:
    raw = VALUE.encode(encoding)
    around = random.Random(before).randbytes
    for held in (raw, raw.hex().encode(), raw.hex().upper().encode(), base64.b64encode(around(before) + raw + b"xyz")):
        assert SEARCH.find(around(before) + held + around(40)) == {"e-mail": 1}
        assert SEARCH.find(around(before) + held) == {"e-mail": 1}


@pytest.mark.parametrize("spelling", [f" {VALUE} ", json.dumps({"k": VALUE}), repr([VALUE])])
def test_a_value_is_found_in_other_spellings(spelling: str) -> None:
    assert SEARCH.find(spelling.encode())["e-mail"] == 1


def test_a_pickle_in_base64_is_found() -> None:
    held = base64.urlsafe_b64encode(pickle.dumps(ValueError(f"bad value: {VALUE}")))

    assert SEARCH.find(b'{"data": "' + held + b'"}') == {"e-mail": 1}


def test_every_find_is_counted_under_its_own_label() -> None:
    assert SEARCH.find(f"RKV-00-Z,{VALUE},rkv-00-z".encode()) == {"plate": 2, "e-mail": 1}


def test_nothing_is_found_where_nothing_is() -> None:
    assert SEARCH.find(random.Random(1).randbytes(1_000_000)) == {}
    assert SEARCH.find(VALUE[1:].encode()) == SEARCH.find(b"") == SEARCH.find(b"short") == {}


def test_what_chance_would_find_is_refused() -> None:
    with pytest.raises(ValueError, match="forms are shorter than 8 bytes"):
        Search({"initials": ["A.B."]})


def test_databases_hold_a_value_where_the_search_sees_it(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.sqlite") as connection:
        connection.execute("pragma encoding = 'UTF-16le'")
        connection.execute("create table t (v text)")
        connection.execute("insert into t values (?)", [VALUE])
    connection.close()
    pq.write_table(pa.table({"v": [VALUE]}), tmp_path / "a.parquet", compression="none")
    with duckdb.connect(str(tmp_path / "a.duckdb")) as warehouse:
        warehouse.execute("create table t as select ? || i as v, i from range(100000) r(i)", [VALUE])

    assert SEARCH.find((tmp_path / "a.sqlite").read_bytes())
    assert SEARCH.find((tmp_path / "a.parquet").read_bytes())
    assert SEARCH.find(as_text(tmp_path / "a.duckdb")["main.t.v"]) == {"e-mail": 100_000}
    assert not SEARCH.find(as_text(tmp_path / "a.duckdb", but=("VARCHAR",))["main.t.i"])
