"""Records of the source under a legal hold, recognised by MACs of their keys; a key itself is never kept.

    key = HKDF-SHA-256(root tombstones of an epoch, info = "sluis/v1/record/" + source name of the table)
    mac = the first 16 bytes of HMAC-SHA-256(key, message), message as of tokens (privacy/tokens.py), form "text"

An integer key is keyed as its decimal digits, so that 123 and "123" are one record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privacy.canonical import canonical
from privacy.column_types import ColumnType
from privacy.declared import cast_or_set_aside
from privacy.key_index import Mask
from privacy.keys import SubjectKeys
from privacy.macs import MAC, short_macs

Mac = tuple[int, str]
"""The epoch of the root tombstones under which a record's key is kept, and 32 hexadecimal digits."""


@dataclass(frozen=True)
class Record:
    """A record of a source table, as it is recognised under every epoch of the root tombstones."""

    table: str
    macs: frozenset[Mac] = field(repr=False)

    @property
    def newest(self) -> Mac:
        """Give the MAC under which new holds are kept."""
        return max(self.macs)


def record_macs(keys: pa.Array, key: bytes) -> pa.FixedSizeBinaryArray:
    """Give the MAC of each record key (16 bytes), NULL for NULL and for blank text."""
    text = keys if pa.types.is_string(keys.type) else keys.cast(pa.string())
    return short_macs(canonical(text, "text"), "text", key)


def records_of(table: str, keys: pa.Array, root: SubjectKeys) -> Iterator[Record | None]:
    """Give the record of each key of a table, None where there is no key."""
    by_epoch = [
        [mac and (epoch, mac.hex()) for mac in record_macs(keys, root.record_key(table, epoch)).to_pylist()]
        for epoch in root.numbers
    ]
    for macs in zip(*by_epoch, strict=True):
        yield Record(table, frozenset(macs)) if all(macs) else None


def typed_keys(texts: pa.Array, kind: ColumnType, time_zone: str) -> pa.Array:
    """Read keys that are given as text in the type that their table declares, NULL where they are none."""
    trimmed = pc.utf8_trim_whitespace(texts)
    filled = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
    return cast_or_set_aside(filled, kind.arrow(time_zone))[0]


def held_macs(held: Iterable[tuple[str, Mac]]) -> dict[str, Mapping[int, pa.Array]]:
    """Sort out the MACs of records under a hold by their tables and epochs."""
    found: dict[str, dict[int, set[bytes]]] = {}
    for table, (epoch, mac) in held:
        found.setdefault(table, {}).setdefault(epoch, set()).add(bytes.fromhex(mac))
    return {
        table: {epoch: pa.array(sorted(macs), MAC) for epoch, macs in epochs.items()} for table, epochs in found.items()
    }


def under_hold(table: str, keys: pa.Array, held: Mapping[int, pa.Array], root: SubjectKeys) -> Mask:
    """Tell which rows of a table are under a hold, by their keys."""
    found = np.zeros(len(keys), np.bool_)
    for epoch, macs in held.items():
        own = record_macs(keys, root.record_key(table, epoch))
        found |= pc.is_in(own, value_set=macs).to_numpy(zero_copy_only=False)
    return found
