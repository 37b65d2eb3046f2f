"""A history: deeds done at a place, and after each of them what must be so by the model."""

from __future__ import annotations

import copy
import dataclasses
import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from tests.conftest import Place
from tests.histories.deeds import ByFunctions, Deeds, Done, finish
from tests.histories.deeds import done as done_by
from tests.histories.evidence import (
    Seen,
    Symbols,
    ledger_rows,
    live_run,
    look,
    receipts_of,
    request_states,
    run_states,
)
from tests.histories.killing import in_own_process
from tests.histories.model import (
    HAPPENED,
    Request,
    Rules,
    State,
    Who,
    moment,
    refreshed,
    remaining,
    with_closure,
)
from tests.histories.shop import TABLES, Shop, whose
from tests.independent_tokens import canonical

MOST_BY_A_RUN = 3
"""People whom a run takes out by itself, as the policy says."""

OWED, BESIDE = "a replay is owed", "the ledger is older"


@dataclass
class Ledger:
    """What the ledger remembers."""

    requests: dict[str, Request] = field(default_factory=dict)
    receipts: tuple[str, ...] = ()
    """The runs that they are of."""
    known: set[str] = field(default_factory=set)
    """Runs of which it has heard."""
    last: str | None = None
    """The run that was published last."""
    sealed: str | None = None
    """A run that was killed after its publish and before its end, as far as the ledger knows."""
    of_sealed: frozenset[str] = frozenset()
    """The requests that it applied."""


@dataclass
class Live:
    """What is published."""

    run: str
    receipts: tuple[str, ...]
    """Those that the ledger had when it was sealed."""
    state: State


@dataclass
class Backup:
    """A copy of the warehouse and of the ledger of one moment."""

    name: str
    live: Live
    ledger: Ledger


