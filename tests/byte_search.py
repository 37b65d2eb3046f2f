"""Search for raw values in bytes: thousands, in every form in which databases, pickles and logs may hold them.

Each form of each value is known by its last eight bytes, because many begin alike. All windows of eight bytes of
what is searched pass a bitmap first; what it lets through is looked up among the forms, and compared in full.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt

WINDOW = 8
_BITS = 24
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
Windows = npt.NDArray[np.uint64]


class Search:
    """Values to look for, each under a label that a find can name without quoting the value."""

    def __init__(self, values: dict[str, Iterable[str]]) -> None:
        self._label: dict[bytes, str] = {}
        for label, texts in values.items():
            for text in set(texts):
                self._label.update((form, label) for form in forms(text))
        if short := [form for form in self._label if len(form) < WINDOW]:
            raise ValueError(f"{len(short)} forms are shorter than {WINDOW} bytes; chance alone would find them")
        self._by_window: dict[int, list[bytes]] = {}
        for form in self._label:
            self._by_window.setdefault(int.from_bytes(form[-WINDOW:], "little"), []).append(form)
        self._windows = np.sort(np.fromiter(self._by_window, np.uint64, len(self._by_window)))
        self._bitmap = np.zeros(1 << _BITS, np.bool_)
        self._bitmap[_slots(self._windows)] = True

    def __len__(self) -> int:
        return len(self._label)

    def find(self, data: bytes) -> dict[str, int]:
        """Count the places where a form of a value stands, by the value's label."""
        found: dict[str, int] = {}
        for start in range(WINDOW):
            count = (len(data) - start) // WINDOW
            if count <= 0:
                continue
            windows = np.frombuffer(data, "<u8", count, start)
            maybe = np.flatnonzero(self._bitmap[_slots(windows)])
            near = np.searchsorted(self._windows[:-1], windows[maybe])
            maybe = maybe[self._windows[near] == windows[maybe]]
            for at, window in zip(maybe.tolist(), windows[maybe].tolist(), strict=True):
                end = start + (at + 1) * WINDOW
                for form in self._by_window[window]:
                    if data.endswith(form, 0, end):
                        label = self._label[form]
                        found[label] = found.get(label, 0) + 1
        return found


def unbroken(data: bytes) -> bytes:
    """Take line ends out, as they are and as JSON escapes them: pickles in base64 are broken into lines."""
    return data.replace(b"\\n", b"").replace(b"\n", b"")


def _slots(windows: Windows) -> Windows:
    return (windows * _SPREAD) >> np.uint64(64 - _BITS)


def forms(text: str) -> Iterator[bytes]:
    """Give a value, trimmed, in small letters and as JSON escapes it, in UTF-8 and UTF-16, hexadecimal and base64."""
    for spelling in {text.strip(), text.strip().lower(), json.dumps(text.strip())[1:-1]}:
        for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
            raw = spelling.encode(encoding)
            yield raw
            yield raw.hex().encode()
            yield raw.hex().upper().encode()
            yield from _in_base64(raw)


def _in_base64(raw: bytes) -> Iterator[bytes]:
    """Give what base64 text surely holds of some bytes, wherever in a group of three they begin."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + raw)
        whole = text[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        yield whole
        yield whole.replace(b"+", b"-").replace(b"/", b"_")


def as_text(database: Path, but: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Give every column of every table of a DuckDB file as plain text, a value a line; compression hides nothing here.

    `but`: types of column to leave out.
    """
    with duckdb.connect(str(database), read_only=True) as connection:
        columns = connection.execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns() where not internal"
        ).fetchall()
        texts = {}
        for schema, table, column, kind in columns:
            if kind not in but:
                query = f'select cast("{column}" as varchar) from "{schema}"."{table}" where "{column}" is not null'
                values = connection.execute(query).fetchall()
                texts[f"{schema}.{table}.{column}"] = "\n".join(value for (value,) in values).encode()
    return texts
