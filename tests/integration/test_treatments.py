"""Treatments that know more than their own column, on their way through the main job."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from privacy.local_dates import local_dates
from privacy.treatments import Keep, Noise, ShiftDates, Treatment
from privacy.treatments.base import arrow, series
from privacy.treatments.masking import MaskEmail
from tests.conftest import Command, Place, run_in_own_process

BUYER = "name: {type: text, role: direct_identifier, treatment: suppress}"
SALE = "note: {type: text, role: sensitive, treatment: suppress}"


def add(place: Place, after: str, *columns: str) -> None:
    """Publish more columns of a table, after that one."""
    place.change_policy(after, "\n      ".join([after, *columns]))


def refused(place: Place, run: Command) -> dict[str, Any]:
    """Run what must be refused, without a value in what is said; give the error."""
    before = place.fingerprint()
    outcome = run()
    assert outcome.exit_code, outcome.said
    assert "canary" not in outcome.said.lower()
    assert place.fingerprint() == before
    error: dict[str, Any] = outcome.json["error"]
    return error


# --- synthesize


def synthesize(of: str, source: str, name: str | None = None) -> str:
    treatment = f"{{kind: synthesize, of: {of}, by: buyer_id, domain: buyer}}"
    return f"{name or of}: {{from: {source}, type: text, role: direct_identifier, treatment: {treatment}}}"


def invent(place: Place) -> None:
    add(place, BUYER, *(synthesize(of, "name", as_) for of, as_ in (("last_name", None), ("name", "invented"))))
    add(place, BUYER, synthesize("email", "email", "mail"))
    add(place, SALE, synthesize("last_name", "note", "buyer"))


def test_a_buyer_has_one_invented_name_in_every_table(published: Place, run: Command) -> None:
    invent(published)

    assert run().exit_code == 0

    buyers = {
        token: rest
        for token, *rest in published.rows("select buyer_id, last_name, invented, mail from analytics.buyers")
    }
    assert len(buyers) == 2
    for last, name, mail in buyers.values():
        assert name.endswith(f" {last}")
        assert mail.endswith("@synthetic.invalid")
    ((token, buyer),) = published.rows("select buyer_id, buyer from analytics.sales where buyer is not null")
    assert buyer == buyers[token][0]


def test_a_name_that_somebody_really_bears_is_given_to_nobody_else_and_nobody_else_is_renamed(
    published: Place, run: Command
) -> None:
    invent(published)
    query = "select buyer_id, last_name from analytics.buyers order by buyer_id"
    assert run().exit_code == 0
    before = dict(published.rows(query))
    (token, last), *_ = before.items()

    published.change_source(f"update buyer set name = 'Dora {last}' where buyer_id = 3")
    assert run().exit_code == 0

    after = dict(published.rows(query))
    assert last not in after.values()
    assert {key for key in before if before[key] != after[key]} == {token}


def test_who_is_not_to_be_linked_has_no_invented_name_either(published: Place, run: Command) -> None:
    tomorrow = datetime.date.today() + datetime.timedelta(days=2)
    invent(published)
    published.change_source(
        f"update buyer set joined_at = '{tomorrow}T00:00:00+01:00' where buyer_id = 2",
        "update sale set note = 'for Bob Canary' where sale_id = 3",
    )

    assert run().exit_code == 0

    assert published.rows("select buyer from analytics.sales where buyer is not null and buyer_id is null") == [
        ("unknown",)
    ]


# --- custom


CHANNEL = "channel: {type: text, role: non_personal, treatment: keep, because: Says nothing of anybody.}"


def use_function(place: Place, name: str, promise: str = "{kind: matches, pattern: '[a-z]{3}'}") -> None:
    treatment = f"{{kind: custom, function: tests.own_functions:{name}, gives: text}}"
    place.change_policy(
        CHANNEL, f"channel: {{type: text, role: non_personal, treatment: {treatment}, promises: [{promise}]}}"
    )


def test_a_function_of_ones_own_treats_a_column_in_a_run(published: Place, run: Command) -> None:
    use_function(published, "shorten")

    assert run().exit_code == 0

    assert published.rows("select channel, count(*) from analytics.sales group by all order by all") == [
        ("sho", 1),
        ("web", 3),
        (None, 1),
    ]


def test_a_function_that_breaks_the_promise_of_its_column_stops_the_publish(published: Place, run: Command) -> None:
    use_function(published, "shorten", "{kind: in_values, values: [web]}")

    assert "sales.channel: in_values is broken in 1 rows" in refused(published, run)["message"]


def test_a_function_that_raises_stops_the_run_which_names_table_and_column_and_no_value(
    published: Place, run: Command
) -> None:
    published.change_source("update sale set channel = 'canary channel' where sale_id = 1")
    use_function(published, "raising")

    error = refused(published, run)

    assert (error["code"], error["kind"]) == (2, "treatment")
    assert error["message"].startswith("sale.channel: tests.own_functions:raising raised builtins.KeyError on line ")


def test_a_module_on_the_python_path_is_found(place: Place) -> None:
    module = place.folder / "modules"
    module.mkdir()
    (module / "shop_treatments.py").write_text("def size(column, beside):\n    return column\n", encoding="utf-8")
    use_function(place, "shorten")
    place.change_policy("tests.own_functions:shorten", "shop_treatments:size")

    lost = run_in_own_process("check", **place.environment)
    found = run_in_own_process("check", PYTHONPATH=str(module), **place.environment)

    assert (lost.returncode, found.returncode) == (2, 0), found.stderr
    assert "cannot be imported (ModuleNotFoundError); put the folder of its module on PYTHONPATH" in lost.stderr


# --- shift_dates


def shift(place: Place, column: str, by: str, domain: str, most: int = 40) -> None:
    kept = f"{column}: {{type: timestamp, role: quasi_identifier, treatment: "
    place.change_policy(
        f"{kept}{{kind: generalize, to: day}}}}",
        f"{kept}{{kind: shift_dates, by: {by}, domain: {domain}, most: {most}}}}}",
    )


def test_shifted_dates_are_near_the_real_ones_and_the_month_in_which_a_row_leaves_tells_no_more(
    published: Place, run: Command
) -> None:
    shift(published, "sold_at", "sale_id", "sale")
    shift(published, "joined_at", "buyer_id", "buyer")
    ((real,),) = published.rows("select distinct sold_at from analytics.sales")

    assert run().exit_code == 0

    dates = [day for (day,) in published.rows("select sold_at from analytics.sales")]
    assert all(1 <= abs((day - real).days) <= 40 for day in dates)
    assert len(set(dates)) > 1
    leaves = "date_trunc('month', sold_at - interval 40 days + interval 7 years + interval 1 day)"
    assert published.rows(f"select count(*) from analytics.sales where _expires_on = {leaves}") == [(len(dates),)]
    latest = "select max(sold_at) from analytics.sales s where s.buyer_id = b.buyer_id"
    leaves = (
        f"date_trunc('month', greatest(joined_at, ({latest})) - interval 40 days + interval 7 years + interval 1 day)"
    )
    assert published.rows(f"select count(*) from analytics.buyers b where _expires_on = {leaves}") == [(2,)]


def test_rows_that_have_no_subject_to_be_shifted_by_are_set_aside(published: Place, run: Command) -> None:
    shift(published, "sold_at", "buyer_id", "buyer")

    error = refused(published, run)

    assert "sales: within_quarantine is broken in 2 rows" in error["message"]


def test_rows_without_a_subject_are_counted_with_their_reason(published: Place, run: Command) -> None:
    shift(published, "sold_at", "buyer_id", "buyer")
    published.change_source("delete from sale where sale_id = 6")

    outcome = run()

    assert outcome.exit_code == 0
    assert outcome.json["tables"]["sales"]["quarantine_reasons"] == {"sold_at: no buyer_id beside it": 1}


# --- noise


def make_noise(place: Place) -> None:
    total = 'total: {type: "decimal(12,2)", role: quasi_identifier, treatment: '
    noise = "{kind: noise, by: sale_id, domain: sale, quantity: total, most: 5}"
    place.change_policy(f"{total}keep, because: Turnover.}}", f"{total}{noise}}}")


def test_noisy_amounts_are_near_the_real_ones_and_the_same_in_the_next_run(published: Place, run: Command) -> None:
    make_noise(published)
    amounts = "select sale_id, total from analytics.sales order by all"
    real = dict(published.rows(amounts))

    assert run().exit_code == 0
    noisy = dict(published.rows(amounts))
    assert run().exit_code == 0

    assert noisy == dict(published.rows(amounts))
    assert noisy != real
    assert all(abs(noisy[sale] - real[sale]) <= 5 for sale in real)


# --- round


def test_amounts_are_published_in_round_figures(published: Place, run: Command) -> None:
    total = 'total: {type: "decimal(12,2)", role: quasi_identifier, treatment: '
    published.change_policy(f"{total}keep, because: Turnover.}}", f"{total}{{kind: round, step: 20}}}}")

    assert run().exit_code == 0

    rounded = published.rows("select total from analytics.sales order by total")
    assert [int(total) for (total,) in rounded] == [0, 20, 20, 40, 40]


# --- what goes wrong in a treatment is seen beside what was read


def more(euros: str) -> Callable[..., pd.Series]:
    """Give a treatment that adds to amounts and leaves all else as it is."""

    def treat(how: Treatment, column: pd.Series, *_: object) -> pd.Series:
        raw = arrow(column)
        return series(pc.add(raw, Decimal(euros)).cast(raw.type)) if pa.types.is_decimal(raw.type) else column

    return treat


def unchanged(how: Treatment, column: pd.Series, *_: object) -> pd.Series:
    return series(local_dates(arrow(column)))


def nothing(how: Treatment, column: pd.Series, *_: object) -> pd.Series:
    return series(pa.nulls(len(column), pa.string()))


FAULTS: dict[str, tuple[type[Treatment], Callable[..., pd.Series], Callable[[Place], None], tuple[str, ...]]] = {
    "dates that are not shifted": (
        ShiftDates, unchanged, lambda place: shift(place, "sold_at", "sale_id", "sale"), ("none_as_read", "sold_at"),
    ),
    "noise beyond its bounds": (Noise, more("6.00"), make_noise, ("sum_within", "total")),
    "amounts that grow": (Keep, more("0.01"), lambda place: None, ("sum_equals", "total")),
    "values that vanish": (MaskEmail, nothing, lambda place: None, ("null_count", "email")),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_treatment_that_does_not_do_what_it_says_stops_the_publish(
    fault: str, published: Place, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    treatment, faulty, prepare, broken = FAULTS[fault]
    prepare(published)
    monkeypatch.setattr(treatment, "treat", faulty)
    before = published.fingerprint()

    outcome = run()

    assert outcome.exit_code == 1, outcome.said
    assert [(one["promise"], one["column"]) for one in outcome.json["gates"]["failed"]] == [broken]
    assert published.fingerprint() == before
