"""What a command about rights works with: policy, keys, warehouse and ledger, of which none was put back unnoticed."""

from __future__ import annotations

from typing import NamedTuple

from privacy.keys import Keyring
from privacy.policy import Policy
from stores.ledger import Ledger, open_ledger
from stores.opening import open_warehouse
from stores.settings import Settings
from stores.warehouse import Warehouse
from tasks.chamber import read_rules
from tasks.standing import check_standing


class Opened(NamedTuple):
    """The rules, and the two places."""

    policy: Policy
    keyring: Keyring
    warehouse: Warehouse
    ledger: Ledger


def opened(settings: Settings) -> Opened:
    """Open all of it; StandingError or KeyringError where it does not belong together."""
    found = Opened(*read_rules(settings), open_warehouse(settings.warehouse), open_ledger(settings.ledger))
    check_standing(found.warehouse, found.ledger, found.keyring)
    return found
