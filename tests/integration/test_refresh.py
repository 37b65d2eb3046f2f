"""The main job on a shop small enough to know by heart."""

from __future__ import annotations

from tests.conftest import Command, Place


def test_every_row_read_has_exactly_one_fate(run: Command, place: Place) -> None:
    outcome = run()

    assert outcome.exit_code == 0, outcome.said
    tables = outcome.json["tables"]
    fates = ("published", "expired", "erased", "restricted", "objected", "quarantined")
    assert {name: counts["extracted"] for name, counts in tables.items()} == {"buyers": 3, "sales": 6, "lines": 5}
    assert {name: counts["published"] for name, counts in tables.items()} == {"buyers": 2, "sales": 5, "lines": 4}
    assert all(counts["extracted"] == sum(counts[fate] for fate in fates) for counts in tables.values())
    assert outcome.json["gates"]["failed"] == outcome.json["gates"]["crashed"] == []
    assert outcome.json["gates"]["passed"] > 30


def test_a_parents_expiry_takes_its_children_along(run: Command, place: Place) -> None:
    run()

    assert place.rows("select count(*) from analytics.lines where quantity = 5") == [(0,)]
    assert place.rows("select count(*) from analytics.lines l join analytics.sales s using (sale_id, _expires_on)") == [
        (4,)
    ]


def test_a_guest_has_a_token_of_a_domain_of_its_own(run: Command, place: Place) -> None:
    run()

    assert place.rows("select count(guest_id), count(buyer_id) from analytics.sales") == [(1, 3)]
    assert place.rows(
        "select count(*) from analytics.sales where guest_id in (from analytics.buyers select buyer_id)"
    ) == [(0,)]
