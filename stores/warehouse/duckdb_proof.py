"""Looking for people who were to be gone from a DuckDB warehouse: by row, and by byte.

By byte: every file that belongs to the warehouse is searched for the sixteen bytes of each MAC and key, as DuckDB
stores a UUID, as they are, and as text. What this does not show: DuckDB may compress a block, and a value in a
compressed block is not found by its bytes. Keys are told to stand as they are (duckdb_file.py), other columns of tokens
do as a rule, because nothing is gained on random values; and the search by row sees through compression, but only what
a table still holds. Nor are backups, snapshots of the file system and freed blocks of the disk searched.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import pyarrow as pa

from stores.warehouse import ANALYTICS, INDEX, QUARANTINE, Found, Suppressed
from stores.warehouse.byte_search import files_of, places_of
from stores.warehouse.duckdb_live import LiveFile
from stores.warehouse.duckdb_session import DuckDBSession
from stores.warehouse.proof import look_by_row

PRIVATE_INDEX = f"private.{INDEX}"
SCHEMAS = {ANALYTICS: ANALYTICS, INDEX: PRIVATE_INDEX, QUARANTINE: f"private.{QUARANTINE}"}
"""Of the live file and its private file, as they are opened for reading."""


def look_for(live: LiveFile, suppressed: Sequence[Suppressed], keys: Mapping[str, pa.Array]) -> Found:
    """Look for people, and for the keys of rows that left (by published name), in every table and file."""
    with live.opened() as connection:
        looked = look_by_row(DuckDBSession(connection), SCHEMAS, (), suppressed, keys)
    places = places_of(files_of(live.live), sorted(looked.nowhere))
    return dataclasses.replace(looked.found, places=places, sought=len(looked.nowhere))
