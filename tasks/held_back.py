"""Who is held back, as the ledger knows it, for those who match it with rows: the chamber, and the warehouse."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping

import pyarrow as pa

from privacy.errors import StandingError
from privacy.fates import Fate
from privacy.policy_rights import Identifies
from privacy.suppression import Suppression
from stores.ledger import Ledger
from stores.warehouse import Published, Suppressed

FATES = {"erased": Fate.ERASED, "restricted": Fate.RESTRICTED, "objected": Fate.OBJECTED}


def held_back_by(live: pa.Table) -> Iterator[Suppression]:
    """Give the ledger's suppressions as the chamber matches them with rows."""
    for kind, identifies, epoch, mac, reference, since in zip(*live.to_pydict().values(), strict=True):
        yield Suppression(kind, identifies, epoch, bytes.fromhex(mac), uuid.UUID(reference).bytes, since)


def doomed(ledger: Ledger, published: Published) -> list[Suppressed]:
    """Give whom the ledger holds back, as the private index of the warehouse knows them.

    Who was held back before its rows were read is in none of them, and need not be known under its key.
    """
    live = list(held_back_by(ledger.suppressions.live()))
    here = [one for one in live if one.epoch == published.index_epoch]
    refuse_unkeyed(((one.reference, one.epoch) for one in live if one.since > published.read_at), published)
    later = defaultdict(list)
    for one in here:
        if one.kind == "erased":
            later[one.identifies, one.mac].append(one)
    return [Suppressed(FATES[one.kind], one.identifies, one.mac, _spared(one, later)) for one in here]


def refuse_unkeyed(people: Iterable[tuple[Hashable, int]], published: Published) -> None:
    """Refuse people of whom any identifier is unknown under the key of the private index: each, and an epoch of one."""
    under: defaultdict[Hashable, Counter[int]] = defaultdict(Counter)
    for person, epoch in people:
        under[person][epoch] += 1
    if any(epochs[published.index_epoch] < max(epochs.values()) for epochs in under.values()):
        raise StandingError(
            "warehouse: its private index was made under another key than people are held back by.\n"
            "  Run `sluis run`, which makes it anew; if an older state was put back, move its file away first."
        )


def _spared(one: Suppression, erasures: Mapping[tuple[Identifies, bytes], list[Suppression]]) -> frozenset[bytes]:
    """Name the generations that came after an erasure: its own, and those of later erasures of the same person."""
    if one.kind != "erased":
        return frozenset()
    return frozenset(other.reference for other in erasures[one.identifies, one.mac] if other.since >= one.since)
