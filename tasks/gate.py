"""Gate 1, for whatever is about to be published."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping

from expectations.candidate import Suites, TableFacts, owed_by
from expectations.gate import check_candidate
from privacy.evidence import RunRecord
from privacy.policy import Policy
from privacy.value_drift import excuse
from stores.warehouse import Sealable
from tasks.refusal import refusal


def pass_gate(
    candidate: Sealable,
    policy: Policy,
    facts: Mapping[str, TableFacts],
    record: RunRecord,
    today: datetime.date,
    on_progress: Callable[[int, int], None],
    marts: Suites | None = None,
) -> None:
    """Check all promises of a sealed candidate; GateError tells each one broken, and nothing is published.

    facts: by source name. today: the real day, on which a waiver must hold, too: a clock put back revives none. marts:
    what each mart owes; where they are copied as they were published, nothing.
    """
    suites = {
        table.publish_as: list(owed_by(policy, name, facts[name], record.as_of)) for name, table in policy.in_order()
    }
    readable = candidate.readable()
    changes = readable if readable.whole else None
    owed = {readable.analytics: suites, readable.marts: marts or {}}
    found = check_candidate(readable.url, owed, on_progress, changes)
    record.gates, waived = excuse(found, policy, max(record.as_of, today))
    record.warnings += waived
    if not record.gates.green:
        raise refusal(record, policy.file)
