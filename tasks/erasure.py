"""Erasure on request: register, decide, do. People are found everywhere before anything changes."""

from __future__ import annotations

import datetime
import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from privacy.erasure_plan import ErasurePlan
from privacy.errors import ApprovalError, StalePlanError, StoreError, UsageError
from privacy.evidence import RunRecord
from privacy.keys import Keyring
from privacy.policy import Policy
from privacy.policy_rights import Right
from privacy.requests import SUPPRESSING, due
from privacy.world import local_date
from stores.actor import acting
from stores.ledger import Ledger, open_ledger
from stores.ledger.request import NewRequest, Request
from stores.opening import open_warehouse
from stores.settings import Settings
from stores.warehouse import Published, Suppressed, Warehouse
from tasks.case_number import case_number
from tasks.chamber import read_rules
from tasks.exclusive import exclusively
from tasks.extraction import Extraction
from tasks.held_back import FATES, doomed, refuse_unkeyed
from tasks.kept_in_source import kept_in_source
from tasks.opened import opened
from tasks.people import add_closure, search_source
from tasks.publication import Publication, new_run_id
from tasks.remains import Decision, publish_remains, removed_by
from tasks.requests_intake import suppressing
from tasks.search import follow_in_warehouse, refuse_unknown, source_if_there
from tasks.standing import check_standing
from tasks.subject_file import read_people

WAITING = ("registered", "decided")
"""States of requests that have not been applied yet."""


def register(settings: Settings, right: Right, reference: str, people_text: str) -> dict[str, Any]:
    """Register a request by command; UsageError where it cannot be, and nothing is changed."""
    policy, keyring, warehouse, ledger = opened(settings)
    people = read_people(people_text, policy, keyring.subjects())
    reference = case_number(reference, "--reference", "request")
    if ledger.requests.known([reference]):
        raise UsageError("--reference: another request has it. Nothing was changed.")
    with source_if_there(settings, policy, keyring) as there:
        refuse_unknown(people, keyring, there.extraction, warehouse)
        now = datetime.datetime.now(datetime.UTC)
        due_on = due(now, policy.requests.term, policy.time_zone)
        asked = NewRequest(reference, right, "command", now, due_on, tuple(people))
        ledger.requests.register([asked], acting(os.environ).name, now)
        request = ledger.requests.get(reference)
        _close(ledger, keyring, there.extraction, warehouse, [request])
        if right != "erasure":
            ledger.requests.decide([request.request_id], now)
    return as_json(ledger.requests.get(request.reference))


def end_request(settings: Settings, right: Right, reference: str) -> dict[str, Any]:
    """Lift a restriction, or note that an objection is withdrawn; UsageError where the request is none."""
    ledger = opened(settings).ledger
    if ledger.requests.get(reference).right != right:
        raise UsageError(f"This request is no {right}. Nothing was changed.")
    ledger.requests.lift(reference, datetime.datetime.now(datetime.UTC))
    return as_json(ledger.requests.get(reference))


def plan_erasure(settings: Settings, reference: str | None, as_of: datetime.date | None) -> ErasurePlan:
    """Decide what applying waiting requests (or one of them) would do, and keep the plan in the ledger."""
    policy, keyring = read_rules(settings)
    warehouse, ledger = open_warehouse(settings.warehouse), open_ledger(settings.ledger)
    now = datetime.datetime.now(datetime.UTC)
    run_id, actor = new_run_id(now), acting(os.environ)
    with (
        exclusively(warehouse, ledger, run_id, actor),
        source_if_there(settings, policy, keyring, as_of) as there,
    ):
        check_standing(warehouse, ledger, keyring)
        requests = _waiting(ledger, reference)
        _close(ledger, keyring, there.extraction, warehouse, requests)
        day = as_of or local_date(now, policy.time_zone)
        plan = _decide(policy, ledger, warehouse, requests, day, run_id)
        plan = replace(plan, source=kept_in_source(there, ledger, requests))
        scope = {"requests": [request.reference for request in requests], "as_of": day.isoformat()}
        ledger.plans.save(plan.hash, "erasure", scope, actor.name, now)
    return plan


def apply_erasure(settings: Settings, plan_hash: str) -> RunRecord:
    """Apply a plan: whoever it names leaves the warehouse in one publish; only ledger and warehouse are needed."""
    policy, _ = read_rules(settings)
    plan = open_ledger(settings.ledger).plans.get(plan_hash)
    if plan.kind != "erasure":
        raise UsageError("--plan: this plan is not one of an erasure.")
    if plan.applied_at:
        raise StalePlanError("plan: it was applied already. Make a new one with `sluis erase plan`.")
    as_of = datetime.date.fromisoformat(plan.scope["as_of"])
    planned = _AsPlanned(policy, plan_hash, plan.scope["requests"], as_of)
    record = publish_remains(settings, "erasure", acting(os.environ), as_of, planned)
    open_ledger(settings.ledger).plans.applied(plan_hash, datetime.datetime.now(datetime.UTC))
    return record


