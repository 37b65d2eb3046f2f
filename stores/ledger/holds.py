"""Legal holds in the ledger: which records a procedure needs, by MACs of their keys, from when until when."""

from __future__ import annotations

import datetime
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from privacy.holds import Period, SourceHold
from privacy.records import Mac, Record
from stores.ledger.access import portions, reading, writing
from stores.ledger.schema import HOLD

Origin = Literal["source", "command"]

ActiveHolds = Mapping[str, Mapping[Mac, frozenset[str]]]
"""By source table and record: the matters that need it."""

_OPEN = HOLD.c.released_at.is_(None)


@dataclass(frozen=True)
class Placed:
    """What came of placing a hold: records newly held, and those that the matter held already, by source table."""

    placed: Counter[str]
    already: Counter[str]


class Holds:
    """Who needs which records; nothing is ever deleted here, so that what was held when can be told later."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, matter: str, records: Iterable[Record], period: Period, actor: str, now: datetime.datetime) -> Placed:
        """Place holds by command; records that this matter holds already are left as they are."""
        found = Placed(Counter(), Counter())
        with writing(self._engine) as connection:
            held = {(row.table_name, (row.epoch, row.mac)) for row in _open(connection, "command", matter)}
            rows = []
            for record in records:
                already = any((record.table, mac) in held for mac in record.macs)
                (found.already if already else found.placed)[record.table] += 1
                if not already:
                    rows.append(_values(matter, record, period, "command", actor, now))
                    held.add((record.table, record.newest))
            if rows:
                connection.execute(sa.insert(HOLD), rows)
        return found

    def release(self, matter: str, records: Sequence[Record] | None, now: datetime.datetime) -> Counter[str]:
        """End the holds of a matter that a command placed, or only those on some records; count them by table."""
        wanted = None if records is None else {(record.table, mac) for record in records for mac in record.macs}
        with writing(self._engine) as connection:
            ended = [
                row
                for row in _open(connection, "command", matter)
                if wanted is None or (row.table_name, (row.epoch, row.mac)) in wanted
            ]
            _release(connection, [row.hold_id for row in ended], now)
        return Counter(row.table_name for row in ended)

    def list(self) -> list[dict[str, Any]]:
        """Tell all holds there ever were, those of one matter, origin and period together, with counts by table."""
        told = [HOLD.c[name] for name in ("matter", "origin", "actor", "held_from", "held_until", "released_at")]
        query = sa.select(*told, HOLD.c.table_name, sa.func.count().label("records"))
        query = query.group_by(*told, HOLD.c.table_name).order_by(HOLD.c.table_name)
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        with reading(self._engine) as connection:
            for row in connection.execute(query).mappings():
                group = {column.name: row[column.name] for column in told}
                entry = found.setdefault(tuple(group.values()), {**group, "tables": {}})
                entry["tables"][row["table_name"]] = row["records"]
        return sorted(found.values(), key=_in_order)

    def active(self, as_of: datetime.date, origin: Origin | None = None) -> ActiveHolds:
        """Give the records under a hold on a day; of both origins unless one is named."""
        on_that_day = HOLD.c.held_from <= as_of, sa.or_(HOLD.c.held_until.is_(None), HOLD.c.held_until >= as_of)
        query = sa.select(HOLD).where(_OPEN, *on_that_day, *([HOLD.c.origin == origin] if origin else []))
        found: defaultdict[str, defaultdict[Mac, set[str]]] = defaultdict(lambda: defaultdict(set))
        with reading(self._engine) as connection:
            for row in connection.execute(query):
                found[row.table_name][row.epoch, row.mac].add(row.matter)
        return {
            table: {mac: frozenset(matters) for mac, matters in records.items()} for table, records in found.items()
        }

    def sync_source(self, rows: Iterable[SourceHold], actor: str, now: datetime.datetime) -> None:
        """Make the ledger agree with the shop's own table, whose rows these are; to do so twice changes nothing.

        A hold whose row is gone or has ended is released. One whose row's period cannot be read any more is left alone.
        """
        with writing(self._engine) as connection:
            registered: defaultdict[tuple[str, str, Mac], list[Any]] = defaultdict(list)
            for row in (known := _open(connection, "source")):
                registered[row.matter, row.table_name, (row.epoch, row.mac)].append(row)
            kept: set[str] = set()
            for hold in _distinct(rows):
                same = [row for mac in hold.record.macs for row in registered[hold.matter, hold.record.table, mac]]
                if hold.period is None:
                    kept.update(row.hold_id for row in same)
                    continue
                one = next((row for row in same if row.held_from == hold.period.first), None)
                if one is None:
                    values = _values(hold.matter, hold.record, hold.period, "source", actor, now)
                    connection.execute(sa.insert(HOLD).values(values))
                    continue
                kept.add(one.hold_id)
                _update(connection, one, hold.record.newest, hold.period.last)
            _release(connection, [row.hold_id for row in known if row.hold_id not in kept], now)


def _in_order(told: dict[str, Any]) -> tuple[Any, ...]:
    """Order holds by their matters, released ones last."""
    last = told["held_until"] or datetime.date.max
    return told["matter"], told["released_at"] is not None, told["origin"], told["held_from"], last, told["actor"]


def _distinct(rows: Iterable[SourceHold]) -> Iterable[SourceHold]:
    """Of rows that say the same but for their end, keep the one that ends last."""
    found: dict[tuple[Any, ...], SourceHold] = {}
    for hold in sorted(rows, key=_end):
        found[hold.matter, hold.record, hold.period and hold.period.first] = hold
    return found.values()


def _end(hold: SourceHold) -> datetime.date:
    return (hold.period and hold.period.last) or datetime.date.max


def _open(connection: sa.Connection, origin: Origin, matter: str | None = None) -> Sequence[Any]:
    query = sa.select(HOLD).where(_OPEN, HOLD.c.origin == origin)
    return connection.execute(query if matter is None else query.where(HOLD.c.matter == matter)).all()


def _values(
    matter: str, record: Record, period: Period, origin: Origin, actor: str, now: datetime.datetime
) -> dict[str, Any]:
    epoch, mac = record.newest
    return {
        "hold_id": secrets.token_hex(16),
        "matter": matter,
        "table_name": record.table,
        "epoch": epoch,
        "mac": mac,
        "origin": origin,
        "actor": actor,
        "placed_at": now,
        "held_from": period.first,
        "held_until": period.last,
    }


def _update(connection: sa.Connection, row: Any, mac: Mac, until: datetime.date | None) -> None:
    """Follow a row whose end has moved, and keep its record under the newest key."""
    if (row.epoch, row.mac, row.held_until) != (*mac, until):
        changed = sa.update(HOLD).where(HOLD.c.hold_id == row.hold_id)
        connection.execute(changed.values(epoch=mac[0], mac=mac[1], held_until=until))


def _release(connection: sa.Connection, hold_ids: Sequence[str], now: datetime.datetime) -> None:
    for portion in portions(hold_ids):
        connection.execute(sa.update(HOLD).where(HOLD.c.hold_id.in_(portion)).values(released_at=now))
