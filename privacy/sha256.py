"""HMAC-SHA-256 of many short messages side by side (FIPS 180-4, RFC 2104), compiled for the processor at hand (ADR 35).

Sixteen messages go through the compression function together, one in each lane of its vectors: what stands under
`for lane` is a few instructions for all of them, however wide the processor's vectors are. The key's own blocks are
taken in once. Each sum and each rotation is cut to 32 bits at once, because numba widens what it adds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar, cast

import numba as nb
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint32]
Offsets = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]
F = TypeVar("F", bound=Callable[..., Any])

BLOCK, DIGEST = 64, 32
"""In bytes."""

_WORDS, _BYTES = "uint32[:, ::1]", "Array(uint8, 1, 'C', readonly=True)"
"""Types as numba writes them."""

_LANES = 16
_ROUNDS = 64
_AT_ONCE = 8
"""Rounds between which the working variables stay in registers."""


def _first_bits_of_roots(power: int, count: int) -> Words:
    """Give the first 32 bits of the fractional parts of the roots of the first primes, which FIPS 180-4 starts from."""
    primes = [n for n in range(2, 312) if all(n % divisor for divisor in range(2, n))][:count]
    return np.array([_root(prime << 32 * power, power) % 2**32 for prime in primes], np.uint32)


def _root(number: int, power: int) -> int:
    """Give the whole part of a root."""
    low, high = 0, number
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**power <= number else (low, middle - 1)
    return low


_START, _ROUND = _first_bits_of_roots(2, 8), _first_bits_of_roots(3, _ROUNDS)


def _compiled(signature: str | None = None) -> Callable[[F], F]:
    """Compile a function, or take what was compiled for this processor before, where that can be kept."""

    def compiled(function: F) -> F:
        try:
            return cast(F, nb.njit(signature, nogil=True, error_model="numpy", cache=True)(function))
        except RuntimeError:  # neither this folder nor the user's cache can be written
            return cast(F, nb.njit(signature, nogil=True, error_model="numpy")(function))

    return compiled


@nb.njit(inline="always")
def _turned(word: Any, right: Any) -> Any:
    return nb.uint32(nb.uint32(word >> nb.uint32(right)) | nb.uint32(word << nb.uint32(32 - right)))


@nb.njit(inline="always")
def _sum(one: Any, other: Any) -> Any:
    return nb.uint32(one + other)


@nb.njit(inline="always")
def _swapped(word: Any) -> Any:
    """Turn the order of a word's bytes."""
    odd, even = nb.uint32(word & nb.uint32(0x00FF00FF)), nb.uint32(word & nb.uint32(0xFF00FF00))
    return _turned(nb.uint32(nb.uint32(odd << nb.uint32(8)) | nb.uint32(even >> nb.uint32(8))), 16)


@_compiled(f"void({_WORDS}, {_WORDS}, {_WORDS})")
def _compress(words: Words, before: Words, after: Words) -> None:
    """Take a block into each lane's state. words: 64 rows of lanes, of which the first 16 hold the blocks."""
    for t in range(16, _ROUNDS):
        for lane in range(_LANES):
            early, late = words[t - 15, lane], words[t - 2, lane]
            small0 = nb.uint32(_turned(early, 7) ^ _turned(early, 18) ^ nb.uint32(early >> nb.uint32(3)))
            small1 = nb.uint32(_turned(late, 17) ^ _turned(late, 19) ^ nb.uint32(late >> nb.uint32(10)))
            words[t, lane] = _sum(_sum(words[t - 16, lane], small0), _sum(words[t - 7, lane], small1))
    work = np.empty((8, _LANES), np.uint32)
    for i in range(8):
        for lane in range(_LANES):
            work[i, lane] = before[i, lane]
    for t in range(0, _ROUNDS, _AT_ONCE):
        for lane in range(_LANES):
            a, b, c, d = work[0, lane], work[1, lane], work[2, lane], work[3, lane]
            e, f, g, h = work[4, lane], work[5, lane], work[6, lane], work[7, lane]
            for i in range(_AT_ONCE):
                big1 = nb.uint32(_turned(e, 6) ^ _turned(e, 11) ^ _turned(e, 25))
                choice = nb.uint32(g ^ (e & (f ^ g)))
                first = _sum(_sum(_sum(h, big1), choice), _sum(_ROUND[t + i], words[t + i, lane]))
                big0 = nb.uint32(_turned(a, 2) ^ _turned(a, 13) ^ _turned(a, 22))
                majority = nb.uint32((a & b) | (c & (a | b)))
                h, g, f, e = g, f, e, _sum(d, first)
                d, c, b, a = c, b, a, _sum(first, _sum(big0, majority))
            work[0, lane], work[1, lane], work[2, lane], work[3, lane] = a, b, c, d
            work[4, lane], work[5, lane], work[6, lane], work[7, lane] = e, f, g, h
    for i in range(8):
        for lane in range(_LANES):
            after[i, lane] = _sum(before[i, lane], work[i, lane])


