"""The main job without Prefect, in a second: what it says of itself, or the error that stopped it."""

from __future__ import annotations

import datetime
from contextlib import ExitStack

from privacy.evidence import RunRecord
from stores.settings import Settings
from tasks.chamber import open_chamber
from tests.conftest import Place


def run_in_chamber(place: Place | Settings, as_of: datetime.date | None = None, full: bool = False) -> RunRecord:
    """Run the main job on a place, table by table."""
    settings = place if isinstance(place, Settings) else Settings.from_environment(place.environment)
    with open_chamber(settings, as_of) as chamber, ExitStack() as stack:
        chamber.inspect(stack, full)
        for name, _ in chamber.policy.in_order():
            chamber.load(name)
        chamber.gate()
        chamber.publish()
    return chamber.record
