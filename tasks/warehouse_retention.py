"""Retention in the warehouse without a run: what has expired leaves, whether the source can be read or not."""

from __future__ import annotations

import datetime
import os

from privacy.evidence import RunRecord
from stores.actor import acting
from stores.settings import Settings
from tasks.remains import Decision, publish_remains


def expire_warehouse(settings: Settings, as_of: datetime.date | None) -> RunRecord:
    """Publish the warehouse without the rows whose time is over, and without whoever is held back."""
    return publish_remains(settings, "retention", acting(os.environ), as_of, Decision())