@lru_cache(maxsize=128)
def _keyed(key: bytes, pad: int) -> Words:
    """Give the state, in each lane, after the key's block."""
    block = np.frombuffer(key.ljust(BLOCK, b"\0"), np.uint8) ^ np.uint8(pad)
    words, state = np.zeros((_ROUNDS, _LANES), np.uint32), np.empty((8, _LANES), np.uint32)
    words[:16] = block.view(">u4")[:, None]
    _compress(words, np.repeat(_START[:, None], _LANES, 1), state)
    return state


@_compiled()
def _write_block(number: int, tag: Bytes, data: Bytes, begin: int, length: int, blocks: Bytes, lane: int) -> bool:
    """Write a block of a value's padded message; tell whether it is the last. number: which, from 0."""
    for i in range(BLOCK):
        blocks[lane, i] = 0
    ahead, rest = len(tag) + 2, length // 10
    while rest:
        ahead, rest = ahead + 1, rest // 10
    if number == 0:
        for i in range(len(tag)):
            blocks[lane, i] = tag[i]
        at, rest = ahead - 2, length
        while at >= len(tag):
            blocks[lane, at] = 48 + rest % 10
            at, rest = at - 1, rest // 10
        blocks[lane, ahead - 1] = 58
    first = BLOCK * number - ahead  # which of the value's bytes would stand at the block's beginning
    for i in range(max(first, 0), min(first + BLOCK, length)):
        blocks[lane, i - first] = data[begin + i]
    if first <= length < first + BLOCK:
        blocks[lane, length - first] = 0x80
    last = length + 9 <= first + BLOCK
    if last:
        bits = 8 * (BLOCK + ahead + length)  # the key's block counts
        for i in range(8):
            blocks[lane, BLOCK - 1 - i] = bits & 0xFF
            bits >>= 8
    return last


@_compiled()
def _next_rows(row: int, there: Bytes, rows: Rows) -> tuple[int, int]:
    """Give each lane the row of a value that is there; tell at which row to go on, and how many lanes have one."""
    lanes = 0
    while row < len(there) and lanes < _LANES:
        if there[row]:
            rows[lanes] = row
            lanes += 1
        row += 1
    return row, lanes


@_compiled()
def _lay_out(
    number: int, going: int, rows: Rows, tag: Bytes, offsets: Offsets, data: Bytes, blocks: Words, words: Words
) -> int:
    """Write a block of the messages that are going on, a bit a lane; tell likewise whose last one it is."""
    ending, in_bytes = 0, blocks.view(np.uint8)
    for lane in range(_LANES):
        if going >> lane & 1:
            begin = nb.int64(offsets[rows[lane]])
            length = offsets[rows[lane] + 1] - begin
            if _write_block(number, tag, data, begin, length, in_bytes, lane):
                ending |= 1 << lane
    for t in range(16):
        for lane in range(_LANES):
            words[t, lane] = _swapped(blocks[lane, t])
    return ending


@_compiled()
def _finish(state: Words, outer: Words, words: Words, macs: Words) -> None:
    """Hash each lane's digest under the key's other block."""
    for i in range(8):
        for lane in range(_LANES):
            words[i, lane], words[8 + i, lane] = state[i, lane], 0
    for lane in range(_LANES):
        words[8, lane], words[15, lane] = 0x80000000, 8 * (BLOCK + DIGEST)
    _compress(words, outer, macs)


@_compiled(f"void({_WORDS}, {_WORDS}, {_BYTES}, {_BYTES.replace('uint8', 'int32')}, {_BYTES}, {_BYTES}, {_WORDS})")
def _hmac(inner: Words, outer: Words, tag: Bytes, offsets: Offsets, data: Bytes, there: Bytes, macs: Words) -> None:
    """Do the work of `hmac_sha256` from the states after the key's blocks; macs: to be filled."""
    blocks, words = np.empty((_LANES, BLOCK // 4), np.uint32), np.empty((_ROUNDS, _LANES), np.uint32)
    state, found = np.empty((8, _LANES), np.uint32), np.empty((8, _LANES), np.uint32)
    rows = np.empty(_LANES, np.int64)
    row, lanes = _next_rows(0, there, rows)
    while lanes:
        number, going = 0, (1 << lanes) - 1
        while going:
            ending = _lay_out(number, going, rows, tag, offsets, data, blocks, words)
            _compress(words, state if number else inner, state)
            if ending:
                _finish(state, outer, words, found)
            for lane in range(lanes):
                if ending >> lane & 1:
                    for i in range(macs.shape[1]):
                        macs[rows[lane], i] = _swapped(found[i, lane])
            number, going = number + 1, going ^ ending
        row, lanes = _next_rows(row, there, rows)


def hmac_sha256(key: bytes, tag: bytes, offsets: Offsets, data: Bytes, there: Bytes, most: int = DIGEST) -> Bytes:
    """Give the first bytes of the mac of tag, length in decimal, `:` and value; zeros for a value that is missing.

    key: at most 64 bytes. tag: at most 32. offsets, data: values as Arrow lays them out. there: 0 for a missing value.
    most: how many bytes of each, a multiple of 4 up to 32.
    """
    macs = np.zeros((len(there), most // 4), np.uint32)
    _hmac(_keyed(key, 0x36), _keyed(key, 0x5C), np.frombuffer(tag, np.uint8), offsets, data, there, macs)
    return macs.view(np.uint8)
