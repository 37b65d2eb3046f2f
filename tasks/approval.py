"""Approvals of plans, by others than those who made them."""

from __future__ import annotations

import datetime
from typing import Any

from stores.actor import Actor
from stores.settings import Settings
from tasks.opened import opened


def approve_plan(settings: Settings, plan_hash: str, actor: Actor, now: datetime.datetime) -> dict[str, Any]:
    """Note that somebody approves a plan; tell by whom it is approved now."""
    ledger = opened(settings).ledger
    ledger.plans.approve(plan_hash, actor.name, actor.basis, now)
    approvals = ledger.plans.approvals(plan_hash)
    return {"plan_hash": plan_hash, "approved_by": [f"{one.actor} ({one.basis})" for one in approvals]}