@dataclass(frozen=True)
class _AsPlanned(Decision):
    """Whom a plan names leaves with those who are held back already, if it is what was planned."""

    policy: Policy
    plan_hash: str
    references: Sequence[str]
    as_of: datetime.date

    def whom(self, publication: Publication, published: Published) -> list[Suppressed]:
        """Name both, before the ledger holds anybody back by the plan."""
        requests = self._requests(publication.ledger)
        if any(request.state not in WAITING for request in requests):
            raise StalePlanError("plan: a request of it is applied or over. Make a new one with `sluis erase plan`.")
        return [*super().whom(publication, published), *as_suppressed(publication.ledger, requests, published)]

    def agree(self, publication: Publication, published: Published, removed: Mapping[str, int]) -> None:
        """Decide the requests, unless what leaves is not what was planned, or was not approved."""
        ledger = publication.ledger
        requests = self._requests(ledger)
        now_planned = _planned(self.policy, ledger, published, requests, self.as_of, removed)
        if now_planned.hash != self.plan_hash:
            raise StalePlanError(
                "plan: the warehouse, the policy or who is held back has changed since. Nothing was done.\n"
                "  Make a new one with `sluis erase plan`."
            )
        _refuse_unapproved(ledger, self.plan_hash, requests, now_planned.approvals_needed)
        now = datetime.datetime.now(datetime.UTC)
        ledger.requests.decide([r.request_id for r in requests if r.state == "registered"], now)

    def _requests(self, ledger: Ledger) -> list[Request]:
        return [ledger.requests.get(reference) for reference in self.references]


def all_requests(settings: Settings) -> list[dict[str, Any]]:
    """Give all requests as commands show them."""
    return [as_json(request) for request in opened(settings).ledger.requests.list()]


def as_json(request: Request) -> dict[str, Any]:
    """Give a request as commands show it: never whom it names."""
    return {
        "reference": request.reference,
        "right": request.right,
        "origin": request.origin,
        "state": request.state,
        "people": request.subjects,
        "received_at": request.received_at.isoformat(),
        "due_on": request.due_on.isoformat(),
        "applied_at": request.applied_at and request.applied_at.isoformat(),
        "run_id": request.run_id,
        "receipt_id": request.receipt_id,
    }


def _waiting(ledger: Ledger, reference: str | None) -> list[Request]:
    if reference is None:
        requests = suppressing(ledger, *WAITING)
        if not requests:
            raise UsageError("No request waits to be applied. `sluis erase list` shows all.")
        return requests
    request = ledger.requests.get(reference)
    if request.right not in SUPPRESSING or request.state not in WAITING:
        raise UsageError(f"This request for {request.right} is {request.state}; there is nothing to apply.")
    return [request]


def _close(
    ledger: Ledger, keyring: Keyring, extraction: Extraction | None, warehouse: Warehouse, requests: Sequence[Request]
) -> None:
    """Find what else names the people of requests, wherever that can be looked for now.

    In the source anew until they are decided: rows may have changed since they were registered.
    """
    unsearched = [request for request in requests if not request.closed]
    if extraction:
        undecided = [request for request in requests if request.state == "registered" or request in unsearched]
        search_source(extraction, ledger, keyring.subjects(), undecided)
    elif unsearched and (published := warehouse.published()):
        ids = [request.request_id for request in unsearched]
        follow = functools.partial(follow_in_warehouse, warehouse)
        add_closure(ledger, ids, follow, published.index_epoch, "warehouse")


def _decide(
    policy: Policy, ledger: Ledger, warehouse: Warehouse, requests: Sequence[Request], as_of: datetime.date, run_id: str
) -> ErasurePlan:
    """Count what would leave the warehouse, without touching it."""
    published = warehouse.published()
    if published is None:
        raise StoreError("warehouse: nothing is published yet, so nothing can leave it.\n  Run `sluis run` first.")
    with warehouse.remains(run_id) as remains:
        remains.doom(policy, [*doomed(ledger, published), *as_suppressed(ledger, requests, published)], as_of)
        return _planned(policy, ledger, published, requests, as_of, removed_by(remains.counts()))


def _planned(
    policy: Policy,
    ledger: Ledger,
    published: Published,
    requests: Sequence[Request],
    as_of: datetime.date,
    delete: Mapping[str, int],
) -> ErasurePlan:
    """Say what is planned where so many rows leave each published table."""
    people = sum(request.subjects for request in requests if request.state == "registered")
    return ErasurePlan(
        requests=tuple(request.reference for request in requests),
        people=people,
        approvals_needed=policy.approvals.erasure if people > policy.requests.apply_at_most else 0,
        warehouse_run=published.run_id,
        suppressions=ledger.suppressions.digest(),
        policy_digest=policy.digest,
        as_of=as_of,
        delete=delete,
        source=None,
    )


def as_suppressed(ledger: Ledger, requests: Sequence[Request], published: Published) -> list[Suppressed]:
    """Give whom requests name as if they were held back already."""
    named = ledger.requests.identifiers(request.request_id for request in requests)
    refuse_unkeyed(
        (
            ((request.request_id, subject), one.epoch)
            for request in requests
            if request.state == "registered"
            for subject, person in named.get(request.request_id, {}).items()
            for one in person
        ),
        published,
    )
    return [
        Suppressed(FATES[SUPPRESSING[request.right]], one.identifies, bytes.fromhex(one.mac))
        for request in requests
        for person in named.get(request.request_id, {}).values()
        for one in person
        if one.epoch == published.index_epoch
    ]


def _refuse_unapproved(ledger: Ledger, plan_hash: str, requests: Sequence[Request], needed: int) -> None:
    """Refuse a plan that too few others than those who asked have approved."""
    asked = {request.actor.casefold() for request in requests if request.origin == "command"}
    given = {approval.actor.casefold() for approval in ledger.plans.approvals(plan_hash)} - asked
    if len(given) < needed:
        raise ApprovalError(
            f"plan: {needed} approvals by others than those who asked are needed, and {len(given)} given. Nothing was "
            f"changed.\n  Let somebody else run `sluis approve --plan {plan_hash}`."
        )
