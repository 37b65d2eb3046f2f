"""Rows out of MariaDB as Arrow: the server packs each into one text, and texts are parsed in bulk.

PyMySQL makes Python objects of every value, at ten times the cost of reading PostgreSQL through ADBC. Here a row is one
value: fields between commas, texts as QUOTE() writes them. What Python does for a row is to find where it ends.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.csv as csv
import pymysql
from pymysql.connections import MySQLResult
from pymysql.constants import COMMAND

from privacy.errors import StoreError

BATCH_BYTES = 4 << 20
"""About how much a batch holds at most, however wide its rows are."""

READ_BYTES = 1 << 20

TOO_LONG = (
    "source: a row is longer than the server's max_allowed_packet, and cannot be read whole.\n"
    "  Raise max_allowed_packet on the server, or list the longest column under never_extracted."
)
"""What it means that a server gives NULL for a row."""

_LONGEST_PACKET = 0xFFFFFF
_NULL, _TWO_BYTES, _THREE_BYTES, _EIGHT_BYTES, _ERROR = 0xFB, 0xFC, 0xFD, 0xFE, 0xFF
_LENGTH_TAKES = {_TWO_BYTES: 3, _THREE_BYTES: 4, _EIGHT_BYTES: 9}
_END_IS_SHORTER = 9
"""A packet that begins as a long value does, and is shorter than this, ends the rows."""

Packed = tuple[int, bytes]
"""How many rows, and their text."""


def packed_rows(connection: pymysql.Connection, query: str, rows: int) -> Iterator[Packed]:
    """Ask for one text a row; give the texts of at most `rows` rows, and about BATCH_BYTES, at a time."""
    connection._execute_command(COMMAND.COM_QUERY, query)
    header = MySQLResult(connection)
    header.init_unbuffered_query()
    header.unbuffered_active = False  # or it would wait for the rows, which are read here
    texts = _texts(connection)
    try:
        found: list[bytes] = []
        size = 0
        for text in texts:
            if not text:
                raise StoreError(TOO_LONG)
            found.append(text)
            size += len(text)
            if len(found) == rows or size >= BATCH_BYTES:
                yield len(found), b"".join(found)
                found, size = [], 0
        if found:
            yield len(found), b"".join(found)
    finally:
        with contextlib.suppress(pymysql.err.Error, OSError):  # whoever asks next of a broken connection is told
            for _ in texts:
                pass


def _texts(connection: pymysql.Connection) -> Iterator[bytes]:
    """Give the one value of each row, until the packet that ends them; empty where it is NULL."""
    left, begun = b"", b""
    while data := connection._rfile.read1(READ_BYTES):
        data, at = left + data, 0
        there = len(data)
        while there - at > 4:
            end = at + 4 + (data[at] | data[at + 1] << 8 | data[at + 2] << 16)
            if end - there > READ_BYTES:
                data += connection._rfile.read(end - there)
                there = len(data)
            if end > there:
                break
            if data[at + 4] < _NULL and not begun:  # as most rows are: their length takes one byte
                yield data[at + 5 : end]
                at = end
                continue
            packet, at, full = data[at + 4 : end], end, end - at - 4 == _LONGEST_PACKET
            if full or begun:
                begun += packet
                if full:
                    continue
                packet, begun = begun, b""
            if packet[0] == _ERROR:
                pymysql.err.raise_mysql_exception(packet)
            if packet[0] == _EIGHT_BYTES and len(packet) < _END_IS_SHORTER:
                return
            yield _text(packet)
        left = data[at:]
    raise pymysql.err.OperationalError(pymysql.constants.CR.CR_SERVER_LOST)


def _text(packet: bytes) -> bytes:
    """Give the one value of a row, which its length precedes; empty where it is NULL."""
    first = packet[0]
    return b"" if first == _NULL else packet[_LENGTH_TAKES.get(first, 1) :]


def parsed(packed: bytes, types: Mapping[str, pa.DataType]) -> list[pa.Array]:
    """Parse rows into columns of these types; where a value is none of its type, all come as text."""
    try:
        return _parsed(packed, types)
    except pa.ArrowInvalid:
        return _parsed(packed, dict.fromkeys(types, pa.string()))


def _parsed(packed: bytes, types: Mapping[str, pa.DataType]) -> list[pa.Array]:
    text = _without_escapes(packed)
    table = csv.read_csv(
        pa.BufferReader(text),
        csv.ReadOptions(column_names=list(types), block_size=len(text) + 1, use_threads=False),
        csv.ParseOptions(quote_char="'", escape_char="\\", double_quote=False, newlines_in_values=True),
        csv.ConvertOptions(
            column_types=dict(types),
            check_utf8=False,  # it is checked where it is cast, value by value
            null_values=["NULL"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return [column.combine_chunks() for column in table.columns]


def _without_escapes(packed: bytes) -> bytes:
    r"""Put back the bytes 0 and 26, which QUOTE() writes as \0 and \Z: the parser would take them for 0 and Z.

    No other byte 0 is in such a text, so that it can stand for a backslash of the text meanwhile.
    """
    if rb"\0" not in packed and rb"\Z" not in packed:
        return packed
    kept = packed.replace(rb"\\", b"\0\1").replace(rb"\0", b"\0\2").replace(rb"\Z", b"\x1a")
    return kept.replace(b"\0\1", rb"\\").replace(b"\0\2", b"\0")
