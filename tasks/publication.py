"""What every change of the warehouse goes through: one holder, a ledger that fits, and a receipt of what was done."""

from __future__ import annotations

import contextlib
import datetime
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from privacy.errors import GateError, StoreError
from privacy.evidence import RunRecord
from privacy.keys import Keyring
from privacy.receipts import Deed, Rows
from privacy.suppression import Suppressions
from stores.actor import Actor
from stores.ledger import Ledger
from stores.ledger.suppressions import digest_of
from stores.warehouse import Seal, Sealable, Warehouse
from tasks.exclusive import exclusively
from tasks.held_back import held_back_by
from tasks.proof import refuse_traces
from tasks.standing import check_standing, unfinished

CHANGED = "ledger: people were held back or let go during the run. Nothing was published.\n  Run again."


@dataclass
class Publication:
    """One change of the warehouse under way, which no other shares."""

    warehouse: Warehouse
    ledger: Ledger
    keyring: Keyring
    record: RunRecord
    prove: Callable[[], Mapping[str, int]] = dict
    since: float = field(default_factory=time.monotonic)
    """When it began, on a clock that nobody sets."""
    held_back: str = ""
    """The digest of who is held back, which what is published goes by."""

    def suppressions(self) -> Suppressions:
        """Give who is held back; what is published goes by this state of the ledger, or is not published."""
        self.record.decided = [request.request_id for request in self.ledger.requests.with_state("decided")]
        live = self.ledger.suppressions.live()
        self.held_back = digest_of(live)
        return Suppressions.of(held_back_by(live))

    def seal(self, candidate: Sealable, index_epoch: int, read_at: datetime.datetime) -> None:
        """End the writing of a candidate; tie it to this ledger as it is, to its private index's epoch, to a moment."""
        receipts, head = self.ledger.receipts.head()
        seal = Seal(self.record.kind, self.ledger.identity(), receipts, head, index_epoch, read_at)
        candidate.seal(self.record, seal)

    def publish(self, candidate: Sealable, prove: Callable[[], Mapping[str, int]] = dict) -> None:
        """Make a gated candidate what analysts see; `prove` looks for what must be gone, once its folder is gone."""
        self.record.requests["applied"] = len(self.record.decided)
        self.ledger.runs.seal(self.record)
        if self.ledger.suppressions.digest() != self.held_back:
            raise StoreError(CHANGED)
        self.ledger.lock.refuse_if_lost(self.record.run_id)
        candidate.publish()
        self.record.published, self.prove = True, prove


def settle(ledger: Ledger, keyring: Keyring, record: Mapping[str, Any], proof: Mapping[str, int]) -> None:
    """Issue the receipt of a published run, and note the requests that it applied."""
    now = datetime.datetime.now(datetime.UTC)
    tables = {
        name: Rows(counts["extracted"], counts["extracted"] - counts["published"], counts["published"])
        for name, counts in record["tables"].items()
    }
    deed = Deed(
        kind=record["kind"],
        at=now,
        run_id=record["run_id"],
        policy_digest=record["policy_digest"],
        tables=tables,
        proof=proof,
        counts={"requests": len(record["decided"])},
    )
    receipt = ledger.receipts.append(deed, keyring.receipts())
    ledger.requests.applied(record["decided"], record["run_id"], now, receipt.receipt_id)


@contextmanager
def open_publication(
    warehouse: Warehouse, ledger: Ledger, keyring: Keyring, actor: Actor, record: RunRecord, began: datetime.datetime
) -> Iterator[Publication]:
    """Hold the warehouse for one change of it, whose end the ledger will know, whatever it is."""
    with exclusively(warehouse, ledger, record.run_id, actor):
        _finish_what_was_killed(warehouse, ledger, keyring)
        check_standing(warehouse, ledger, keyring, replaying=record.kind == "replay")
        ledger.runs.start(record.run_id, record.kind, actor.name, began)
        publication = Publication(warehouse, ledger, keyring, record)
        try:
            yield publication
        except Exception as error:
            # what stopped the run is told, not what kept it from being noted; what is published, the next run finishes
            with contextlib.suppress(Exception):
                if not record.published:
                    _note_end(publication, "refused" if isinstance(error, GateError) else "failed", began)
            raise
        proof = publication.prove() if record.published else {}
        if record.published:
            settle(ledger, keyring, record.to_keep(), proof)
        _note_end(publication, "published" if record.published else "failed", began)
    refuse_traces(proof)


def new_run_id(now: datetime.datetime) -> str:
    """Name a run by its beginning, and at random."""
    return f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def _finish_what_was_killed(warehouse: Warehouse, ledger: Ledger, keyring: Keyring) -> None:
    """Finish a run that was killed between its publish and its end: the warehouse already is what it made."""
    if (run := unfinished(warehouse, ledger)) is None:
        return
    record, now = ledger.runs.record_of(run), datetime.datetime.now(datetime.UTC)
    receipt = next((one for one in ledger.receipts.all() if json.loads(one.body)["run_id"] == run), None)
    if receipt is None:
        settle(ledger, keyring, record, {})
    else:
        ledger.requests.applied(record["decided"], run, now, receipt.receipt_id)
    ledger.runs.heal(run, now)


def _note_end(publication: Publication, state: str, began: datetime.datetime) -> None:
    publication.record.seconds = time.monotonic() - publication.since
    publication.ledger.runs.end(publication.record, state, began, datetime.datetime.now(datetime.UTC))
