"""Changes of a warehouse in PostgreSQL: what was to leave left, what was to come came, and nothing else was touched."""

from __future__ import annotations

import datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from privacy.errors import StoreError, VerificationError
from privacy.fates import Fate
from privacy.treat import staged_schema
from stores.warehouse import Comments, Grouped
from stores.warehouse.changes import Standing
from stores.warehouse.postgresql import PostgreSQLWarehouse
from stores.warehouse.postgresql_layout import READER
from stores.warehouse.postgresql_rights import MADE_ANEW
from tests.postgres import PostgresServer
from tests.small_changes import Numbers, after, change, changing, keys, numbers, replace, sorted_contents
from tests.small_warehouse import LATER, SEAL, SHOP, Row, Rows, at, batch_of, policy, publish, record, row, token
from tests.warehouses import InPostgreSQL

SOON = datetime.date(2027, 3, 1)
ASIDE: Rows = {"line": [row(line_id=71, sale_id=11, _reason="orphan"), row(SOON, line_id=72, _reason="misfit")]}


@pytest.fixture
def there(postgres: PostgresServer) -> InPostgreSQL:
    """Give a database in which the small warehouse is published, two lines of it set aside."""
    made = InPostgreSQL(postgres.new_database())
    publish(made.open(), SHOP, ASIDE)
    return made


def opened(there: InPostgreSQL) -> PostgreSQLWarehouse:
    return PostgreSQLWarehouse(there.url)


def test_rows_leave_come_and_are_set_aside_and_all_others_stay(there: InPostgreSQL) -> None:
    leaving: Numbers = {"letter": [43], "line": [24, 72]}
    come: Rows = {
        "buyer": [row(SOON, buyer_id=1, customer=1, email=299), row(buyer_id=3, customer=3)],
        "line": [row(line_id=71, sale_id=11)],
    }
    aside: Rows = {"invoice": [row(invoice_id=32, sale_id=12, _reason="misfit")]}

    warnings = change(opened(there), leaving, come, aside)

    fresh = InPostgreSQL(there.url.set(database=f"{there.url.database}_fresh"))
    there.rows(f"create database {fresh.url.database}")
    publish(fresh.open(), after(SHOP, leaving, come, aside), after(ASIDE, leaving, aside, come))
    assert sorted_contents(opened(there)) == sorted_contents(opened(fresh))
    assert there.hashes() == fresh.hashes()
    assert warnings == []


ROWS = st.dictionaries(st.sampled_from(["buyer", "letter", "chat", "article"]), st.sets(st.integers(1, 60), max_size=9))


@pytest.mark.long
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_leaves_and_comes_the_state_is_that_of_a_new_candidate(
    data: st.DataObject, postgres: PostgresServer
) -> None:
    def some(expires: datetime.date, **more: Any) -> Rows:
        found: dict[str, list[Any]] = {}
        for name, some in data.draw(ROWS).items():
            key = policy().tables[name].primary_key
            found[name] = [row(expires, **{key: number}, **more) for number in sorted(some)]
        return found

    before, leaving, come = some(LATER), data.draw(ROWS), some(SOON)
    aside = {name: [row for row in rows if row not in come.get(name, ())] for name, rows in some(SOON).items()}
    one, other = (InPostgreSQL(postgres.new_database()) for _ in range(2))
    publish(one.open(), before)
    publish(other.open(), after(before, {name: sorted(some) for name, some in leaving.items()}, come, aside), aside)

    change(opened(one), {name: sorted(some) for name, some in leaving.items()}, come, aside)

    assert sorted_contents(opened(one)) == sorted_contents(opened(other))


def test_rows_that_are_not_replaced_are_the_same_versions_at_the_same_places(there: InPostgreSQL) -> None:
    where = "select ctid, xmin, line_id from analytics.lines order by line_id"
    before = there.rows(where)

    change(opened(there), {}, {"line": [row(line_id=22, sale_id=12, article_id=9)]})

    assert [line for line in there.rows(where) if line[2].int != 22] == [line for line in before if line[2].int != 22]


