"""Legal holds by command: placed on records that the source has, told, and released."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from expectations.source import find_drift, refuse_drift
from privacy.errors import UsageError
from privacy.holds import Period
from privacy.keys import Keyring, SubjectKeys
from privacy.policy import Policy
from privacy.policy_file import read_policy
from privacy.records import Record, records_of
from privacy.world import World, local_date
from stores.actor import acting
from stores.keyring_file import read_keyring
from stores.ledger import look_at_ledger, open_ledger
from stores.opening import open_source
from stores.settings import VARIABLES, database_url, read_text, require
from tasks.case_number import case_number
from tasks.extraction import LISTENER, Extraction
from tasks.record_file import NamedRecords, read_records, refuse_lines
from tasks.records_around import Keys, around, present

MEANS = (
    "The records may not be deleted in the source while the hold lasts.",
    "In analytics they stay beyond their time only where the policy says while_held: stay of their table.",
    "Whoever is erased, restricted or objects is out of analytics all the same.",
)
"""What a hold does and does not do."""


def place_hold(
    text: str, matter: str, first: datetime.date | None, last: datetime.date | None, with_evidence: bool
) -> dict[str, Any]:
    """Place a hold on the records of a record file, and on those around them if that is asked for."""
    require(os.environ, "source", "ledger", "policy", "keyring")
    matter, (policy, keyring) = case_number(matter, "--matter", "procedure"), _rules()
    now = datetime.datetime.now(datetime.UTC)
    period = _period(first, last, local_date(now, policy.time_zone))
    named = read_records(text, policy)
    wanted = {table: records.keys.unique() for table, records in named.items()}
    with _source(policy, keyring, now) as extraction:
        _refuse_missing(named, present(extraction, wanted))
        evidence = around(extraction, wanted)
    chosen = [wanted, evidence] if with_evidence else [wanted]
    records = [record for keys in chosen for record in _records(keys, keyring.subjects())]
    ledger = open_ledger(database_url("ledger", os.environ))
    placed = ledger.holds.add(matter, records, period, acting(os.environ).name, now)
    return {
        "matter": matter,
        "held_from": period.first.isoformat(),
        "held_until": period.last and period.last.isoformat(),
        "placed": dict(placed.placed),
        "already_held": dict(placed.already),
        "evidence": {table: len(keys) for table, keys in evidence.items()},
        "with_evidence": with_evidence,
        "means": list(MEANS),
    }


def release_hold(text: str | None, matter: str) -> dict[str, Any]:
    """Release what commands hold for a matter, or only the records of a record file; the source is not asked."""
    require(os.environ, "ledger", *(() if text is None else ("policy", "keyring")))
    matter, records = case_number(matter, "--matter", "procedure"), None
    if text is not None:
        policy, keyring = _rules()
        keys = {table: found.keys.unique() for table, found in read_records(text, policy).items()}
        records = list(_records(keys, keyring.subjects()))
    holds = open_ledger(database_url("ledger", os.environ)).holds
    released = holds.release(matter, records, datetime.datetime.now(datetime.UTC))
    left = [told for told in holds.list() if told["matter"] == matter and told["released_at"] is None]
    in_source = [told for told in left if told["origin"] == "source"]
    if not released:
        way_out = (
            "It stands in the shop's own table: end it there, and the next run releases it."
            if in_source
            else "See `sluis hold list`."
        )
        raise UsageError(f"hold: no command holds such a record for this matter. Nothing was changed.\n  {way_out}")
    return {"matter": matter, "released": dict(released), "left": _by_table(left)}


def list_holds() -> dict[str, Any]:
    """Tell all holds there ever were; neither source nor keys are needed. The policy says in which zone days begin."""
    require(os.environ, "ledger", "policy")
    ledger = look_at_ledger(database_url("ledger", os.environ))
    today = local_date(datetime.datetime.now(datetime.UTC), _policy().time_zone)
    return {"holds": [_told(hold, today) for hold in (ledger.holds.list() if ledger else ())]}


def _rules() -> tuple[Policy, Keyring]:
    return _policy(), read_keyring(Path(os.environ[VARIABLES["keyring"]]))


def _policy() -> Policy:
    path = os.environ[VARIABLES["policy"]]
    return read_policy(read_text(path, "policy"), path)


def _period(first: datetime.date | None, last: datetime.date | None, today: datetime.date) -> Period:
    period = Period(first or today, last)
    if last and last < max(period.first, today):
        raise UsageError("--until is the last day of the hold; it cannot lie before --from or before today.")
    return period


@contextmanager
def _source(policy: Policy, keyring: Keyring, now: datetime.datetime) -> Iterator[Extraction]:
    """Read the source; what is new in it is no reason to let evidence go."""
    source = open_source(database_url("source", os.environ))
    refuse_drift(policy, [drift for drift in find_drift(policy, source.schema()) if not drift.kind.startswith("new_")])
    world = World(policy, keyring.analytics(), local_date(now, policy.time_zone), now)
    with source.snapshot() as snapshot:
        yield Extraction(world, snapshot, LISTENER.get())


def _refuse_missing(named: Mapping[str, NamedRecords], there: Keys) -> None:
    missing = [
        (line, "names a record that the source does not have")
        for table, records in named.items()
        for line, known in zip(records.lines, pc.is_in(records.keys, value_set=there[table]).to_pylist(), strict=True)
        if not known
    ]
    if missing:
        refuse_lines(missing)


def _records(keys: Keys, root: SubjectKeys) -> Iterator[Record]:
    for table, some in keys.items():
        yield from filter(None, records_of(table, some, root))


def _by_table(holds: list[dict[str, Any]]) -> dict[str, int]:
    tables: dict[str, int] = {}
    for hold in holds:
        for table, records in hold["tables"].items():
            tables[table] = tables.get(table, 0) + records
    return tables


def _told(hold: dict[str, Any], today: datetime.date) -> dict[str, Any]:
    period = Period(hold["held_from"], hold["held_until"])
    open_state = "active" if period.covers(today) else "to come" if today < period.first else "over"
    days = {name: hold[name] and hold[name].isoformat() for name in ("held_from", "held_until", "released_at")}
    return {**hold, **days, "state": "released" if hold["released_at"] else open_state}
