"""What must be published after each step, said a second time in plain Python: no code of the software is asked.

Tokens and MACs are symbols here: which value of which domain, under which epoch, and after which erasure. A history
checks that each symbol is one and the same UUID for as long as it lasts, and that no UUID stands for two of them.
"""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from tests.histories.shop import TABLES, Row, whose
from tests.independent_tokens import canonical

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
HAPPENED = {"buyer": "joined_at", "sale": "sold_at", "guest": "sold_at"}
KEPT_FOR = {"buyer": 24, "sale": 18, "guest": 18, "letter": 12}
CLOCK = {"buyer": "joined_at", "sale": "sold_at", "guest": "sold_at", "letter": "sent_at"}
ORDER = ("erased", "restricted", "objected", "expired", "quarantined", "published")
HOLDING_BACK = {"erasure": "erased", "restriction": "restricted", "objection": "objected"}
SET_ASIDE = "quarantined"

Who = tuple[str, Any]
Token = tuple[int, str, Any, str | None]
"""Epoch of the root analytics, domain, value, and the erasure after which it is of somebody new."""


@dataclass(frozen=True)
class Request:
    """A request as the ledger knows it."""

    reference: str
    right: str
    people: tuple[frozenset[Who], ...]
    """Each with all that names them."""
    state: str = "registered"
    since: datetime.datetime | None = None
    lifted: bool = False

    @property
    def everybody(self) -> frozenset[Who]:
        return frozenset().union(*self.people)

    @property
    def holds_back(self) -> bool:
        return self.since is not None and not self.lifted


@dataclass(frozen=True)
class Kept:
    """A row in the warehouse, published or set aside."""

    table: str
    nr: int
    who: Who | None
    key: Token
    links: Mapping[str, Token | None]
    """Its other columns of tokens."""
    month: str | None
    expires: datetime.date | None
    after: str | None = None
    """The erasure after which it happened, of somebody who came back."""
    account: Any = None
    email: str | None = None


@dataclass(frozen=True)
class State:
    """What the warehouse consists of."""

    published: Mapping[tuple[str, int], Kept] = field(default_factory=dict)
    aside: tuple[Kept, ...] = ()
    index_epoch: int = 1
    analytics_epoch: int = 1

    def of(self, table: str) -> list[Kept]:
        return [row for (name, _), row in self.published.items() if name == table]


class Rules:
    """Who is held back, when, as of which day: what decides about rows."""

    def __init__(self, requests: Iterable[Request], as_of: datetime.date, now: datetime.datetime) -> None:
        self.as_of, self.now = as_of, now
        self.today = now.astimezone(AMSTERDAM).date()
        self.live = [request for request in requests if request.holds_back]
        self.since = {request.reference: request.since for request in self.live}

    def naming(self, who: Who | None, kind: str) -> list[tuple[Request, str]]:
        """Give the requests of a kind that name somebody, each with the name of that erasure of that person."""
        return [
            (request, f"{request.reference}/{number}")
            for request in self.live
            if HOLDING_BACK[request.right] == kind
            for number, person in enumerate(request.people)
            if who in person
        ]

    def held_back(self, who: Who | None, happened: datetime.datetime | None) -> str | None:
        """Give the fate of a row of the source by whose it is."""
        for request, _ in self.naming(who, "erased"):
            assert request.since
            if happened is None or happened <= request.since:
                return "erased"
        return next((kind for kind in ("restricted", "objected") if self.naming(who, kind)), None)

    def came_back_after(self, who: Who | None) -> str | None:
        """Name the latest erasure of somebody."""
        erasures = self.naming(who, "erased")
        return max(erasures, key=lambda found: found[0].since)[1] if erasures else None  # type: ignore[arg-type,return-value]

    def must_leave(self, row: Kept) -> str | None:
        """Give the fate of a published row by whose it is: what is in the file was read before the erasure."""
        for request, _ in self.naming(row.who, "erased"):
            assert request.since
            after = row.after and self.since.get(row.after.rpartition("/")[0])
            if after is None or after < request.since:
                return "erased"
        return next((kind for kind in ("restricted", "objected") if self.naming(row.who, kind)), None)


