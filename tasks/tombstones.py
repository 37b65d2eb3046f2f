"""Tombstones after a full scan of the source: which were met, which need a newer key, which have had their time."""

from __future__ import annotations

import datetime
import uuid
from collections import defaultdict

from privacy.requests import earlier
from privacy.world import World
from stores.ledger import Ledger
from stores.ledger.identifiers import Identifier
from stores.ledger.suppressions import Rekeyed


def after_full_scan(ledger: Ledger, world: World) -> int:
    """Note who was met, key them anew, and let tombstones expire that nothing matches any more; say how many.

    Always by the real day: a clock put forward for a look at the future must not forget anybody.
    """
    ledger.suppressions.seen({str(uuid.UUID(bytes=reference)) for reference in world.met.seen}, world.today)
    _key_anew(ledger, world)
    unseen_since = earlier(world.today, world.policy.tombstones.keep_at_least)
    erased_before = datetime.datetime.combine(unseen_since, datetime.time(), datetime.UTC)
    return ledger.suppressions.expire(unseen_since, erased_before)


def _key_anew(ledger: Ledger, world: World) -> None:
    """Give those met under an older key their identifier under the newest one."""
    if not world.met.anew or world.subject_keys is None:
        return
    references = defaultdict(list)
    live = ledger.suppressions.live().select(["identifies", "epoch", "mac", "reference"]).to_pydict()
    for identifies, epoch, mac, reference in zip(*live.values(), strict=True):
        references[identifies, epoch, bytes.fromhex(mac)].append(reference)
    ledger.suppressions.rekey(
        Rekeyed(reference, Identifier(identifies, world.subject_keys.newest, after.hex()))
        for identifies, epoch, before, after in world.met.anew
        for reference in references[identifies, epoch, before]
    )
