"""Replay: an older warehouse was put back, and whoever has been taken out since must leave it again."""

from __future__ import annotations

import datetime
import os

from privacy.errors import StandingError
from privacy.evidence import RunRecord
from stores.actor import acting
from stores.settings import Settings
from stores.warehouse import Published, Suppressed
from tasks.publication import Publication
from tasks.remains import Decision, publish_remains


def replay(settings: Settings, as_of: datetime.date | None) -> RunRecord:
    """Publish what is left of a warehouse that was put back; StandingError where too little is remembered for it."""
    return publish_remains(settings, "replay", acting(os.environ), as_of, _Remembered())


class _Remembered(Decision):
    """Whoever the ledger holds back leaves, if it has forgotten nobody who is in the warehouse."""

    def whom(self, publication: Publication, published: Published) -> list[Suppressed]:
        """Refuse a state from before an erasure whose tombstone has expired: nobody could be found by it."""
        horizon = publication.ledger.suppressions.horizon()
        if horizon and published.sealed_at <= horizon:
            raise StandingError(
                "warehouse: the state that was put back is from before an erasure whose tombstone has expired. Nothing "
                "was changed.\n  Move its file away and run `sluis run`, or put a newer backup back."
            )
        return super().whom(publication, published)
