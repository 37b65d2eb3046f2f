"""What is really there after a deed: the warehouse's rows and the ledger's, read past the software's own code."""

from __future__ import annotations

import base64
import datetime
import json
import tomllib
import uuid
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from privacy.receipt_chain import Head, examine
from stores.keyring_file import read_keyring
from tests.conftest import Place
from tests.histories.model import Kept, State, Token
from tests.independent_tokens import hkdf_sha256, token

Row = dict[str, Any]

TABLES = {"buyers": "buyer", "sales": "sale", "guests": "guest", "lines": "line", "letters": "letter"}
MONTH = {"buyer": "joined_at", "sale": "sold_at", "guest": "first_on", "letter": "sent_at"}
INDEXED = {"buyer": ("customer", "email"), "sale": ("customer", "email"), "guest": ("email",), "letter": ("customer",)}
FORMS = {"guest": "email"}


@dataclass(frozen=True)
class Seen:
    """What was found."""

    run: str
    rows: Mapping[tuple[str, int], Row]
    aside: tuple[tuple[str, Row], ...]
    index: Mapping[str, tuple[Row, ...]]
    receipts: tuple[str, ...]
    faults: tuple[str, ...]
    states: Mapping[str, str]

    @property
    def expiries(self) -> Iterable[tuple[str, int, datetime.date | None]]:
        """Give each published row's last day."""
        return ((table, nr, row["_expires_on"]) for (table, nr), row in self.rows.items())


def look(place: Place) -> Seen:
    """Read everything."""
    (about,) = place.table("sluis_meta", "run")
    rows = {
        (table, row["nr"]): row for published, table in TABLES.items() for row in place.table("analytics", published)
    }
    aside = [(table, row) for published, table in TABLES.items() for row in place.table("sluis_quarantine", published)]
    index = {
        table: tuple(place.table("sluis_private", published)) for published, table in TABLES.items() if table in INDEXED
    }
    receipts, (identity,) = _in_ledger(place, "receipt", "number"), _in_ledger(place, "identity")
    head = Head("the warehouse", about["ledger_id"], about["receipts"], about["head"])
    found = examine(receipts, read_keyring(place.keyring).public_keys(), identity["ledger_id"], [head])
    runs = tuple(json.loads(row["body"])["run_id"] for row in receipts)
    return Seen(about["run_id"], rows, tuple(aside), index, runs, found.faults, request_states(place))


def ledger_rows(place: Place) -> dict[str, list[str]]:
    """Give every table of the ledger, row by row; plans apart, which change nothing, and who holds it now."""
    names = set(sa.inspect(place.ledger_engine()).get_table_names()) - {"plan", "lock"}
    return {name: sorted(map(repr, _in_ledger(place, name))) for name in sorted(names)}


def request_states(place: Place) -> dict[str, str]:
    """Give the state of each request by its reference."""
    return {row["reference"]: row["state"] for row in _in_ledger(place, "request")}


def run_states(place: Place) -> dict[str, str]:
    """Give the state of each run."""
    return {row["run_id"]: row["state"] for row in _in_ledger(place, "run")}


def receipts_of(place: Place) -> tuple[str, ...]:
    """Give the runs that receipts are of, in their order."""
    return tuple(json.loads(row["body"])["run_id"] for row in _in_ledger(place, "receipt", "number"))


def live_run(place: Place) -> str:
    """Give the run that published what is published."""
    return str(place.table("sluis_meta", "run")[0]["run_id"])


class Symbols:
    """Which UUID each symbol is, for a whole history: one and the same for as long, and none that stands for two."""

    def __init__(self, keyring: Path) -> None:
        self._keyring = keyring
        self._found: dict[Hashable, uuid.UUID] = {}
        self._behind: dict[uuid.UUID, Hashable] = {}

    def know(self, other: Symbols) -> None:
        """Take over what another history has found."""
        self._found |= other._found
        self._behind |= other._behind

    def compare(self, seen: Seen, state: State) -> None:
        """See that all rows of a state are there, with these values and tokens, and no others; so the private index."""
        assert sorted(seen.rows) == sorted(state.published), _unlike(seen.rows, state.published)
        for place, kept in state.published.items():
            row = seen.rows[place]
            where = f"{place} of {kept.who}"
            self._be(("token", kept.key), row[f"{kept.table}_id"], where)
            for column, linked in kept.links.items():
                assert (row[column] is None) == (linked is None), f"{where}: {column} {linked}"
                if linked:
                    self._be(("token", linked), row[column], where)
            assert row["_expires_on"] == kept.expires, f"{where}: {row['_expires_on']}, not {kept.expires}"
            if kept.table in MONTH:
                assert str(row[MONTH[kept.table]])[:10] == kept.month, f"{where}: {row[MONTH[kept.table]]}"
            assert row.get("email") is None
        self._compare_index(seen, state)
        found = Counter((table, row["nr"]) for table, row in seen.aside)
        assert found == Counter((kept.table, kept.nr) for kept in state.aside), "quarantine"
        assert all(row["_reason"] for _, row in seen.aside)

    def _compare_index(self, seen: Seen, state: State) -> None:
        for table, kinds in INDEXED.items():
            lines = {line["key"]: line for line in seen.index[table]}
            rows = state.of(table)
            assert len(lines) == len(seen.index[table]) == len(rows), f"index of {table}: {len(lines)} and {len(rows)}"
            for kept in rows:
                line = lines[self._found["token", kept.key]]
                for kind in kinds:
                    value = kept.account if kind == "customer" else kept.email
                    self._be(("mac", kind, value, state.index_epoch), line[kind], f"index of {table}", value is None)
                self._be(("after", kept.after), line["generation"], f"index of {table}", kept.after is None)

    def _be(self, symbol: Hashable, found: uuid.UUID | None, where: str, nothing: bool = False) -> None:
        """See that a symbol is what it was before, and that nothing else is."""
        assert (found is None) == nothing, f"{where}: {symbol}"
        if found is None:
            return
        assert self._found.setdefault(symbol, found) == found, f"{where}: {symbol} is another than before"
        assert self._behind.setdefault(found, symbol) == symbol, f"{where}: {symbol} is {self._behind[found]} as well"
        if isinstance(symbol, tuple) and symbol[0] == "token" and symbol[1][3] is None:
            assert found == self._computed(symbol[1]), f"{where}: {symbol}"

    def _computed(self, symbol: Token) -> uuid.UUID | None:
        """Compute a token apart from the software."""
        epoch, domain, value, _ = symbol
        root = base64.b64decode(tomllib.loads(self._keyring.read_text("utf-8"))["analytics"][epoch - 1]["root"])
        return token(value, FORMS.get(domain, "integer"), hkdf_sha256(root, f"sluis/v1/token/{domain}".encode()))


def _unlike(found: Mapping[Any, Any], wanted: Mapping[Any, Kept]) -> str:
    missing = {place: kept.who for place, kept in wanted.items() if place not in found}
    return f"too much: {sorted(found.keys() - wanted.keys())}; missing: {missing}"


def _in_ledger(place: Place, table: str, order: str = "1") -> list[Row]:
    return place.ledger(f"select * from {table} order by {order}")
