"""Who is known to the private index, and who is tied to which address: asked of those MACs that stand in `sought`."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from privacy.policy_rights import Identifies
from privacy.subjects import CUSTOMER, EMAIL
from stores.quoting import identifier
from stores.warehouse.catalogue import Ask, tables_with

SOUGHT = "sought"
_IS_SOUGHT = f"in (select mac from {SOUGHT})"


def sought(macs: Iterable[bytes]) -> pa.Table:
    """Give the table that is to be there as `sought`."""
    return pa.table({"mac": pa.array(list(macs), pa.uuid())})


def links(ask: Ask, index: str, identifies: Identifies) -> list[tuple[bytes, bytes]]:
    """Give each pair of an account's MAC and an e-mail address's that one row of the index carries, of those sought."""
    found = " union ".join(
        f"select {CUSTOMER}, {EMAIL} from {index}.{identifier(table)} "
        f"where {identifies} {_IS_SOUGHT} and {CUSTOMER} is not null and {EMAIL} is not null"
        for table in tables_with(ask, index, CUSTOMER, EMAIL)
    )
    return [(customer.bytes, email.bytes) for customer, email in ask(found)] if found else []


def known(ask: Ask, index: str, identifies: Identifies) -> set[bytes]:
    """Give those of the MACs that a row of the index carries."""
    found = " union ".join(
        f"select {identifies} from {index}.{identifier(table)} where {identifies} {_IS_SOUGHT}"
        for table in tables_with(ask, index, identifies)
    )
    return {mac.bytes for (mac,) in ask(found)} if found else set()
