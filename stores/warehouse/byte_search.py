"""Searching the bytes of files for values of sixteen bytes, in the forms in which a database may hold them.

Hundreds of thousands of values are sought in one reading: every form is known by its last sixteen bytes. Windows of
eight bytes pass a bitmap first, and what that lets through is looked up as a word, then by all of it. Wherever sixteen
bytes stand, one of the words within them begins at a multiple of eight: of few values all such words are known, so that
an eighth of the windows is enough; of many, whose words would fill the bitmap, the first, so that it takes them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

CHUNK = 1 << 20
"""How many bytes of a file are searched at a time: few, so that they stay in the processor's caches."""

SIZE = 16
WORD = 8
TOP_BIT = np.uint8(0x80)

_FEW = 1 << 14
_BITS_FOR_FEW, _BITS = 20, 24
"""The bitmap's size: it lets little through, and where it can be small it is fast."""
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]


def files_of(live: Path) -> Iterator[Path]:
    """Give every file that belongs to a warehouse: the live one, and all beside it whose names begin with its name."""
    for path in sorted(live.parent.iterdir()):
        if path.name == live.name or path.name.startswith(f"{live.name}."):
            yield from (one for one in [path, *path.rglob("*")] if one.is_file())


def places_of(files: Iterable[Path], values: Iterable[bytes], chunk: int = CHUNK) -> dict[str, int]:
    """Count the places in each file at which any of the values stands, by the file's name, where there are any."""
    search = Search(values)
    found = {file.name: search.places_in(file, chunk) for file in files}
    return {name: places for name, places in found.items() if places}


class Search:
    """Values to look for."""

    def __init__(self, values: Iterable[bytes]) -> None:
        raw = np.frombuffer(b"".join(values), np.uint8).reshape(-1, SIZE)
        tails = np.concatenate([np.ascontiguousarray(form) for form in _forms(raw)])
        self._tails = {tail.tobytes() for tail in tails}
        few = WORD * len(tails) < _FEW
        self._step, self._bits = (WORD, _BITS_FOR_FEW) if few else (1, _BITS)
        shifted = [np.ascontiguousarray(tails[:, by : by + WORD]).view("<u8")[:, 0] for by in range(self._step)]
        self._words = np.unique(np.concatenate(shifted))
        self._bitmap = np.zeros(1 << self._bits, np.bool_)
        self._bitmap[_slots(self._words, self._bits)] = True

    def places_in(self, file: Path, chunk: int) -> int:
        """Count the places in a file, which is read in chunks that overlap by less than a value."""
        found, before = 0, b""
        with file.open("rb") as stream:
            while self._tails and (read := stream.read(chunk)):
                text = before + read
                found += sum(
                    text[at - by : at - by + SIZE] in self._tails
                    for at in self._likely(text)
                    for by in range(min(at + 1, self._step))
                )
                before = text[1 - SIZE :]
        return found

    def _likely(self, text: bytes) -> Iterator[int]:
        """Give the places of windows at which a known word of a value stands."""
        for start in range(0, WORD, self._step):
            windows = np.frombuffer(text, "<u8", max(0, len(text) - start) // WORD, start)
            maybe = np.flatnonzero(self._bitmap[_slots(windows, self._bits)])
            words = windows[maybe]
            near = np.minimum(np.searchsorted(self._words, words), len(self._words) - 1)
            yield from (start + WORD * maybe[self._words[near] == words]).tolist()


def _slots(words: Words, bits: int) -> Words:
    return (words * _SPREAD) >> np.uint64(64 - bits)


def _forms(values: Bytes) -> Iterator[Bytes]:
    """Give the last sixteen bytes of each form of all values.

    As they are and as DuckDB stores a UUID (the top bit turned), both of them backwards too, for words that are stored
    with their lowest byte first; and as hexadecimal text, of which one spelling has hyphens.
    """
    turned = values.copy()
    turned[:, 0] ^= TOP_BIT
    for one in (values, turned):
        yield one
        yield one[:, ::-1]
    digits = np.stack([_DIGITS[values >> 4], _DIGITS[values & 15]], axis=-1).reshape(-1, 2 * SIZE)
    yield digits[:, SIZE:]
    hyphen = np.full((len(values), 1), ord("-"), np.uint8)
    yield np.concatenate([digits[:, 17:20], hyphen, digits[:, 20:]], axis=1)
