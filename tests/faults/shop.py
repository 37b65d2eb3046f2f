"""The shop that trouble comes to: published once; since then somebody has bought, and somebody wants to be erased."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from privacy.errors import SluisError
from privacy.leak_proof import leak_proof
from stores.keyring_file import create_keyring
from stores.settings import Settings
from tasks.erasure import apply_erasure, plan_erasure, register
from tests.conftest import Place
from tests.faults.homes import Ended, Home
from tests.histories.shop import ADDRESSES, GUESTS, Shop, now
from tests.histories.shop import POLICY as WITHOUT_MARTS
from tests.in_chamber import run_in_chamber

POLICY = WITHOUT_MARTS.replace(
    "tables:\n",
    """\
marts:
  sold:
    meaning: Sales per month.
    from: sale
    month_of: sold_at
    by: [nr]
    measures: {sales: {kind: count, meaning: Sales.}}
    people: [buyer_id, guest_id]
    minimum_cell: 2
tables:
""",
    1,
)

CANARIES = ("example.com", "example.org", "anna", "home@", "carl")
"""Parts of what the shop knows of people; none of it may be told, whatever goes wrong."""


AnyHome = TypeVar("AnyHome", bound=Home)


def make(folder: Path, home_at: Callable[[Path], AnyHome], opened: Callable[[AnyHome], AnyHome]) -> tuple[AnyHome, str]:
    """Make the shop in a folder, publish it, let things happen; give its home then, and the hash of a plan of them.

    `opened` gives the home once its source is what the shop is now.
    """
    place = Place(folder)
    shop = Shop(place.source)
    shop.create(datetime.date.today())
    place.policy.write_text(POLICY, encoding="utf-8")
    create_keyring(place.keyring, datetime.date.today())
    shop.sell(4, ADDRESSES[4][0], None)  # no date: it is set aside
    home = opened(home_at(folder))
    run_in_chamber(home)
    shop.sell(1, ADDRESSES[1][0], now())
    shop.sell(None, GUESTS[0], now())
    home = opened(home)
    settings = Settings.from_environment(home.environment)
    register(settings, "erasure", "R-1", "buyer_id = 2")
    return home, plan_erasure(settings, None, None).hash


def do(environment: dict[str, str], way: str, plan: str) -> Ended:
    """Run, or apply the plan, as a command does."""
    settings = Settings.from_environment(environment)

    def work() -> Any:
        return run_in_chamber(settings) if way == "run" else apply_erasure(settings, plan)

    try:
        leak_proof(work)()
    except SluisError as error:
        return Ended(error.code, error.kind, str(error))
    return Ended(0)
