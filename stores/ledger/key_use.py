"""What in the ledger still needs an epoch of a root."""

from __future__ import annotations

import sqlalchemy as sa

from privacy.keys import RootName
from stores.ledger.access import reading
from stores.ledger.schema import HOLD, IDENTIFIER, RECEIPT, REQUEST, SUPPRESSION

_ENDED = ("lifted", "refused", "noted", "answered")
"""States of requests for which nobody is looked for any more."""


def needed_by(engine: sa.Engine, root: RootName, epoch: int) -> dict[str, int]:
    """Count, in words, what could not be matched or verified any more without an epoch; empty where nothing."""
    with reading(engine) as connection:
        counts = {what: connection.execute(query).scalar_one() for what, query in _queries(root, epoch).items()}
    return {what: count for what, count in counts.items() if count}


def _queries(root: RootName, epoch: int) -> dict[str, sa.Select[tuple[int]]]:
    if root == "receipts":
        return {"receipts": _count(RECEIPT.c.number).where(RECEIPT.c.epoch == epoch)}
    if root == "tombstones":
        suppressions = _count(SUPPRESSION.c.reference).where(
            SUPPRESSION.c.epoch == epoch, SUPPRESSION.c.lifted_at.is_(None)
        )
        requests = _count(IDENTIFIER.c.request_id).join(REQUEST, REQUEST.c.request_id == IDENTIFIER.c.request_id)
        holds = _count(HOLD.c.hold_id).where(HOLD.c.epoch == epoch, HOLD.c.released_at.is_(None))
        return {
            "tombstones": suppressions.where(SUPPRESSION.c.kind == "erased"),
            "restrictions and objections": suppressions.where(SUPPRESSION.c.kind != "erased"),
            "requests": requests.where(IDENTIFIER.c.epoch == epoch, REQUEST.c.state.not_in(_ENDED)),
            "legal holds": holds,
        }
    return {}


def _count(column: sa.Column[str] | sa.Column[int]) -> sa.Select[tuple[int]]:
    return sa.select(sa.func.count(sa.distinct(column)))