def refreshed(
    rows: Mapping[str, Mapping[int, Row]], rules: Rules, epochs: tuple[int, int]
) -> tuple[State, dict[str, Counter[str]]]:
    """Give what a run makes of a source: `epochs` are the newest of analytics and of tombstones."""
    analytics, tombstones = epochs
    fates: dict[str, dict[int, str]] = {}
    expires: dict[str, dict[int, datetime.date | None]] = {}
    made: dict[str, dict[int, Kept]] = {}
    held = {row["rec"] for row in rows["dispute"].values() if _covers(row, rules.as_of)}
    guests: defaultdict[Token, list[tuple[str, Kept]]] = defaultdict(list)
    for table in TABLES:
        fates[table], expires[table], made[table] = {}, {}, {}
        for key, row in rows[table].items():
            absent = _first_absent(table, row, rows, rules, expires)
            fate = _fate(table, row, rules, fates, absent)
            suspended = False
            if table == "sale" and key in held and fate in ("expired", SET_ASIDE, "published"):
                suspended = absent is not None and absent <= rules.as_of
                fate, absent = _fate(table, row, rules, fates, None), None
            fates[table][key], expires[table][key] = fate, absent
            kept = _kept(table, row, rules, analytics, absent, fates, suspended)
            made[table][key] = kept
            if table == "sale" and row["buyer_id"] is None and kept.who:
                guests[_guest_token(kept, rules, row, analytics)].append(_as_guest(kept, row, rules, analytics))
    published = {
        (table, kept.nr): kept
        for table in TABLES
        for key, kept in made[table].items()
        if fates[table][key] == "published"
    }
    aside = [kept for table in TABLES for key, kept in made[table].items() if fates[table][key] == SET_ASIDE]
    counts = {table: Counter(fates[table].values()) for table in TABLES}
    counts["guest"] = Counter()
    for group in guests.values():
        best = "published" if any(f == "published" for f, _ in group) else min((f for f, _ in group), key=ORDER.index)
        counts["guest"][best] += 1
        if best == "published":
            shown = [kept for f, kept in group if f == "published"]
            one = min(shown, key=lambda kept: kept.nr)
            latest = max((kept.expires for kept in shown if kept.expires), default=None)
            month = min(kept.month for kept in shown if kept.month)
            published["guest", one.nr] = replace(one, expires=latest, month=month)
        elif best == SET_ASIDE:
            aside += [kept for _, kept in group]
    return State(published, tuple(aside), tombstones, analytics), counts


def remaining(before: State, rules: Rules) -> tuple[State, dict[str, Counter[str]]]:
    """Give what is left of a warehouse when those held back and what has expired leave it; the source is not asked."""
    gone: dict[str, dict[Token, str]] = defaultdict(dict)
    gone_aside: dict[str, dict[Token, str]] = defaultdict(dict)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for table in ("buyer", "guest", *TABLES[1:]):
        for row in before.of(table):
            if fate := _leaving(row, rules, gone):
                gone[table][row.key] = fate
                counts[table][fate] += 1
        for row in before.aside:
            if row.table == table and (fate := _leaving(row, rules, gone, gone_aside)):
                gone_aside[table][row.key] = fate
    left = {place: _unlinked(row, gone) for place, row in before.published.items() if row.key not in gone[row.table]}
    aside = [_unlinked(row, gone, gone_aside) for row in before.aside if not _leaving(row, rules, gone, gone_aside)]
    return replace(before, published=left, aside=tuple(aside)), counts


def _leaving(row: Kept, rules: Rules, *gone: Mapping[str, Mapping[Token, str]]) -> str | None:
    found = [rules.must_leave(row)] if row.table != "line" else []
    if row.table == "line":
        found += [one["sale"].get(row.links["sale_id"]) for one in gone]  # type: ignore[arg-type]
    if row.expires and row.expires <= rules.as_of:
        found.append("expired")
    return min(filter(None, found), key=ORDER.index, default=None)


TARGETS = {"buyer_id": "buyer", "guest_id": "guest", "sale_id": "sale"}


def _unlinked(row: Kept, *gone: Mapping[str, Mapping[Token, str]]) -> Kept:
    links = {
        column: None if any(token in one[TARGETS[column]] for one in gone) else token
        for column, token in row.links.items()
    }
    return replace(row, links=links)


def _fate(
    table: str, row: Row, rules: Rules, fates: Mapping[str, Mapping[int, str]], absent: datetime.date | None
) -> str:
    """Give the fate of a row: of several that apply the first."""
    found = ["published"]
    if table == "line":
        found.append(fates["sale"].get(row["sale_id"], SET_ASIDE))
    else:
        found.append(rules.held_back(whose(table, row), _happened(table, row, rules)) or "published")
        if (event := moment(row[CLOCK[table]])) and event > rules.now:
            found.append(SET_ASIDE)
    if table in ("sale", "letter") and row["buyer_id"] is not None and row["buyer_id"] not in fates["buyer"]:
        found.append(SET_ASIDE)
    if table != "line" and table != "buyer" and row[CLOCK[table]] is None:
        found.append(SET_ASIDE)
    if absent and absent <= rules.as_of:
        found.append("expired")
    return min(found, key=ORDER.index)


def _happened(table: str, row: Row, rules: Rules) -> datetime.datetime | None:
    """Give when a row happened, None where it cannot be told: what is there already did not happen tomorrow."""
    happened = moment(row[HAPPENED[table]]) if table in HAPPENED else None
    return None if happened and happened > rules.now else happened


