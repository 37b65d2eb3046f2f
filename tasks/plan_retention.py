"""The year to come: what leaves the warehouse in each month, and what may be deleted in the source."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from privacy.errors import StoreError
from privacy.keys import Keyring
from privacy.policy_file import read_policy
from privacy.source_plan import ByMonth, RetentionPlan, SourcePlan, months_ahead
from privacy.world import World, local_date
from stores.actor import Actor
from stores.keyring_file import read_keyring
from stores.ledger import open_ledger
from stores.opening import open_source, open_warehouse
from stores.settings import Settings, read_text
from stores.source import Source
from tasks.plan_source import plan_source
from tasks.standing import check_standing

KIND = "source_deletion"
"""Of a plan in the ledger."""

NO_RULES = "the policy has no section source, so that nothing may be deleted there"
NOTHING_PUBLISHED = "nothing is published yet, so that nothing leaves the warehouse"
AWAY = "the source cannot be read, so that nothing is planned there: {}"


def plan_retention(settings: Settings, as_of: datetime.date | None, actor: Actor) -> RetentionPlan:
    """Plan the year after a day. What would be deleted in the source is kept in the ledger under the plan's hash."""
    now = datetime.datetime.now(datetime.UTC)
    world, keyring = world_of(settings, as_of, now)
    ledger = open_ledger(settings.ledger)
    warehouse = open_warehouse(settings.warehouse)
    check_standing(warehouse, ledger, keyring)
    found = warehouse.rows_by_expiry()
    warnings = [] if found is not None else [NOTHING_PUBLISHED]
    source: SourcePlan | None = None
    if world.policy.source is None:
        warnings.append(NO_RULES)
    else:
        try:
            source = plan_source(_source(settings), world, keyring.subjects(), ledger)
        except StoreError as error:
            warnings.append(AWAY.format(str(error).splitlines()[0]))
    if source:
        ledger.plans.save(source.hash, KIND, source.scope, actor.name, now)
    leaving = None if found is None else {name: _by_month(days, world.as_of) for name, days in found.items()}
    return RetentionPlan(world.as_of, leaving, source, tuple(warnings))


def _source(settings: Settings) -> Source:
    if settings.source is None:
        raise StoreError("--source is not set.")
    return open_source(settings.source)


def world_of(settings: Settings, as_of: datetime.date | None, now: datetime.datetime) -> tuple[World, Keyring]:
    """Read policy and keys, and set the clocks."""
    policy = read_policy(read_text(settings.policy, "policy"), str(settings.policy))
    keyring = read_keyring(settings.keyring)
    world = World(policy, keyring.analytics(), as_of or local_date(now, policy.time_zone), now)
    return world, keyring


def _by_month(days: Mapping[datetime.date | None, int], as_of: datetime.date) -> ByMonth:
    """Count by month, for the year to come; what should have left already leaves in the month of the day."""
    months = dict.fromkeys(months_ahead(as_of), 0)
    for day, rows in days.items():
        month = day and max(day, as_of).strftime("%Y-%m")
        if month in months:
            months[month] += rows
    return months
