"""The year to come: what leaves the warehouse in each month, and what may be deleted in the source."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from privacy.errors import StoreError
from privacy.keys import Keyring
from privacy.policy import Policy
from privacy.source_plan import ByMonth, RetentionPlan, SourcePlan, months_ahead
from privacy.world import World, local_date
from stores.actor import Actor
from stores.opening import open_source
from stores.settings import Settings
from stores.source import Source
from tasks.chamber import read_rules
from tasks.opened import opened
from tasks.plan_source import plan_source

KIND = "source_deletion"
"""Of a plan in the ledger."""

NO_RULES = "the policy has no section source, so that nothing may be deleted there"
NOTHING_PUBLISHED = "nothing is published yet, so that nothing leaves the warehouse"
AWAY = "the source cannot be read, so that nothing is planned there: {}"


def plan_retention(settings: Settings, as_of: datetime.date | None, actor: Actor) -> RetentionPlan:
    """Plan the year after a day. What would be deleted in the source is kept in the ledger under the plan's hash."""
    now = datetime.datetime.now(datetime.UTC)
    policy, keyring, warehouse, ledger = opened(settings)
    world = _world(policy, keyring, as_of, now)
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
    policy, keyring = read_rules(settings)
    return _world(policy, keyring, as_of, now), keyring


def _world(policy: Policy, keyring: Keyring, as_of: datetime.date | None, now: datetime.datetime) -> World:
    return World(policy, keyring.analytics(), as_of or local_date(now, policy.time_zone), now)


def _by_month(days: Mapping[datetime.date | None, int], as_of: datetime.date) -> ByMonth:
    """Count by month, for the year to come; what should have left already leaves in the month of the day."""
    months = dict.fromkeys(months_ahead(as_of), 0)
    for day, rows in days.items():
        month = max(day, as_of).strftime("%Y-%m") if day else ""
        if month in months:
            months[month] += rows
    return months
