"""Looking for people who were to be gone from a PostgreSQL warehouse: by row, in every table of its schemas.

Bytes are not searched: the server's files are not for its users to read. Each publish makes new tables, so that the
files of the old ones are deleted with them; `beyond_reach` says what else may hold a row that has left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from stores.warehouse import ANALYTICS, INDEX, MARTS, QUARANTINE, Found, Suppressed
from stores.warehouse.postgresql_layout import META, SCRATCH, STAGED
from stores.warehouse.postgresql_session import Session
from stores.warehouse.proof import look_by_row

SCHEMAS = {schema: schema for schema in (ANALYTICS, INDEX, QUARANTINE)}
ELSEWHERE = (MARTS, META, *STAGED.values(), SCRATCH)


def look_for(session: Session, suppressed: Sequence[Suppressed], keys: Mapping[str, pa.Array]) -> Found:
    """Look for people, and for the keys of rows that left (by published name), in every table."""
    return look_by_row(session, SCHEMAS, ELSEWHERE, suppressed, keys).found
