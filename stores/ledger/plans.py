"""Plans in the ledger: what cannot be undone is decided first, by hash, and approved by somebody else."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa

from privacy.errors import ApprovalError, StalePlanError, UsageError
from stores.ledger.access import reading, writing
from stores.ledger.schema import APPROVAL, PLAN


@dataclass(frozen=True)
class Plan:
    """What was planned: ids, counts, days."""

    plan_hash: str
    kind: str
    made_at: datetime.datetime
    actor: str
    scope: Mapping[str, Any]
    applied_at: datetime.datetime | None


@dataclass(frozen=True)
class Approval:
    """Somebody's word for a plan, and how that somebody is known."""

    actor: str
    basis: str
    at: datetime.datetime


class Plans:
    """Plans and their approvals."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def save(self, plan_hash: str, kind: str, scope: Mapping[str, Any], actor: str, now: datetime.datetime) -> None:
        """Keep a plan; one that is kept already stays whose it is, with its approvals."""
        row = {"plan_hash": plan_hash, "kind": kind, "made_at": now, "actor": actor, "scope": dict(scope)}
        with writing(self._engine) as connection:
            if _find(connection, plan_hash) is None:
                connection.execute(sa.insert(PLAN).values(row))

    def get(self, plan_hash: str) -> Plan:
        """Give a plan; UsageError where there is none."""
        with reading(self._engine) as connection:
            return _one(connection, plan_hash)

    def approve(self, plan_hash: str, actor: str, basis: str, now: datetime.datetime) -> bool:
        """Note that somebody other than its maker approves a plan; False where they had done so before.

        Spelt with other capitals, a name is the same name: people type it into forms.
        """
        with writing(self._engine) as connection:
            plan = _one(connection, plan_hash)
            if plan.actor.casefold() == actor.casefold():
                raise ApprovalError("Whoever made a plan cannot approve it.\n  Let somebody else run `sluis approve`.")
            if plan.applied_at:
                raise StalePlanError("This plan has been applied already; there is nothing left to approve.")
            if any(approval.actor.casefold() == actor.casefold() for approval in _approvals(connection, plan_hash)):
                return False
            connection.execute(sa.insert(APPROVAL).values(plan_hash=plan_hash, actor=actor, basis=basis, at=now))
            return True

    def approvals(self, plan_hash: str) -> tuple[Approval, ...]:
        """Give who approved a plan, the first first."""
        with reading(self._engine) as connection:
            return _approvals(connection, plan_hash)

    def applied(self, plan_hash: str, now: datetime.datetime) -> None:
        """Note that a plan was carried out; of a second time nothing is noted."""
        with writing(self._engine) as connection:
            if not _one(connection, plan_hash).applied_at:
                connection.execute(sa.update(PLAN).where(PLAN.c.plan_hash == plan_hash).values(applied_at=now))


def _find(connection: sa.Connection, plan_hash: str) -> Plan | None:
    query = sa.select(*(PLAN.c[field.name] for field in fields(Plan))).where(PLAN.c.plan_hash == plan_hash)
    row = connection.execute(query).first()
    return Plan(*row) if row else None


def _one(connection: sa.Connection, plan_hash: str) -> Plan:
    plan = _find(connection, plan_hash)
    if plan is None:
        raise UsageError("The ledger has no plan with this hash; write it in full, as it was told when planned.")
    return plan


def _approvals(connection: sa.Connection, plan_hash: str) -> tuple[Approval, ...]:
    query = sa.select(*(APPROVAL.c[field.name] for field in fields(Approval)))
    found = connection.execute(query.where(APPROVAL.c.plan_hash == plan_hash).order_by(APPROVAL.c.at))
    return tuple(Approval(*row) for row in found)
