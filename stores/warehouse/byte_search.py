"""Searching the bytes of files for values of sixteen bytes, in every form in which a database may hold them."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import ahocorasick_rs

CHUNK = 16 << 20
"""How many bytes of a file are searched at a time."""

VALUES_A_READING = 20_000
"""How many values are sought in one reading of a file: each takes memory while it is."""

TOP_BIT = 0x80


def files_of(live: Path) -> Iterator[Path]:
    """Give every file that belongs to a warehouse: the live one, and all beside it or in folders that bear its name."""
    for path in sorted(live.parent.iterdir()):
        if path.name == live.name or path.name.startswith(f"{live.name}."):
            yield from (one for one in [path, *path.rglob("*")] if one.is_file())


def places_of(files: Iterable[Path], values: Sequence[bytes], chunk: int = CHUNK) -> dict[str, int]:
    """Count the places in each file at which any of the values stands, by the file's name, where there are any."""
    found = Counter[str]()
    held, there = iter(values), list(files)
    while some := list(islice(held, VALUES_A_READING)):
        patterns = sorted({form for value in some for form in forms(value)})
        search, longest = ahocorasick_rs.BytesAhoCorasick(patterns), max(map(len, patterns))
        for file in there:
            found[file.name] += _places_in(file, search, longest - 1, chunk)
    return dict(+found)


def forms(value: bytes) -> Iterator[bytes]:
    """Give the forms of a value: as it is, as DuckDB stores a UUID (little-endian, the top bit turned), and as text."""
    turned = bytes([value[0] ^ TOP_BIT]) + value[1:]
    for big_endian in (value, turned):
        yield big_endian
        yield big_endian[::-1]
    as_uuid = uuid.UUID(bytes=value)
    yield str(as_uuid).encode()
    yield as_uuid.hex.encode()


def _places_in(file: Path, search: ahocorasick_rs.BytesAhoCorasick, overlap: int, chunk: int) -> int:
    """Read a file in chunks; what ends within the repeated end of the chunk before was counted there."""
    found, before = 0, b""
    with file.open("rb") as stream:
        while read := stream.read(chunk):
            text = before + read
            found += sum(end > len(before) for _, _, end in search.find_matches_as_indexes(text))
            before = text[-overlap:]
    return found