def _first_absent(
    table: str, row: Row, rows: Mapping[str, Mapping[int, Row]], rules: Rules, expires: Mapping[str, Any]
) -> datetime.date | None:
    if table == "line":
        return expires["sale"].get(row["sale_id"])  # type: ignore[no-any-return]
    events = [moment(row[CLOCK[table]])]
    if table == "buyer":
        sold = [moment(s["sold_at"]) for s in rows["sale"].values() if s["buyer_id"] == row["buyer_id"]]
        events += [at for at in sold if at and at.astimezone(AMSTERDAM).date() <= rules.today]
    known = [at for at in events if at]
    return first_absent(max(known), KEPT_FOR[table]) if known else None


def _kept(
    table: str,
    row: Row,
    rules: Rules,
    analytics: int,
    absent: datetime.date | None,
    fates: Mapping[str, Mapping[int, str]],
    suspended: bool,
) -> Kept:
    who, key = whose(table, row), row[f"{table}_id"]
    after = rules.came_back_after(who) if table in HAPPENED else None
    links: dict[str, Token | None] = {}
    if table in ("sale", "letter"):
        there = row["buyer_id"] is not None and fates["buyer"].get(row["buyer_id"]) in ("published", None)
        links["buyer_id"] = (analytics, "buyer", row["buyer_id"], after) if there else None
    if table == "sale":
        guest = who and row["buyer_id"] is None and not suspended
        links["guest_id"] = (analytics, "guest", who[1], after) if guest and who else None
    if table == "line":
        links["sale_id"] = (analytics, "sale", row["sale_id"], None)
    own = after if table == "buyer" else None
    event = moment(row[CLOCK[table]]) if table in CLOCK else None
    month = event.astimezone(AMSTERDAM).strftime("%Y-%m-01") if event else None
    account, email = row.get("buyer_id"), canonical(row.get("email"), "email")
    return Kept(table, row["nr"], who, (analytics, table, key, own), links, month, absent, after, account, email)


def _guest_token(kept: Kept, rules: Rules, row: Row, analytics: int) -> Token:
    assert kept.who
    erased = rules.held_back(kept.who, _happened("guest", row, rules)) is not None
    return analytics, "guest", kept.who[1], None if erased else kept.after


def _as_guest(kept: Kept, row: Row, rules: Rules, analytics: int) -> tuple[str, Kept]:
    absent = first_absent(at, KEPT_FOR["guest"]) if (at := moment(row["sold_at"])) else None
    fate = _fate("guest", row, rules, {"buyer": {}}, absent)
    key = _guest_token(kept, rules, row, analytics)
    return fate, replace(kept, table="guest", key=key, links={}, expires=absent)


def _covers(hold: Row, day: datetime.date) -> bool:
    return bool(hold["tab"] == "sale" and datetime.date.fromisoformat(hold["since"]) <= day and not hold["until"])


def moment(text: str | None) -> datetime.datetime | None:
    """Read a moment of the shop."""
    return datetime.datetime.fromisoformat(text) if text else None


def first_absent(event: datetime.datetime, months: int) -> datetime.date:
    """Give the first of the month in which a row is absent: it may stay until the event's day plus the months."""
    day = event.astimezone(AMSTERDAM).date()
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    following = datetime.date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    last_kept = min(
        datetime.date(year, month + 1, 1) + datetime.timedelta(days=day.day - 1), following - datetime.timedelta(days=1)
    )
    return (last_kept + datetime.timedelta(days=1)).replace(day=1)


def with_closure(named: Iterable[Who], rows: Mapping[str, Mapping[int, Row]]) -> frozenset[Who]:
    """Give all that names somebody of whom a request names something, by the source."""
    pairs = {
        (row["buyer_id"], canonical(row["email"], "email"))
        for table in ("buyer", "sale")
        for row in rows[table].values()
        if row["buyer_id"] is not None and canonical(row["email"], "email")
    }
    return closure(named, pairs)


def closure(named: Iterable[Who], pairs: Iterable[tuple[Any, Any]]) -> frozenset[Who]:
    """Go from accounts to addresses of theirs alone, and from an address to its account if it is of just one."""
    accounts_of, emails_of = defaultdict(set), defaultdict(set)
    for account, email in pairs:
        accounts_of[email].add(account)
        emails_of[account].add(email)
    found = set(named)
    for kind, value in list(found):
        if kind == "email" and len(accounts_of[value]) == 1:
            found |= {("customer", account) for account in accounts_of[value]}
    accounts = {value for kind, value in found if kind == "customer"}
    found |= {("email", email) for one in accounts for email in emails_of[one] if accounts_of[email] <= accounts}
    return frozenset(found)
