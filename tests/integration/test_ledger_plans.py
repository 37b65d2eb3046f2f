"""Plans in the ledger, on SQLite and PostgreSQL: kept by hash, approved by somebody else."""

from __future__ import annotations

import pytest

from privacy.errors import ApprovalError, StalePlanError, UsageError
from stores.ledger import Ledger
from stores.ledger.plans import Approval
from tests.requested import LATER, NOW

HASH = "a" * 64
SCOPE = {"requests": ["0f", "1e"], "tables": {"orders": {"delete": 12}}, "as_of": "2026-11-22"}


def saved(ledger: Ledger) -> None:
    ledger.plans.save(HASH, "erasure", SCOPE, "anna", NOW)


def test_a_plan_is_read_as_it_was_saved(ledger: Ledger) -> None:
    saved(ledger)

    plan = ledger.plans.get(HASH)

    assert (plan.kind, plan.scope, plan.actor, plan.made_at, plan.applied_at) == ("erasure", SCOPE, "anna", NOW, None)
    assert ledger.plans.approvals(HASH) == ()


def test_a_plan_made_again_stays_whose_it_was_with_its_approvals(ledger: Ledger) -> None:
    saved(ledger)
    ledger.plans.approve(HASH, "bert", "stated", NOW)

    ledger.plans.save(HASH, "erasure", SCOPE, "carl", LATER)

    assert (ledger.plans.get(HASH).actor, ledger.plans.get(HASH).made_at) == ("anna", NOW)
    assert len(ledger.plans.approvals(HASH)) == 1


def test_others_approve_each_once(ledger: Ledger) -> None:
    saved(ledger)

    assert ledger.plans.approve(HASH, "carl", "operating_system", NOW)
    assert ledger.plans.approve(HASH, "bert", "stated", LATER)
    assert not ledger.plans.approve(HASH, "carl", "stated", LATER)

    assert ledger.plans.approvals(HASH) == (
        Approval("carl", "operating_system", NOW),
        Approval("bert", "stated", LATER),
    )


def test_nobody_approves_a_plan_of_their_own(ledger: Ledger) -> None:
    saved(ledger)

    with pytest.raises(ApprovalError, match="cannot approve it") as refused:
        ledger.plans.approve(HASH, "anna", "stated", NOW)

    assert (refused.value.code, refused.value.kind) == (5, "approval")
    assert ledger.plans.approvals(HASH) == ()


def test_a_plan_is_applied_once_and_not_approved_afterwards(ledger: Ledger) -> None:
    saved(ledger)
    ledger.plans.applied(HASH, NOW)
    ledger.plans.applied(HASH, LATER)

    with pytest.raises(StalePlanError, match="applied already") as refused:
        ledger.plans.approve(HASH, "bert", "stated", LATER)

    assert (refused.value.code, refused.value.kind) == (5, "stale")
    assert ledger.plans.get(HASH).applied_at == NOW


@pytest.mark.parametrize("step", ["get", "approve", "applied"])
def test_an_unknown_plan_is_refused(ledger: Ledger, step: str) -> None:
    saved(ledger)
    steps = {
        "get": lambda: ledger.plans.get("b" * 64),
        "approve": lambda: ledger.plans.approve(HASH[:12], "bert", "stated", NOW),
        "applied": lambda: ledger.plans.applied("b" * 64, NOW),
    }

    with pytest.raises(UsageError, match="no plan with this hash; write it in full") as refused:
        steps[step]()

    assert refused.value.code == 2
    assert ledger.plans.approvals("b" * 64) == ()
