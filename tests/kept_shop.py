"""The corner shop with rules for its own database: what the law asks it to keep, and what may be deleted there."""

from __future__ import annotations

import contextlib
import datetime
import sqlite3
from typing import Any

from privacy.world import local_date
from stores.ledger import open_ledger
from stores.settings import database_url
from tests.conftest import Outcome, Place, run_in_process

RULES = """\
source:
  one_stop_shop: no
  periods:
    books: {keep_at_least: 7 years, from: end_of_fiscal_year, because: Tax administration.}
  tables:
    buyer: {no_minimum: As long as the sales.}
    sale: {period: books, after: sold_at, supplied: sold_at}
    line: {via: sale_id}
"""
HOLDS = """\
holds: {from: dispute, matter: matter, table: tab, record: rec, held_from: since, held_until: until}
"""
DISPUTES = (
    "create table dispute (dispute_id integer primary key, matter text, tab text, rec integer, since text, until text)"
)
TODAY = local_date(datetime.datetime.now(datetime.UTC), "Europe/Amsterdam")
THIS_YEAR = TODAY.year


def keep(place: Place) -> None:
    """Give the corner shop's policy rules for the source."""
    place.change_policy("tables:\n", RULES + "tables:\n")


def hold(place: Place, *disputes: str) -> None:
    """Give the shop a table of holds, with these rows: `'M-1', 'sale', 5, '2020-01-01', null`."""
    place.change_source(DISPUTES, *(f"insert into dispute values (null, {dispute})" for dispute in disputes))
    place.change_policy(
        "never_extracted: {audit: Not for analysts.}", f"{HOLDS}never_extracted: {{audit: No., dispute: No.}}"
    )


def planned(place: Place, *flags: str, **more: str) -> Outcome:
    """Plan as Petra does."""
    environment = {**place.environment, "SLUIS_ACTOR": "petra", **more}
    return run_in_process("retention", "plan", "--output", "json", *flags, **environment)


def approve(place: Place, plan_hash: str, *actors: str) -> None:
    """Let these people approve a plan."""
    for actor in actors:
        now = datetime.datetime.now(datetime.UTC)
        open_ledger(database_url("ledger", place.environment)).plans.approve(plan_hash, actor, "stated", now)


def applied(place: Place, plan_hash: str | None, **more: str) -> Outcome:
    """Carry out a plan, as Petra does."""
    chosen = ("--plan", plan_hash) if plan_hash else ()
    environment = {**place.environment, "SLUIS_ACTOR": "petra", **more}
    return run_in_process("retention", "apply", "--apply-to-source", *chosen, "--output", "json", **environment)


def deleted(place: Place) -> Outcome:
    """Plan, approve and carry out."""
    plan_hash = planned(place).json["plan_hash"]
    approve(place, plan_hash, "olga")
    return applied(place, plan_hash)


def now(place: Place, *flags: str) -> dict[str, int]:
    """Tell how many rows of each table may go now."""
    return {name: table["deletable_now"] for name, table in planned(place, *flags).json["source"].items()}


def contents(place: Place) -> dict[str, list[tuple[Any, ...]]]:
    """Read every table of the shop whole."""
    with contextlib.closing(sqlite3.connect(place.source)) as connection:
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        return {name: connection.execute(f"select * from {name} order by 1").fetchall() for name in tables}
