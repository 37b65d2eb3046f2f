"""Delete in the source what an approved plan says, if that is still what would be planned today."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from privacy.errors import ApprovalError, PolicyError, StalePlanError, StandingError, UsageError
from privacy.keys import Keyring
from privacy.policy import Policy
from privacy.receipts import Deed, Receipt, Rows
from privacy.source_plan import SourcePlan
from privacy.world import World
from stores.actor import acting
from stores.ledger import Ledger, open_ledger
from stores.ledger.plans import Plan
from stores.opening import open_source, open_source_for_deletion, open_warehouse
from stores.settings import Settings
from stores.source_deletion import Deleted, delete_rows
from stores.warehouse import Warehouse
from tasks.exclusive import exclusively
from tasks.extraction import LISTENER
from tasks.plan_retention import KIND, world_of
from tasks.plan_source import plan_source, unanswered
from tasks.publication import new_run_id
from tasks.standing import check_standing, unfinished


@dataclass(frozen=True)
class Done:
    """What was deleted."""

    plan_hash: str
    as_of: datetime.date
    tables: Mapping[str, Rows]
    receipt: Receipt

    def as_json(self) -> dict[str, Any]:
        """Give it as `sluis retention apply --output json` does."""
        return {
            "plan_hash": self.plan_hash,
            "as_of": self.as_of.isoformat(),
            "source": {name: vars(rows) for name, rows in self.tables.items()},
            "receipt_id": self.receipt.receipt_id,
            "warnings": [],
        }


def delete_in_source(settings: Settings, plan_hash: str) -> Done:
    """Carry out a plan; every refusal comes before the source is opened for writing."""
    now = datetime.datetime.now(datetime.UTC)
    world, keyring = world_of(settings, None, now)
    _refuse_open_questions(world)
    ledger = open_ledger(settings.ledger)
    saved = _planned(ledger, plan_hash, world.today)
    _refuse_without_approvals(ledger, saved, world.policy.approvals.source_deletion)
    world, keyring = world_of(settings, datetime.date.fromisoformat(saved.scope["as_of"]), now)
    run_id, warehouse = new_run_id(now), open_warehouse(settings.warehouse)
    with (
        exclusively(warehouse, ledger, run_id, acting(os.environ)),
        open_source_for_deletion(settings.source, _decided_by(world.policy)) as source,
    ):
        _refuse_beside_another_state(warehouse, ledger, keyring)
        plan = plan_source(open_source(settings.source), world, keyring.subjects(), ledger)
        if plan.hash != plan_hash:
            raise StalePlanError(
                "The source, the policy, the keys or what is protected changed since this plan was made: other rows "
                "would go now.\n  Make a new plan with `sluis retention plan`, and have it approved."
            )
        keys = {name: world.policy.tables[name] for name in plan.tables}
        doomed = {
            name: (table.source_of(table.primary_key), plan.doomed[name])
            for name, table in keys.items()
            if len(plan.doomed[name])
        }
        ledger.lock.refuse_if_lost(run_id)
        deleted: Deleted = {}
        try:
            delete_rows(source, doomed, deleted, LISTENER.get())
        except Exception:
            with suppress(Exception):  # what stopped the deletion is told, not what kept its receipt from being written
                if deleted:
                    _receipt(ledger, keyring, world, run_id, plan, deleted)
            raise
    receipt = _receipt(ledger, keyring, world, run_id, plan, deleted)
    ledger.plans.applied(plan_hash, now)
    return Done(plan_hash, world.as_of, _rows(plan, deleted), receipt)


def _decided_by(policy: Policy) -> list[str]:
    """Name the source's tables that a plan is made of: those of the policy, of requests and of holds."""
    tables = [name for name, table in policy.tables.items() if not table.derived]
    return [*tables, *(table.source for table in (policy.requests.table, policy.holds) if table)]


def _refuse_open_questions(world: World) -> None:
    if world.policy.source is None:
        raise PolicyError(
            f"{world.policy.file}: it has no section source, so that nothing may be deleted there.\n"
            "  Say under source how long the rows of each table must stay; see docs/policy.md."
        )
    if question := unanswered(world.policy):
        raise PolicyError(f"{question}.\n  Until then nothing is deleted in the source.")


def _planned(ledger: Ledger, plan_hash: str, today: datetime.date) -> Plan:
    plan = ledger.plans.get(plan_hash)
    if plan.kind != KIND:
        raise UsageError("This is no plan of a deletion in the source; `sluis retention plan` makes one.")
    if plan.applied_at:
        raise UsageError("This plan has been carried out already; `sluis retention plan` makes a new one.")
    if datetime.date.fromisoformat(plan.scope["as_of"]) > today:
        raise UsageError(
            "This plan is of a day to come, on which more may be deleted than today.\n"
            "  Plan without --as-of, or wait for that day."
        )
    return plan


def _refuse_without_approvals(ledger: Ledger, plan: Plan, needed: int) -> None:
    given = {approval.actor for approval in ledger.plans.approvals(plan.plan_hash)} - {plan.actor}
    if len(given) < needed:
        raise ApprovalError(
            f"The deletion in the source needs {needed} approvals by others than whoever planned it, and has "
            f"{len(given)}.\n  Let somebody else run `sluis approve --plan {plan.plan_hash}`."
        )


def _refuse_beside_another_state(warehouse: Warehouse, ledger: Ledger, keyring: Keyring) -> None:
    """Refuse a ledger that was put back: it may not know of whom or what is protected by now."""
    check_standing(warehouse, ledger, keyring)
    if unfinished(warehouse, ledger):
        raise StandingError("A run was killed between its publish and its end.\n  `sluis run` finishes it; then apply.")


def _rows(plan: SourcePlan, deleted: Deleted) -> dict[str, Rows]:
    return {
        name: Rows(table.rows, deleted.get(name, 0), table.rows - deleted.get(name, 0))
        for name, table in plan.tables.items()
    }


def _receipt(
    ledger: Ledger, keyring: Keyring, world: World, run_id: str, plan: SourcePlan, deleted: Deleted
) -> Receipt:
    left = sum(table.deletable_now for table in plan.tables.values()) - sum(deleted.values())
    at = datetime.datetime.now(datetime.UTC)
    deed = Deed(
        "source_deletion",
        at,
        run_id,
        world.policy.digest,
        tables=_rows(plan, deleted),
        proof={"planned_and_left": left},
    )
    return ledger.receipts.append(deed, keyring.receipts())
