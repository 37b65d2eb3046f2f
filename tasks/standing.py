"""How warehouse and ledger stand to each other: neither may have been put back from a backup unnoticed."""

from __future__ import annotations

import datetime

from privacy.errors import KeyringError, StandingError, StoreError
from privacy.keys import Keyring
from privacy.receipt_chain import is_signed
from stores.ledger import Ledger
from stores.warehouse import Published, Warehouse

_LEDGER = (
    "ledger: {}. People who were taken out since could come back.\n"
    "  Put the newest backup of the ledger back, or the warehouse of this ledger; without either, move the warehouse's "
    "file away and run anew."
)
_REPLAY = (
    "warehouse: an older state was put back, from before the last publish. People who were taken out since are in it.\n"
    "  Run `sluis replay` before anybody reads it."
)

_KEPT_OUT = "\n  Readers have lost access until then; the replay gives it back."
_NOT_KEPT_OUT = "\n  Readers could not be kept out until then: the user of --warehouse may not revoke their rights."

_CLOCK = (
    "clock: it stands at {now:%Y-%m-%d %H:%M} UTC, before the last published run began ({last:%Y-%m-%d %H:%M} UTC). "
    "Who leaves, and whose rows are held back, goes by the clock; nothing was changed.\n"
    "  Set the clock, and run again. If it is right and was wrong then: `sluis replay`, then run again."
)
SLACK = datetime.timedelta(minutes=2)
"""By how much a clock may be set back: what a time server corrects, or one machine differs from another."""

_OTHER_KEYS = (
    "keyring: another key file signed this ledger's last receipt, so this one knows nobody who is held back. Nothing "
    "was changed.\n  Put the key file of before back. If it is lost for good, nobody can be recognised by this ledger "
    "any more: move ledger and warehouse away, and register what was asked anew."
)


def check_standing(warehouse: Warehouse, ledger: Ledger, keyring: Keyring, replaying: bool = False) -> None:
    """Refuse to go on beside a ledger older than the warehouse, or without a key that is needed.

    A warehouse that was put back is refused as well, unless it is about to be replayed; and so is a clock.
    """
    check_keys(ledger, keyring)
    if not replaying:
        _check_clock(ledger)
    published = warehouse.published()
    if published:
        _check_ledger(published, ledger)
    _check_signer(ledger, keyring)
    if published and _unfinished(published, ledger) is None:
        last = ledger.runs.last_published()
        if last is None or last.run_id != published.run_id:
            readers = _keep_readers_out(warehouse)
            if not replaying:
                raise StandingError(f"{_REPLAY}{readers}")


def _keep_readers_out(warehouse: Warehouse) -> str:
    """Let nobody read a state that was put back, where that can be; tell of it."""
    try:
        return _KEPT_OUT if warehouse.shut_readers_out() else ""
    except StoreError:
        return _NOT_KEPT_OUT


def check_without_a_trace(warehouse: Warehouse, ledger: Ledger | None, keyring: Keyring) -> None:
    """Check the same with a ledger that is only looked at, which may not be there."""
    published = warehouse.published()
    if ledger:
        check_standing(warehouse, ledger, keyring)
    elif published and published.ledger_id:
        raise StandingError(_LEDGER.format("there is none, or one of an earlier version, beside a published warehouse"))


def check_keys(ledger: Ledger, keyring: Keyring) -> None:
    """Refuse a key file that lacks a key under which people are held back."""
    keys = keyring.subjects()
    for epoch in sorted(ledger.suppressions.epochs()):
        keys.key("customer", epoch)


def _check_clock(ledger: Ledger) -> None:
    """Refuse a clock that was put back: what is decided by it would seem older than what it was decided about."""
    now, last = datetime.datetime.now(datetime.UTC), ledger.runs.last_published()
    if last and last.started_at > now + SLACK:
        raise StoreError(_CLOCK.format(now=now, last=last.started_at))


def _check_signer(ledger: Ledger, keyring: Keyring) -> None:
    """Refuse another key file while people are held back: epochs bear the same numbers in each, their keys differ."""
    last = ledger.receipts.last() if ledger.suppressions.epochs() else None
    if last and not is_signed(vars(last), keyring.public_keys()):
        raise KeyringError(_OTHER_KEYS)


def _check_ledger(published: Published, ledger: Ledger) -> None:
    """Refuse a ledger that does not know what the warehouse was published with."""
    if published.ledger_id != ledger.identity():
        raise StandingError(_LEDGER.format("it is not the one that the warehouse was published with"))
    head = ledger.receipts.at(published.receipts) if published.receipts else ""
    if ledger.runs.state_of(published.run_id) is None or head != published.head:
        raise StandingError(_LEDGER.format("it is older than the warehouse, or was changed"))


def unfinished(warehouse: Warehouse, ledger: Ledger) -> str | None:
    """Name the run that was killed between its publish and its end, if one was."""
    published = warehouse.published()
    return _unfinished(published, ledger) if published else None


def _unfinished(published: Published, ledger: Ledger) -> str | None:
    return published.run_id if ledger.runs.state_of(published.run_id) == "sealed" else None
