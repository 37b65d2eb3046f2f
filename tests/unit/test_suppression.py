"""Who is held back, row by row, as plain Python tells it: by account or else by address, and until when."""

from __future__ import annotations

import datetime
from typing import NamedTuple, get_args

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.fates import Fate
from privacy.macs import MAC
from privacy.policy_file import read_policy
from privacy.policy_rights import Identifies
from privacy.suppression import Suppression, SuppressionKind, Suppressions, happened_at
from tests.corner_shop import POLICY

EPOCHS = (1, 2)
START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
MOMENT = pa.timestamp("us", tz="UTC")
HELD = {"erased": Fate.ERASED, "restricted": Fate.RESTRICTED, "objected": Fate.OBJECTED}


class Row(NamedTuple):
    """Whose a row is, by number, and when it happened."""

    customer: int | None
    email: int | None
    happened: datetime.datetime | None

    def macs(self, epoch: int) -> dict[Identifies, bytes]:
        """Give what it is recognised by: an account, or the address of somebody without one."""
        if self.customer is not None:
            return {"customer": mac(self.customer, epoch)}
        return {} if self.email is None else {"email": mac(self.email, epoch)}


def mac(person: int, epoch: int) -> bytes:
    return bytes([epoch, person]) * 8


def column(rows: list[Row], identifies: Identifies, epoch: int) -> pa.Array:
    numbers = [getattr(row, identifies) for row in rows]
    return pa.array([None if number is None else mac(number, epoch) for number in numbers], MAC)


def judged(row: Row, meant: list[Suppression]) -> tuple[Fate, bytes | None]:
    """Give the fate of a row, and the erasure after which it is of somebody new, by what is asked of its person.

    Of two erasures at once that of the first epoch counts, and of one epoch the first that was listed.
    """
    erasures = sorted((one for one in meant if one.kind == "erased"), key=lambda one: one.epoch)
    erasure = max(erasures, key=lambda one: one.since, default=None)
    anew = bool(erasure and row.happened and row.happened > erasure.since)
    fate = min((HELD[one.kind] for one in meant if not (anew and one.kind == "erased")), default=Fate.PUBLISHED)
    return fate, erasure.reference if erasure and anew and fate == Fate.PUBLISHED else None


moments = st.integers(0, 4).map(lambda hours: START + datetime.timedelta(hours=hours))
persons = st.integers(0, 3)
some_rows = st.lists(st.builds(Row, st.none() | persons, st.none() | persons, st.none() | moments), max_size=12)
asked = st.lists(
    st.tuples(
        st.sampled_from(get_args(SuppressionKind)),
        st.sampled_from(get_args(Identifies)),
        st.sampled_from(EPOCHS),
        persons,
        moments,
    ),
    max_size=8,
)


@given(some_rows, asked, st.booleans())
def test_each_row_is_held_back_by_what_was_asked_of_its_person_under_any_epoch(rows, asked, dated):
    rows = rows if dated else [row._replace(happened=None) for row in rows]
    listed = [
        Suppression(kind, identifies, epoch, mac(person, epoch), bytes([number]) * 16, since)
        for number, (kind, identifies, epoch, person, since) in enumerate(asked)
    ]
    macs = {(identifies, epoch): column(rows, identifies, epoch) for identifies, epoch in places()}
    happened = pa.array([row.happened for row in rows], MOMENT) if dated else None

    held = Suppressions.of(listed).hold_back(macs, happened, len(rows))

    meant = [[one for one in listed if row.macs(one.epoch).get(one.identifies) == one.mac] for row in rows]
    assert list(zip(held.fates, held.generations.to_pylist(), strict=True)) == [*map(judged, rows, meant)]
    assert held.seen == {last_of(some, epoch) for some in meant for epoch in EPOCHS} - {None}
    found = {
        (one.identifies, one.epoch, row, mac)
        for one in held.met
        for row, mac in zip(one.rows, one.macs.to_pylist(), strict=True)
    }
    assert found == {(one.identifies, one.epoch, row, one.mac) for row, some in enumerate(meant) for one in some}


def places() -> list[tuple[Identifies, int]]:
    return [(identifies, epoch) for epoch in EPOCHS for identifies in get_args(Identifies)]


def last_of(meant: list[Suppression], epoch: int) -> bytes | None:
    """Give the reference of the latest of the erasures under one epoch, of two at once the first that was listed."""
    erasures = [one for one in meant if (one.kind, one.epoch) == ("erased", epoch)]
    return max(erasures, key=lambda one: one.since).reference if erasures else None


def test_addresses_count_by_themselves_where_a_table_knows_no_accounts():
    listed = Suppressions.of([Suppression("objected", "email", 1, mac(7, 1), bytes(16), START)])

    assert listed.hold_back({("email", 1): pa.array([mac(7, 1), None], MAC)}, None, 2).fates.tolist() == [
        Fate.OBJECTED,
        Fate.PUBLISHED,
    ]


def test_whom_nobody_lists_under_an_epoch_is_not_looked_for_there():
    listed = Suppressions.of([Suppression("erased", "customer", 2, mac(7, 2), bytes(16), START)])

    assert listed.epochs == {2}
    assert listed.hold_back({("customer", 1): pa.array([mac(7, 2)], MAC)}, None, 1).fates.tolist() == [Fate.PUBLISHED]


def test_a_list_of_people_who_are_held_back_shows_no_mac():
    listed = Suppressions.of([Suppression("erased", "email", 1, mac(7, 1), bytes(16), START)])

    for shown in (listed, *listed.listed.values()):
        assert mac(7, 1).hex().upper() not in repr(shown).upper()


# When a row happened

NOW = datetime.datetime(2026, 6, 15, 12, tzinfo=datetime.UTC)


def told_by(type_: str, column: pa.Array | None) -> list[datetime.datetime | None] | None:
    """Give when sales happened, of which a column of some type tells."""
    dated = POLICY.replace("identifies: email}]}", "identifies: email}], happened: sold_at}")
    text = dated if column is not None else POLICY
    policy = read_policy(text.replace("sold_at: {type: timestamp", f"sold_at: {{type: {type_}"), "shop.yaml")
    found = happened_at(policy.tables["sale"], {"sold_at": column}, policy.time_zone, NOW)
    return None if found is None else found.to_pylist()


def test_what_is_still_to_come_did_not_happen_after_anything():
    moments = [NOW, NOW + datetime.timedelta(microseconds=1), None]

    assert told_by("timestamp", pa.array(moments, pa.timestamp("us", tz="Europe/Amsterdam"))) == [NOW, None, None]


@pytest.mark.parametrize(
    ("day", "begins"),
    [
        ("2026-03-10", "2026-03-10T00:00+01:00"),
        ("2026-06-15", "2026-06-15T00:00+02:00"),
        ("2026-06-16", None),
    ],
)
def test_a_day_happened_when_it_began_where_the_shop_is(day, begins):
    column = pa.array([datetime.date.fromisoformat(day)], pa.date32())

    assert told_by("date", column) == [begins and datetime.datetime.fromisoformat(begins)]


def test_where_no_column_tells_of_it_nobody_knows_when_a_row_happened():
    assert told_by("timestamp", None) is None