def test_what_became_of_rows_is_told_by_their_keys(there: InPostgreSQL) -> None:
    with changing(opened(there)) as changes:
        found = changes.outcomes("lines", keys([21, 71, 72, 99, 21])).sort_by("expires_on").to_pylist()
        assert [(one["key"].int, one["expires_on"], one["set_aside"]) for one in found if one["key"].int != 72] in (
            [(21, LATER, False), (71, LATER, True)],
            [(71, LATER, True), (21, LATER, False)],
        )
        assert [(one["expires_on"], one["set_aside"]) for one in found if one["key"].int == 72] == [(SOON, True)]
        assert len(found) == 3
        assert changes.outcomes("lines", keys([])).num_rows == 0
        assert numbers(changes.outcomes("lines")["key"].combine_chunks()) == [21, 22, 23, 24, 71, 72]


def test_keys_are_given_of_rows_published_and_set_aside(there: InPostgreSQL) -> None:
    with changing(opened(there)) as changes:
        assert numbers(changes.keys("lines")) == [21, 22, 23, 24, 71, 72]
        assert numbers(changes.keys("guests")) == [5]


def test_rows_are_found_by_what_they_refer_to(there: InPostgreSQL) -> None:
    with changing(opened(there)) as changes:
        assert numbers(changes.referring("lines", "sale_id", keys([11, 13, 99]))) == [21, 23, 71]
        assert numbers(changes.referring("letters", "buyer_id", keys([]))) == []


def test_a_table_is_counted_as_it_will_be(there: InPostgreSQL) -> None:
    with changing(opened(there)) as changes:
        replace(
            changes,
            {"line": [21, 72, 99]},
            {"line": [row(line_id=71), row(line_id=22)]},
            {"line": [row(line_id=23)]},
        )
        assert changes.standing("lines") == Standing(published=3, set_aside=1)
        assert changes.standing("sales") == Standing(published=4, set_aside=0)


def group(number: int, day: datetime.date | None, fate: Fate, reason: str | None = None) -> Row:
    """Make a row of a sale to a guest, out of which guests are made."""
    return row(LATER, guest_id=number, email=200 + number, on_day=day, _fate=int(fate), _reason=reason)


def test_groups_leave_and_are_made_anew_of_the_rows_that_are_given(there: InPostgreSQL) -> None:
    guests = policy().tables["guest"]
    schema = (
        staged_schema(policy(), guests).append(pa.field("_fate", pa.uint8())).append(pa.field("_reason", pa.string()))
    )
    rows = [
        group(6, SOON, Fate.PUBLISHED),
        group(6, LATER, Fate.PUBLISHED),
        group(7, None, Fate.QUARANTINED, "misfit"),
        group(7, None, Fate.QUARANTINED, "misfit"),
        group(8, None, Fate.EXPIRED),
    ]
    assert guests.derived
    with changing(opened(there)) as changes:
        batches = pa.RecordBatchReader.from_batches(schema, [batch_of(schema, []), batch_of(schema, rows)])
        grouped = changes.replace_groups("guests", keys([5, 6, 7, 8]), batches, guests.derived)
        assert changes.standing("guests") == Standing(published=1, set_aside=1)
        for name, table in policy().in_order():
            if name != "guest":
                changes.replace(
                    table.publish_as, keys([]), staged_schema(policy(), table), iter([]), 0, table.primary_key
                )
        changes.seal(record("run-2"), SEAL)
        changes.publish()

    assert grouped.fates == {Fate.PUBLISHED: 1, Fate.QUARANTINED: 1, Fate.EXPIRED: 1}
    assert there.rows("select guest_id, on_day from analytics.guests") == [(token(6), SOON)]
    assert there.rows("select key, email from sluis_private.guests") == [(token(6), token(206))]
    assert there.rows("select guest_id from sluis_quarantine.guests") == [(token(7),)] * 2


def test_of_groups_that_neither_leave_nor_come_nothing_is_made(there: InPostgreSQL) -> None:
    guests = policy().tables["guest"]
    schema = (
        staged_schema(policy(), guests).append(pa.field("_fate", pa.uint8())).append(pa.field("_reason", pa.string()))
    )
    assert guests.derived
    with changing(opened(there)) as changes:
        none = pa.RecordBatchReader.from_batches(schema, [batch_of(schema, [])])
        assert changes.replace_groups("guests", keys([]), none, guests.derived) == Grouped({}, {})
        assert changes.standing("guests") == Standing(published=1, set_aside=0)


