"""The days of the events that start clocks: the real ones, or earlier where those would give a shifted date away."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from privacy.fates import Days
from privacy.keys import Keys
from privacy.policy import Table
from privacy.retention import NO_EVENT, day_number, local_days
from privacy.world import World


def event_days(table: Table, event: str, columns: Mapping[str, pa.Array], keys: Keys) -> Days:
    """Give the day from which an event's clock counts in each row, NO_EVENT where it has not happened."""
    treatment = table.columns[event].treatment
    beside = {name: columns[table.source_of(name)] for name in treatment.needs()}
    return local_days(treatment.for_clock(columns[table.source_of(event)], beside, keys))


def past_event_days(table: Table, event: str, columns: Mapping[str, pa.Array], world: World) -> Days:
    """Give the same of referring rows, in which an event that lies in the future starts no clock."""
    to_come = local_days(columns[table.source_of(event)]) > day_number(world.today)
    return np.where(to_come, NO_EVENT, event_days(table, event, columns, world.keys)).astype(np.int32)