class History:
    """One shop, its warehouse and its ledger, and the model of the three."""

    def __init__(self, place: Place, deeds: Deeds, ungated: bool = False) -> None:
        self.place, self.deeds, self.shop = place, deeds, Shop(place.source)
        self.ungated = ungated
        self.ledger, self.live = Ledger(), _nothing()
        self.symbols = Symbols(place.keyring)
        self.as_of = datetime.date.today()
        self.epochs = {"analytics": 1, "tombstones": 1, "receipts": 1}
        self.backups: list[Backup] = []
        self.asked = 0
        self.facts: dict[int, tuple[Who | None, datetime.datetime | None]] = {}
        """Whose each row of the shop is that a run has ever read, and when what it tells of happened."""
        self.sale_of: dict[int, int] = {}

    def copied(self, place: Place, deeds: Deeds, ungated: bool) -> History:
        """Give the same history at a place to which its files were copied."""
        new = History(place, deeds, ungated)
        for name in ("ledger", "live", "facts", "sale_of", "as_of"):
            setattr(new, name, copy.deepcopy(getattr(self, name)))
        new.symbols.know(self.symbols)
        return new

    # ── deeds ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def run(self) -> None:
        """Run, and publish all that is to be published."""
        if self._refused(lambda: self.deeds.run(self.as_of)):
            return
        state, counts = self._refreshed()
        done = self.deeds.run(self.as_of)
        assert done.code == 0, done
        self.committed(done.told, state, counts)

    def _refreshed(self) -> tuple[State, dict[str, Counter[str]]]:
        """Give what a run makes of the shop now."""
        now, rows = _now(), self.shop.rows()
        self._take_in(now, rows)
        self._note_facts(rows)
        return refreshed(rows, self._rules(now), (self.epochs["analytics"], self.epochs["tombstones"]))

    def _note_facts(self, rows: Any) -> None:
        for table in TABLES:
            for row in rows[table].values():
                happened = moment(row[HAPPENED[table]]) if table in HAPPENED else None
                self.facts.setdefault(row["nr"], (whose(table, row), happened))
                if table == "line":
                    self.sale_of[row["nr"]] = row["sale_id"]

    def _take_in(self, now: datetime.datetime, rows: Any) -> None:
        """Let a run look for and decide what it does by itself."""
        self._decide(now, *self._looked_for_by_a_run(rows))

    def _looked_for_by_a_run(self, rows: Any) -> list[Request]:
        """Let a run find all that names whom it is about to decide on, and give these requests."""
        waiting = [one for one in self.ledger.requests.values() if one.state == "registered" and not one.lifted]
        if sum(len(one.people) for one in waiting) > MOST_BY_A_RUN:
            return []
        self._look_for(waiting, rows)
        return waiting

    def register(self, right: Any, *people: tuple[Who, ...]) -> str:
        """Ask for something for some people: each line of the file names one of them in one way."""
        self.asked += 1
        reference = f"R-{self.asked}"
        text = "\n".join(f"{'buyer_id' if kind == 'customer' else kind} = {value}" for kind, value in people)
        if self._refused(lambda: self.deeds.register(right, reference, text)):
            return reference
        rows = self.shop.rows()
        unknown = [who for who in people if not self._is_known(who, rows)]
        if unknown:
            self.refused(lambda: self.deeds.register(right, reference, text), 2)
            return reference
        now = _now()
        asked = Request(reference, right, tuple(with_closure([who], rows) for who in people))
        self.ledger.requests[reference] = asked
        if right != "erasure":
            self._decide(now, asked)
        done = self.deeds.register(right, reference, text)
        assert done.code == 0, done
        return reference

    def end(self, reference: str) -> None:
        """Lift a restriction, withdraw an objection."""
        request = self.ledger.requests.get(reference)
        right = request.right if request else "restriction"
        if self._refused(lambda: self.deeds.end(right, reference)):
            return
        if request is None or right == "erasure" or request.lifted:
            self.refused(lambda: self.deeds.end(right, reference), 2)
            return
        done = self.deeds.end(right, reference)
        assert done.code == 0, done
        self.ledger.requests[reference] = dataclasses.replace(request, lifted=True, state="lifted")

    def plan(self) -> str | None:
        """Plan what waits; give the hash."""

        def plan() -> Done:
            return self.deeds.plan(self.as_of)

        if self._refused(plan):
            return None
        waiting = self._waiting()
        if not waiting or not self.live.run:
            self.refused(plan, 3 if waiting else 2)
            return None
        self._look_for([one for one in waiting if one.state == "registered"], self.shop.rows())
        done = self._perhaps_unkeyed(plan)
        if done is None:
            return None
        assert done.code == 0, done
        _, counts = self._remaining(*self._waiting())
        told = {name: rows["delete"] for name, rows in done.told["tables"].items()}
        assert told == {f"{table}s": sum(counts[table].values()) for table in (*TABLES, "guest")}, told
        return str(done.told["plan_hash"])

    def apply(self, plan_hash: str | None) -> None:
        """Apply a plan that was just made."""
        if plan_hash is None:
            return
        now, waiting = _now(), self._waiting()
        done = self.deeds.apply(plan_hash)
        if self.live.run == self.ledger.sealed and any(one.state == "decided" for one in waiting):
            assert done.code == 5, f"the killed run is finished first, which applies what was planned: {done}"
            self._heal()
            return
        assert done.code == 0, done
        self._decide(now, *waiting)
        self.committed(done.told, *self._remaining())

    def replay(self) -> None:
        """Replay, whether it is owed or not."""
        self._remains(lambda: self.deeds.replay(self.as_of), OWED)

    def retention(self) -> None:
        """Take out of the warehouse what has expired."""
        self._remains(lambda: self.deeds.retention(self.as_of))

    def _remains(self, deed: Callable[[], Done], *allowed: str) -> None:
        if self._refused(deed, *allowed):
            return
        if not self.live.run:
            self.refused(deed, 3)
            return
        done = self._perhaps_unkeyed(deed)
        if done is None:
            return
        assert done.code == 0, done
        self.committed(done.told, *self._remaining())

    def race(self, meanwhile: str, person: Who) -> None:
        """Begin a run, do something before it publishes, and let it go on."""
        assert isinstance(self.deeds, ByFunctions)
        if self.standing():
            return
        state, counts = self._refreshed()
        with self.deeds.begun(self.as_of) as chamber:
            self._heal()
            before = [one for one in self.ledger.requests.values() if one.holds_back]
            if meanwhile == "plan":
                self.refused(lambda: cast(ByFunctions, self.deeds).plan(self.as_of), 3)
            elif meanwhile == "end":
                self.end(next((one.reference for one in before if one.right != "erasure"), "R-0"))
            else:
                self.register(meanwhile, person)
            changed = before != [one for one in self.ledger.requests.values() if one.holds_back]
            done = done_by(lambda: finish(chamber))
        if changed:
            assert (done.code, "during the run" in done.said) == (3, True), done
            self.check()
        else:
            assert done.code == 0, done
            self.committed(done.told, state, counts)

    def kill(self, deed: str, point: int, entry: int) -> None:
        """Do something in a process that is killed on its way, if it gets there; see what is left."""
        if self.standing() or (deed != "run" and not self.live.run):
            return
        if deed == "apply" and self.live.run == self.ledger.sealed:
            return
        argument: Any = self.plan() if deed == "apply" else self.as_of
        if argument is None or (deed != "run" and self.live.state.index_epoch < self.epochs["tombstones"]):
            return
        if deed == "run":
            self._looked_for_by_a_run(self.shop.rows())  # before the first point at which it may be killed
        now, waiting, before = _now(), self._waiting(), copy.deepcopy(self.ledger)
        state = self._refreshed()[0] if deed == "run" else self._remaining(*(waiting if deed == "apply" else ()))[0]
        self.ledger = before
        killed = in_own_process(self.place, deed, argument, point, entry, self.ungated)
        self._find_out(now, state, killed)

    def _find_out(self, now: datetime.datetime, state: State, killed: bool) -> None:
        """Note how far a killed process got: nothing may be half done."""
        states, runs, receipts, live = (
            request_states(self.place),
            run_states(self.place),
            receipts_of(self.place),
            live_run(self.place),
        )
        steps = ["registered", "decided", "applied"]
        for reference, one in self.ledger.requests.items():
            if one.state != states[reference]:
                assert steps.index(states[reference]) > steps.index(one.state), (one, states[reference])
                since = one.since or now
                self.ledger.requests[reference] = dataclasses.replace(one, state=states[reference], since=since)
        if live != self.live.run:
            self._heal()
            self.live = Live(live, self.ledger.receipts, state)
            self.ledger.known.add(live)
            self.ledger.sealed, self.ledger.last = (live, self.ledger.last) if runs[live] == "sealed" else (None, live)
            self.ledger.of_sealed = frozenset(r for r, one in self.ledger.requests.items() if one.state == "decided")
            assert killed or runs[live] == "published"
            assert receipts[len(self.ledger.receipts) :] in ((), (live,))
            self.ledger.receipts = receipts
        elif self.ledger.sealed and runs[self.ledger.sealed] == "published":
            self._heal()
        elif self.ledger.sealed and receipts == (*self.ledger.receipts, self.ledger.sealed):
            self.ledger.receipts = receipts
        self.check()

    def rotate(self, root: str) -> None:
        """Give a root a new epoch."""
        assert self.deeds.rotate(root).code == 0
        self.epochs[root] += 1

    def back_up(self) -> None:
        """Copy the warehouse and the ledger."""
        if self.live.run:
            name = f"backup-{len(self.backups)}"
            self.place.back_up(name)
            self.backups.append(Backup(name, copy.deepcopy(self.live), copy.deepcopy(self.ledger)))

    def put_back(self, number: int, warehouse: bool, ledger: bool) -> None:
        """Put a copy of the warehouse, of the ledger, or of both in the place of what is there."""
        if not self.backups:
            return
        backup = self.backups[number % len(self.backups)]
        self.place.put_back(backup.name, warehouse, ledger)
        if warehouse:
            self.live = copy.deepcopy(backup.live)
        if ledger:
            self.ledger = copy.deepcopy(backup.ledger)

    def move_away(self) -> None:
        """Move the warehouse away."""
        self.place.move_away()
        self.live = _nothing()

    # ── what must be so ───────────────────────────────────────────────────────────────────────────────────────────

    def standing(self) -> str | None:
        """Tell what is wrong between ledger and warehouse, None where nothing is."""
        if not self.live.run:
            return None
        if (
            self.ledger.receipts[: len(self.live.receipts)] != self.live.receipts
            or self.live.run not in self.ledger.known
        ):
            return BESIDE
        if self.live.run == self.ledger.sealed:
            return None
        return None if self.live.run == self.ledger.last else OWED

    def refused(self, deed: Callable[[], Done], code: int) -> None:
        """Do what must be refused, and see that nothing has changed by it."""
        before = self.fingerprint()
        done = deed()
        assert done.code == code, (code, done)
        assert self.fingerprint() == before, f"changed by what was refused with {code}: {done.said}"

    def _refused(self, deed: Callable[[], Done], *allowed: str) -> bool:
        """See a deed refused if ledger and warehouse do not belong together."""
        trouble = self.standing()
        if trouble is None or trouble in allowed:
            return False
        self.refused(deed, 5)
        return True

    def _perhaps_unkeyed(self, deed: Callable[[], Done]) -> Done | None:
        """Do what may be refused where the private index is older than the key of who is held back."""
        before = self.fingerprint()
        done = deed()
        if done.code == 5 and self.live.state.index_epoch < self.epochs["tombstones"]:
            assert "older key" in done.said, done
            assert self.fingerprint() == before, f"changed by what was refused: {done.said}"
            return None
        return done

    def fingerprint(self) -> Mapping[str, Any]:
        """Sum up the warehouse, and the ledger row by row."""
        return {"warehouse": self.place.state(), **ledger_rows(self.place)}

    def committed(self, told: Mapping[str, Any], state: State, counts: Mapping[str, Counter[str]]) -> None:
        """See that what is published is what must be, and note that it is."""
        self._heal()
        run = str(told["run_id"])
        self.live = Live(run, self.ledger.receipts, state)
        self.ledger.receipts += (run,)
        self.ledger.known.add(run)
        self.ledger.last, self.ledger.sealed = run, None
        self._applied(self.ledger.requests)
        for table in (*TABLES, "guest"):
            for fate in ("erased", "restricted", "objected", "expired"):
                assert told["tables"][f"{table}s"][fate] == counts[table][fate], (table, fate, told["tables"], counts)
        self.nothing_outlives_its_time(self.check())

    def check(self) -> Seen:
        """Look at all that the warehouse consists of, and at the ledger."""
        seen = look(self.place)
        assert seen.run == self.live.run
        self.nobody_held_back_is_visible(seen)
        self.symbols.compare(seen, self.live.state)
        assert seen.faults == (), seen.faults
        assert seen.receipts == self.ledger.receipts, "each publish has its receipt, and nothing else has"
        assert seen.states == {one.reference: one.state for one in self.ledger.requests.values()}
        return seen

    def nobody_held_back_is_visible(self, seen: Seen) -> None:
        """Nobody is published who asked not to be, but for what happened after an erasure; nor what follows them."""
        for one in self.ledger.requests.values():
            theirs = {
                nr
                for nr, (who, happened) in self.facts.items()
                if one.state == "applied" and who in one.everybody
                if one.right != "erasure" or happened is None or one.since is None or happened <= one.since
            }
            shown = [
                (table, nr)
                for table, nr in seen.rows
                if (self.sale_of.get(nr, nr) if table == "line" else nr) in theirs
            ]
            assert not shown, f"{one.right} {one.reference}: {shown}"

    def nothing_outlives_its_time(self, seen: Seen) -> None:
        """No row is published past its time, but for those that a procedure needs."""
        late = [(t, nr) for t, nr, expires in seen.expiries if expires and expires <= self.as_of]
        assert not late, late

    # ── the model's own part ──────────────────────────────────────────────────────────────────────────────────────

    def _rules(self, now: datetime.datetime, *more: Request) -> Rules:
        waiting = {one.reference: dataclasses.replace(one, since=now) for one in more if one.since is None}
        return Rules((self.ledger.requests | waiting).values(), self.as_of, now)

    def _remaining(self, *waiting: Request) -> tuple[State, dict[str, Counter[str]]]:
        return remaining(self.live.state, self._rules(_now(), *waiting))

    def _waiting(self) -> list[Request]:
        return [one for one in self.ledger.requests.values() if one.state in ("registered", "decided")]

    def _decide(self, now: datetime.datetime, *requests: Request) -> None:
        for one in requests:
            one = self.ledger.requests[one.reference]
            if one.state == "registered":
                self.ledger.requests[one.reference] = dataclasses.replace(one, state="decided", since=now)

    def _look_for(self, requests: Iterable[Request], rows: Any) -> None:
        """Add what names the people of requests by the source as it is now to what was found before."""
        for one in requests:
            people = tuple(with_closure(person, rows) for person in one.people)
            self.ledger.requests[one.reference] = dataclasses.replace(one, people=people)

    def _is_known(self, who: Who, rows: Any) -> bool:
        """Tell whether any row of the source or the warehouse names somebody."""
        kind, value = who
        column = "account" if kind == "customer" else "email"
        if any(getattr(row, column) == value for row in self.live.state.published.values()):
            return True
        return any(who in _names(table, row) for table in TABLES for row in rows[table].values())

    def _heal(self) -> None:
        """Let the ledger finish a run that was killed after its publish."""
        if self.ledger.sealed and self.live.run == self.ledger.sealed:
            if self.ledger.receipts[-1:] != (self.live.run,):
                self.ledger.receipts += (self.live.run,)
            self.ledger.last = self.live.run
            self._applied(self.ledger.of_sealed)
        self.ledger.sealed = None

    def _applied(self, references: Iterable[str]) -> None:
        for reference in references:
            one = self.ledger.requests[reference]
            if one.state == "decided":
                self.ledger.requests[reference] = dataclasses.replace(one, state="applied")


def _names(table: str, row: Mapping[str, Any]) -> set[Who]:
    found: set[Who] = set()
    if row.get("buyer_id") is not None:
        found.add(("customer", row["buyer_id"]))
    if email := canonical(row.get("email"), "email"):
        found.add(("email", email))
    return found


def _nothing() -> Live:
    return Live("", (), State())


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