@pytest.mark.parametrize(
    ("keys_before", "leave", "come"),
    [
        (pa.array([1, 2, 2**62]), pa.array([2, 2**62, 7]), pa.array([2, 3])),
        (pa.array(["a", "A", "a ", "it's"]), pa.array(["a", "it's"]), pa.array(["á", "it's"])),
        (pa.array([datetime.date(2020, 1, 1)]), pa.array([datetime.date(2020, 1, 1)]), pa.array([SOON])),
    ],
    ids=["numbers", "texts", "days"],
)
def test_keys_that_are_no_tokens_leave_and_come_as_they_are(
    postgres: PostgresServer, keys_before: pa.Array, leave: pa.Array, come: pa.Array
) -> None:
    there = InPostgreSQL(postgres.new_database())
    schema = pa.schema([("article", keys_before.type), ("_expires_on", pa.date32())])

    def rows(some: pa.Array) -> pa.RecordBatch:
        return pa.record_batch([some, pa.nulls(len(some), pa.date32())], schema=schema)

    warehouse, none = opened(there), schema.empty_table()
    with warehouse.exclusive("run-1"), warehouse.candidate("run-1") as candidate:
        candidate.stage("articles", schema, iter([rows(keys_before)]), 9, "article", Comments("", {}))
        candidate.quarantine("articles", none)
        candidate.seal(record("run-1"), SEAL)
        candidate.publish()
    with changing(warehouse) as changes:
        assert changes.outcomes("articles", leave)["key"].combine_chunks().type == keys_before.type
        changes.replace("articles", leave, schema, iter([rows(come)]), len(come), "article")
        changes.quarantine("articles", none)
        changes.seal(record("run-2"), SEAL)
        changes.publish()
    found = {key for (key,) in there.rows("select article from analytics.articles")}
    assert found == ({*keys_before.to_pylist()} - {*leave.to_pylist()}) | {*come.to_pylist()}


def test_a_hundred_thousand_keys_may_be_asked_for_and_leave(there: InPostgreSQL) -> None:
    many = range(20, 100_020)
    with changing(opened(there)) as changes:
        assert changes.outcomes("lines", keys(many)).num_rows == 6
    change(opened(there), {"line": many}, {})
    assert there.rows("select count(*) from analytics.lines") == [(0,)]


def test_where_nothing_changes_nothing_but_the_run_is_written(there: InPostgreSQL) -> None:
    before = there.hashes("analytics", "marts", "sluis_private", "sluis_quarantine")
    with changing(opened(there)) as changes:
        replace(changes, {}, {})
        assert [name for schema in MADE_ANEW for name in there.tables(schema)] == []
        changes.seal(record("run-2"), SEAL)
        changes.publish()
    assert there.hashes("analytics", "marts", "sluis_private", "sluis_quarantine") == before
    assert there.rows("select run_id from sluis_meta.run") == [("run-2",)]


def test_changes_that_are_not_published_leave_no_trace(there: InPostgreSQL) -> None:
    before = there.hashes("analytics", "sluis_private", "sluis_quarantine", "sluis_meta")
    with changing(opened(there)) as changes:
        replace(changes, {"line": [21]}, {"buyer": [row(buyer_id=1)]})
        changes.seal(record("run-2"), SEAL)
    assert there.hashes("analytics", "sluis_private", "sluis_quarantine", "sluis_meta") == before
    assert not there.schemas() & {*MADE_ANEW}


def test_nothing_can_change_where_nothing_is_published(postgres: PostgresServer) -> None:
    warehouse = PostgreSQLWarehouse(postgres.new_database())
    with pytest.raises(StoreError, match="nothing is published in"), changing(warehouse):
        pass


def test_a_warehouse_in_a_file_takes_no_changes(tmp_path: Any) -> None:
    assert at(tmp_path).changes("run-2") is None


def test_a_row_that_comes_beside_one_of_its_key_stops_the_publish(there: InPostgreSQL) -> None:
    with changing(opened(there)) as changes, pytest.raises(StoreError, match="SQLSTATE 23505"):
        schema = pa.schema([("line_id", pa.uuid()), ("sale_id", pa.uuid()), ("article_id", pa.uuid())])
        schema = schema.append(pa.field("_expires_on", pa.date32()))
        batch = pa.record_batch([keys([21]), keys([11]), keys([9]), pa.array([LATER])], schema=schema)
        changes.replace("lines", keys([22]), schema, iter([batch]), 1, "line_id")
        changes.quarantine("lines", pa.table({"line_id": keys([])}))
        changes.seal(record("run-2"), SEAL)
        changes.publish()
    assert there.rows("select count(*) from analytics.lines") == [(4,)]


