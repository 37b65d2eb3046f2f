"""The kernel computes HMAC-SHA-256 as the standard library does: of any bytes, beside any others, however compiled."""

from __future__ import annotations

import hashlib
import hmac
import os
import platform
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from privacy import sha256
from privacy.macs import macs, short_macs
from tests.strategies import columns, keys, texts
from tests.unit.test_tokens import RFC_4231

TAG = b"text:"

values_of_bytes = st.binary(max_size=40) | st.integers(0, 200).map(lambda size: bytes(range(256))[:size])


def by_kernel(key: bytes, column: pa.Array, tag: bytes = TAG, most: int = 32) -> list[bytes | None]:
    """Key a column of bytes without NULL."""
    offsets = np.frombuffer(column.buffers()[1], np.int32, len(column) + 1, 4 * column.offset)
    data = np.frombuffer(column.buffers()[2] or b"", np.uint8)
    there = np.array([value.is_valid for value in column], np.uint8)
    found = sha256.hmac_sha256(key, tag, offsets, data, there, most)
    return [bytes(row) if is_there else None for row, is_there in zip(found, there, strict=True)]


def by_library(key: bytes, value: bytes | None, tag: bytes = TAG, most: int = 32) -> bytes | None:
    message = None if value is None else tag + f"{len(value)}:".encode() + value
    return message and hmac.digest(key, message, hashlib.sha256)[:most]


def test_its_constants_are_those_of_fips_180_4():
    assert sha256._START[0] == 0x6A09E667 and sha256._START[7] == 0x5BE0CD19
    assert sha256._ROUND[0] == 0x428A2F98 and sha256._ROUND[63] == 0xC67178F2


@pytest.mark.parametrize(("key", "message", "mac"), [RFC_4231[name] for name in ("1", "2", "3", "4")])
def test_it_computes_hmac_as_rfc_4231_does(key: bytes, message: bytes, mac: str):
    # the vectors' messages do not begin as ours do, so that the states are driven past what writes heads
    blocks = len(message) + 9 + 63 >> 6
    padded = message + b"\x80" + bytes(64 * blocks - len(message) - 9) + (8 * (64 + len(message))).to_bytes(8)
    state = sha256._keyed(key, 0x36).copy()
    words = np.zeros((64, 16), np.uint32)
    for number in range(blocks):
        words[:16] = np.frombuffer(padded, ">u4", 16, 64 * number)[:, None]
        sha256._compress(words, state, state)
    sha256._finish(state, sha256._keyed(key, 0x5C), words, state)
    assert {bytes(lane.astype(">u4")).hex() for lane in state.T} == {mac}


@given(
    st.binary(min_size=1, max_size=64), columns(values_of_bytes, pa.binary(), max_size=50), st.sampled_from([4, 16, 32])
)
def test_any_bytes_under_any_key_have_the_mac_of_the_standard_library(key: bytes, column: pa.Array, most: int):
    if not len(column):
        return
    assert by_kernel(key, column, most=most) == [by_library(key, value, most=most) for value in column.to_pylist()]


def test_every_length_around_the_ends_of_blocks_is_padded_rightly():
    column = pa.array([os.urandom(size) for size in range(300)] + [os.urandom(100_000)])
    assert by_kernel(bytes(64), column) == [by_library(bytes(64), value) for value in column.to_pylist()]


def test_long_messages_do_not_disturb_short_ones_in_lanes_beside_them():
    column = pa.array([b"x" * (500 if row % 7 == 0 else row % 5) for row in range(100)])
    assert by_kernel(b"key", column) == [by_library(b"key", value) for value in column.to_pylist()]


@given(columns(texts, pa.string(), max_size=60), keys)
@example(pa.array([None, "a", None]).slice(1), bytes(32))
@example(pa.array([], pa.string()), bytes(32))
@example(pa.array([None, None], pa.string()), bytes(32))
def test_short_macs_are_the_first_half_and_missing_where_the_value_is(column: pa.Array, key: bytes):
    made = short_macs(column, "text", key)
    made.validate(full=True)
    whole = [
        None if value is None else by_library(key.hex().encode(), value.encode(), most=16)
        for value in column.to_pylist()
    ]
    assert made.to_pylist() == whole


@given(columns(texts, pa.string(), max_size=80), st.integers(1, 20))
def test_a_column_in_pieces_has_the_macs_of_the_whole(column: pa.Array, size: int):
    whole = macs(column, "text", bytes(32))
    pieces = [macs(column.slice(row, size), "text", bytes(32)) for row in range(0, len(column), size)]
    assert not len(column) or (np.concatenate(pieces) == whole).all()


def test_threads_do_not_disturb_each_other():
    some = [pa.array([f"{thread}-{row}" for row in range(5000)]) for thread in range(8)]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda column: by_kernel(b"key", column.cast(pa.binary())), some))
    assert made == [[by_library(b"key", value.encode()) for value in column.to_pylist()] for column in some]


@pytest.mark.skipif(
    platform.machine() != "x86_64", reason="compiles for the oldest x86-64 processors, as which this one can act"
)
def test_a_processor_with_narrower_vectors_computes_the_same(tmp_path: Path):
    assert said_elsewhere(tmp_path, NUMBA_CPU_NAME="x86-64", NUMBA_CPU_FEATURES="") == said_here()


def test_what_was_compiled_need_not_be_kept(tmp_path: Path):
    folder = tmp_path / "privacy"
    folder.mkdir()
    shutil.copy(sha256.__file__, folder / "sha256.py")
    (folder / "__init__.py").touch()
    (folder / "__pycache__").touch()  # root can write wherever it likes, but not in a file
    (tmp_path / "home").touch()
    assert said_elsewhere(tmp_path / "home", tmp_path, HOME=str(tmp_path / "home")) == said_here()


PROGRAM = """
import numpy as np
from privacy.sha256 import hmac_sha256
offsets, data = np.array([0, 3, 3, 90], np.int32), np.arange(90, dtype=np.uint8)
print(hmac_sha256(b"key", b"text:", offsets, data, np.ones(3, np.uint8)).tobytes().hex())
"""


def said_here() -> str:
    column = pa.array([bytes(range(3)), b"", bytes(range(3, 90))])
    return b"".join(by_library(b"key", value) or b"" for value in column.to_pylist()).hex()


def said_elsewhere(cache: Path, folder: Path | None = None, **environment: str) -> str:
    """Compile and run the kernel in a process of its own."""
    surroundings = os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONDONTWRITEBYTECODE": "1"} | environment
    if folder:
        surroundings |= {"PYTHONPATH": str(folder)}
        del surroundings["NUMBA_CACHE_DIR"]
    command = [sys.executable, "-c", PROGRAM]
    ended = subprocess.run(command, env=surroundings, cwd=folder, capture_output=True, text=True, check=False)
    assert not ended.returncode, ended.stderr
    return ended.stdout.strip()
