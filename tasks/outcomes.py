"""What flows have done, in words: counts and names of requests, plans and tables; never of people."""

from __future__ import annotations

from dataclasses import dataclass, field

from privacy.evidence import RunRecord
from privacy.fates import Fate


@dataclass(frozen=True)
class Registered:
    """What became of the requests in the source's table, before anything is published."""

    new: int
    decided: int
    """Requests that hold people back, and that no publish has applied yet."""
    pending: int
    needs_approval: bool
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class TakenIn:
    """What an intake did."""

    registered: Registered
    record: RunRecord | None
    """Of the publish, where one was due."""
    plan_hash: str | None
    """What waits for approval."""

    @property
    def warnings(self) -> list[str]:
        """Give what deserves a look."""
        return [*self.registered.warnings, *(self.record.warnings if self.record else ())]


@dataclass(frozen=True)
class Approved:
    """An approval, and what followed."""

    plan_hash: str
    kind: str
    approved_by: tuple[str, ...]
    record: RunRecord | None = None
    not_applied: str = ""
    """Why it was not applied."""

    @property
    def warnings(self) -> list[str]:
        """Give what deserves a look."""
        return self.record.warnings if self.record else []


def published(record: RunRecord) -> str:
    """Tell of a publish."""
    rows = sum(counts.published_rows for counts in record.tables.values())
    left = sum(counts.fates[fate] for counts in record.tables.values() for fate in _LEFT)
    seen = " of those that changed" if record.mode == "incremental" else ""
    return (
        f"Published as of {record.as_of}: {rows:,} rows in {len(record.tables)} tables; left out{seen}: {left:,}. "
        f"{record.gates.passed:,} promises hold. Requests applied: {record.requests['applied']:,}."
    )


def taken_in(outcome: TakenIn) -> str:
    """Tell of an intake."""
    found = outcome.registered
    said = [f"New requests: {found.new:,}."]
    said.append(published(outcome.record) if outcome.record else "Nobody had to leave; nothing was published.")
    if outcome.plan_hash:
        said.append(f"Waiting for approval: plan {outcome.plan_hash}\nStart the deployment approve with it.")
    return "\n".join(said)


def approved(outcome: Approved) -> str:
    """Tell of an approval: by whom, and on what that name rests."""
    by = ", ".join(outcome.approved_by)
    said = [f"The plan {outcome.plan_hash[:12]}… ({outcome.kind.replace('_', ' ')}) is approved by {by}."]
    said.append("Who filled in the form is not known: Prefect tells its workers of no users.")
    said += [outcome.not_applied] if outcome.not_applied else []
    said += [published(outcome.record)] if outcome.record else []
    return "\n".join(said)


_LEFT = (Fate.ERASED, Fate.RESTRICTED, Fate.OBJECTED, Fate.EXPIRED)
