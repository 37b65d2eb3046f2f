"""Who is held back, as the ledger knows it, for those who match it with rows: the chamber, and the warehouse."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping

import pyarrow as pa

from privacy.errors import StandingError
from privacy.fates import Fate
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

    Whoever is listed under older keys only was matched by them when the index was made, and found in no row of it.
    """
    live = list(held_back_by(ledger.suppressions.live()))
    here = [one for one in live if one.epoch == published.index_epoch]
    older = {one.reference for one in live if one.epoch <= published.index_epoch}
    if {one.reference for one in live} - older:
        raise StandingError(
            "warehouse: its private index was made under an older key than people are held back by.\n"
            "  Run `sluis run`, which makes it anew; if an older state was put back, move its file away first."
        )
    later = defaultdict(list)
    for one in here:
        if one.kind == "erased":
            later[one.identifies, one.mac].append(one)
    return [Suppressed(FATES[one.kind], one.identifies, one.mac, _spared(one, later)) for one in here]


def _spared(one: Suppression, erasures: Mapping[tuple[str, bytes], list[Suppression]]) -> frozenset[bytes]:
    """Name the generations that came after an erasure: its own, and those of later erasures of the same person."""
    if one.kind != "erased":
        return frozenset()
    return frozenset(other.reference for other in erasures[one.identifies, one.mac] if other.since >= one.since)
