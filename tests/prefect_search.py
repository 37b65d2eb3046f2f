"""All that Prefect keeps: every file of its home, every row as text, and what pickles and base64 hold inside."""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tests.byte_search import Search, unbroken

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{32,}={0,2}")


def prefect_keeps(home: Path) -> dict[str, bytes]:
    """Give every file of Prefect's home (database and write-ahead log, results, logs), and its tables' rows as text."""
    found = {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}
    with closing(sqlite3.connect(f"file:{home / 'prefect.db'}?mode=ro", uri=True)) as database:
        for (table,) in database.execute("select name from sqlite_schema where type = 'table'").fetchall():
            rows = database.execute(f'select * from "{table}"').fetchall()
            found[f"table {table}"] = "\n".join(str(value) for row in rows for value in row).encode()
    return found


def decoded(data: bytes) -> Iterator[bytes]:
    """Give what stands in base64 anywhere in some bytes, also where that was compressed."""
    for found in _BASE64.findall(unbroken(data)):
        with contextlib.suppress(binascii.Error):
            plain = base64.b64decode(found.translate(bytes.maketrans(b"-_", b"+/")) + b"=" * (-len(found) % 4))
            yield plain
            with contextlib.suppress(zlib.error):
                yield zlib.decompress(plain)


def finds(search: Search, written: dict[str, bytes]) -> dict[str, dict[str, int]]:
    """Search all of it: as it is, without the line ends that base64 of pickles has, and decoded; tell what is where."""
    joined = {f"{name}, joined": unbroken(data) for name, data in written.items()}
    inside = {f"{name}, decoded": b"\0".join(decoded(data)) for name, data in written.items()}
    return {name: found for name, data in (written | joined | inside).items() if (found := search.find(data))}