TRIGGERS = {
    "touches another row": "update analytics.lines set article_id = null where line_id <> new.line_id; return new",
    "writes over the row that came": "update analytics.lines set article_id = null where sale_id = new.sale_id; "
    "return new",
    "lets a row not come": "return null",
    "takes out another row": "delete from analytics.lines where line_id <> new.line_id; return new",
    "lets another come": "if new.sale_id is not null then insert into analytics.lines (line_id) "
    "values (gen_random_uuid()); end if; return new",
    "takes out what is found, and hides it": "begin delete from analytics.lines where line_id <> new.line_id; "
    "raise 'undone'; exception when others then null; end; return new",
}


def meddling(there: InPostgreSQL, body: str) -> None:
    there.rows(
        f"create function public.meddle() returns trigger language plpgsql as $$ begin {body}; end $$; "
        "create trigger meddling after insert on analytics.lines for each row execute function public.meddle(); "
        "create trigger meddling_before before insert on analytics.lines for each row execute function public.meddle()"
    )


@pytest.mark.parametrize("body", TRIGGERS.values(), ids=TRIGGERS)
def test_a_change_of_any_other_row_is_found_and_undone(there: InPostgreSQL, body: str) -> None:
    meddling(there, body)
    before = there.hashes("analytics", "sluis_meta")

    with pytest.raises(VerificationError, match=r"lines: 4 rows were there, 1 were to leave and 1 to come"):
        change(opened(there), {}, {"line": [row(line_id=22, sale_id=12)]})

    assert there.hashes("analytics", "sluis_meta") == before


@pytest.mark.parametrize(
    "meddled",
    [
        "update analytics.articles set article_id = article_id",
        "delete from sluis_private.letters",
        "insert into sluis_quarantine.sales select from analytics.sales",
    ],
)
def test_a_change_in_a_table_that_was_to_stay_as_it_is_is_found_as_well(there: InPostgreSQL, meddled: str) -> None:
    meddling(there, f"{meddled}; return new")
    before = there.hashes("analytics", "sluis_meta", "sluis_private", "sluis_quarantine")

    with pytest.raises(VerificationError, match=r"^[a-z_]+\.[a-z]+: no row was to leave or to come; "):
        change(opened(there), {}, {"line": [row(line_id=22, sale_id=12)]})

    assert there.hashes("analytics", "sluis_meta", "sluis_private", "sluis_quarantine") == before


def test_where_the_server_counts_nothing_nothing_can_be_shown(there: InPostgreSQL) -> None:
    there.rows(f"alter database {there.url.database} set track_counts = off")
    with pytest.raises(StoreError, match=r"track_counts is off.*\n  Let an administrator set it on, or run"):
        change(opened(there), {}, {"line": [row(line_id=22, sale_id=12)]})
    assert there.rows("select run_id from sluis_meta.run") == [("run-1",)]


def test_an_index_that_does_not_change_as_its_rows_do_stops_the_publish(there: InPostgreSQL) -> None:
    there.rows("update sluis_private.buyers set key = gen_random_uuid()")
    with pytest.raises(
        VerificationError, match="index of buyers: 2 rows were there, 1 were to leave and 0 to come; 0 left"
    ):
        change(opened(there), {"buyer": [1]}, {})


def test_an_index_that_lacks_a_row_which_stays_stops_the_publish(there: InPostgreSQL) -> None:
    there.rows("delete from sluis_private.buyers where customer = '00000000-0000-0000-0000-000000000066'")
    with pytest.raises(VerificationError, match="index of buyers: 2 rows are published, 1 are indexed"):
        change(opened(there), {"buyer": [1]}, {})


def test_the_reader_reads_what_came_and_still_nothing_else(there: InPostgreSQL) -> None:
    change(opened(there), {}, {"buyer": [row(buyer_id=3, customer=3)]})
    assert there.rows("select count(*) from analytics.buyers", READER) == [(3,)]
    assert {schema for schema, *_ in there.seen()} == {"analytics"}
