"""The shop that trouble comes to: published once; since then somebody has bought, and somebody wants to be erased."""

from __future__ import annotations

import datetime
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from privacy.errors import SluisError
from privacy.leak_proof import leak_proof
from stores.keyring_file import create_keyring
from stores.ledger import open_ledger
from stores.settings import Settings
from tasks.erasure import apply_erasure, plan_erasure, register
from tests.conftest import Place
from tests.histories.evidence import look
from tests.histories.shop import ADDRESSES, GUESTS, Shop, now
from tests.histories.shop import POLICY as WITHOUT_MARTS
from tests.in_chamber import run_in_chamber
from tests.warehouses import InDuckDB

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

TABLES = len(("buyers", "sales", "guests", "lines", "letters", "mart of sales"))


@dataclass(frozen=True)
class Ended:
    """How a process ended that was not killed."""

    code: int
    kind: str = ""
    said: str = ""


@dataclass(frozen=True)
class State:
    """What is published: which run's, and a hash of every table and of what stands beside them."""

    run: str
    tables: dict[str, str]
    aside: int
    indexed: int


def make(place: Place) -> str:
    """Make the shop, publish it, let things happen; give the hash of a plan of what is asked."""
    shop = Shop(place.source)
    shop.create(datetime.date.today())
    place.policy.write_text(POLICY, encoding="utf-8")
    create_keyring(place.keyring, datetime.date.today())
    shop.sell(4, ADDRESSES[4][0], None)  # no date: it is set aside
    run_in_chamber(place)
    shop.sell(1, ADDRESSES[1][0], now())
    shop.sell(None, GUESTS[0], now())
    settings = Settings.from_environment(place.environment)
    register(settings, "erasure", "R-1", "buyer_id = 2")
    return plan_erasure(settings, None, None).hash


def copied(place: Place, folder: Path) -> Place:
    """Give a copy of a place, which nothing has happened to."""
    shutil.copytree(place.folder, folder)
    return Place(folder)


def do(place: Place, way: str, plan: str) -> Ended:
    """Run, or apply the plan, as a command does."""

    def work() -> Any:
        if way == "run":
            return run_in_chamber(place)
        return apply_erasure(Settings.from_environment(place.environment), plan)

    try:
        leak_proof(work)()
    except SluisError as error:
        return Ended(error.code, error.kind, str(error))
    return Ended(0)


def state(place: Place) -> State:
    """Read what is published, past our own code."""
    seen = look(place)
    return State(seen.run, InDuckDB(place.folder).hashes(), len(seen.aside), sum(map(len, seen.index.values())))


def files(place: Place) -> list[str]:
    """Name all files and folders of a place, the private file without its run."""
    return sorted(path.name.split(".private-")[0] for path in place.folder.rglob("*"))


def ledger_of(place: Place) -> Any:
    """Open the ledger."""
    return open_ledger(Settings.from_environment(place.environment).ledger)
