"""Remains: rows leave the published file for good, with what follows them, and everything else stays as it was."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from privacy.errors import PolicyError, StoreError, VerificationError
from privacy.fates import Fate
from privacy.policy import Policy
from privacy.policy_file import read_policy
from stores.warehouse import Remaining, Seal, Suppressed, Warehouse
from stores.warehouse.duckdb import DuckDBWarehouse
from stores.warehouse.duckdb_file import ROWS_AN_INSERT
from tests.small_warehouse import (
    ANNA,
    ANNAS_MAIL,
    BOB,
    GUEST,
    GUESTS_MAIL,
    LATER,
    POLICY,
    READ_AT,
    SHOP,
    Rows,
    at,
    contents,
    erased,
    in_words_of,
    mac,
    policy,
    publish,
    record,
    row,
    session_of,
)
from tests.warehouses import AnyWarehouse

pytestmark = pytest.mark.long

TODAY = datetime.date(2026, 11, 1)
PAST = datetime.date(2026, 11, 1)
SEAL = Seal("erasure", "ledger-1", 1, "ab12", 1, READ_AT)


def remove(
    warehouse: Warehouse, *suppressed: Suppressed, as_of: datetime.date | None = None
) -> tuple[Mapping[str, Remaining], Mapping[str, pa.Array]]:
    """Publish what remains; give the counts and the keys that left."""
    with warehouse.exclusive("run-2"), warehouse.remains("run-2") as remains:
        remains.doom(policy(), suppressed, as_of)
        counts, keys = remains.counts(), remains.doomed_keys()
        remains.fill()
        remains.accept()
        remains.seal(record("run-2"), SEAL)
        remains.publish()
    return counts, keys


@pytest.fixture
def warehouse(anywhere: AnyWarehouse) -> Warehouse:
    """Give an empty warehouse of each kind."""
    return anywhere.open()


@pytest.fixture
def shop(warehouse: Warehouse) -> Warehouse:
    """Give one of each kind with a shop in it."""
    publish(warehouse, SHOP)
    return warehouse


@pytest.fixture
def shop_file(tmp_path: Path) -> DuckDBWarehouse:
    """Give the shop in a file."""
    warehouse = at(tmp_path)
    publish(warehouse, SHOP)
    return warehouse


def keys(rows: Rows) -> dict[str, list[int]]:
    """Give the keys of tables that have rows, in their order."""
    return {name: [one[f"{name}_id"] for one in some] for name, some in rows.items() if some}


# ── who leaves ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_erased_account_leaves_with_all_that_follows_it(shop: Warehouse) -> None:
    counts, gone = remove(shop, erased(ANNA))

    shown, _, index = contents(shop)
    assert keys(shown) == {
        "buyer": [BOB],
        "guest": [GUEST],
        "sale": [12, 13, 14],
        "article": [9],
        "line": [22, 23, 24],
        "invoice": [32, 33, 34],
        "letter": [42, 43],
        "chat": [51, 52],
    }
    assert {name: [one["key"] for one in rows] for name, rows in index.items()} == {
        name: keys(shown)[name] for name in index
    }
    assert shown["letter"][0] == {"letter_id": 42, "buyer_id": BOB, "_expires_on": LATER}, "of Anna's invoice nothing"
    assert counts["sales"] == Remaining(4, {Fate.ERASED: 1}, {}, 0, {})
    assert (counts["letters"].after, counts["letters"].unlinked) == (2, {"invoice_id": {Fate.ERASED: 1}})
    assert {name: [key.as_py().int for key in some] for name, some in gone.items() if len(some)} == {
        "buyers": [ANNA],
        "sales": [11],
        "lines": [21],
        "invoices": [31],
        "letters": [41],
    }


def test_an_address_takes_the_rows_that_name_no_account(shop: Warehouse) -> None:
    """Bob's sale went to the same address, but is Bob's."""
    remove(shop, erased(email=GUESTS_MAIL))

    shown, _, _ = contents(shop)
    assert {name: keys(shown)[name] for name in ("sale", "line", "letter", "chat", "buyer")} == {
        "sale": [11, 12, 14],
        "line": [21, 22, 24],
        "letter": [41, 42, 43],
        "chat": [52],
        "buyer": [ANNA, BOB],
    }
    assert "guest" not in keys(shown)
    assert shown["chat"] == [{"chat_id": 52, "_expires_on": LATER}], "a token that is no declared reference leaves too"


def test_an_address_of_an_account_takes_no_row_of_that_account(shop: Warehouse) -> None:
    before = contents(shop)

    remove(shop, erased(email=ANNAS_MAIL))

    assert contents(shop) == before


def test_rows_of_a_later_generation_are_spared_by_an_erasure_only(warehouse: Warehouse) -> None:
    came_back = [
        {**row(sale_id=10 + n, customer=ANNA), "_generation": generation} for n, generation in ((1, 71), (2, 72))
    ]
    before = {"sale": [row(sale_id=10, customer=ANNA), *came_back], "line": [row(line_id=21, sale_id=11)]}
    of = {
        "erased once": [erased(ANNA, None, 71, 72)],
        "erased again": [erased(ANNA, None, 71, 72), erased(ANNA, None, 72)],
    }
    of["restricted"] = [Suppressed(Fate.RESTRICTED, "customer", mac(101), frozenset({mac(71), mac(72)}))]
    left = {}
    for case, suppressed in of.items():
        publish(warehouse, before)
        remove(warehouse, *suppressed)
        left[case] = keys(contents(warehouse)[0])

    assert left == {
        "erased once": {"sale": [11, 12], "line": [21]},
        "erased again": {"sale": [12]},
        "restricted": {},
    }


def test_time_takes_rows_whose_clock_has_run_out_and_their_children(warehouse: Warehouse) -> None:
    publish(
        warehouse,
        {
            "sale": [row(sale_id=11, expires=PAST, customer=ANNA), row(sale_id=12, customer=ANNA)],
            "line": [row(line_id=21, sale_id=11), row(line_id=22, sale_id=12)],
            "invoice": [row(invoice_id=31, sale_id=11)],
            "chat": [row(chat_id=51, guest_token=GUEST)],
            "guest": [row(guest_id=GUEST, expires=PAST)],
        },
    )

    counts, _ = remove(warehouse, as_of=TODAY)

    shown, _, _ = contents(warehouse)
    assert keys(shown) == {"sale": [12], "line": [22], "invoice": [31], "chat": [51]}
    assert shown["invoice"] == [{"invoice_id": 31, "_expires_on": LATER}], "it has a clock of its own"
    assert counts["invoices"].unlinked == {"sale_id": {Fate.EXPIRED: 1}}
    assert shown["chat"][0]["guest_token"] == GUEST, "no declared reference: it may name other rows as well"


def test_without_a_day_no_clock_is_looked_at(warehouse: Warehouse) -> None:
    publish(warehouse, {"sale": [row(sale_id=11, expires=PAST)]})

    remove(warehouse, erased(ANNA))

    assert keys(contents(warehouse)[0]) == {"sale": [11]}


def test_a_row_counts_once_at_the_first_fate_that_applies(warehouse: Warehouse) -> None:
    publish(warehouse, {"sale": [row(sale_id=10 + n, customer=n, expires=PAST) for n in range(4)]})
    fates = {1: (Fate.OBJECTED, Fate.ERASED), 2: (Fate.OBJECTED, Fate.RESTRICTED), 3: (Fate.OBJECTED,)}
    suppressed = [Suppressed(f, "customer", mac(100 + n)) for n, some in fates.items() for f in some]

    counts, _ = remove(warehouse, *suppressed, as_of=TODAY)

    each = (Fate.ERASED, Fate.RESTRICTED, Fate.OBJECTED, Fate.EXPIRED)
    assert counts["sales"].removed == dict.fromkeys(each, 1)


def test_quarantined_rows_leave_with_their_person_and_their_parent(warehouse: Warehouse) -> None:
    strange = {"_reason": "strange"}
    aside = {
        "sale": [
            {**row(sale_id=11, customer=ANNA), **strange},
            {**row(customer=ANNA), **strange},
            {**row(sale_id=12, customer=BOB), **strange},
            {**row(customer=BOB), **strange},
            {**row(sale_id=14, expires=PAST), **strange},
        ],
        "line": [{**row(line_id=n, sale_id=n - 10), **strange} for n in (21, 22, 23)],
        "letter": [{**row(letter_id=41, customer=BOB, invoice_id=33), **strange}],
    }
    publish(warehouse, {"sale": [row(sale_id=13, customer=ANNA)], "invoice": [row(invoice_id=33, sale_id=13)]}, aside)

    counts, _ = remove(warehouse, erased(ANNA), as_of=TODAY)

    _, left, _ = contents(warehouse)
    assert [one.get("sale_id") for one in left["sale"]] == [12, None]
    assert keys({"line": left["line"]}) == {"line": [22]}
    assert "invoice_id" not in left["letter"][0]
    assert counts["sales"].set_aside_removed == {Fate.ERASED: 2, Fate.EXPIRED: 1}
    assert (counts["lines"].set_aside_before, counts["lines"].set_aside_after) == (3, 1)


def test_nobody_leaves_when_nobody_must(shop: Warehouse) -> None:
    before = contents(shop)

    counts, gone = remove(shop, as_of=TODAY)

    assert contents(shop) == before
    assert {name for name, table in counts.items() if table.removed or table.unlinked} == set()
    assert sum(map(len, gone.values())) == 0


# ── what stays ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_rows_stay_in_their_order_beyond_a_row_group(tmp_path: Path) -> None:
    """Every seventh row leaves, by an index that stands in another order."""
    warehouse, many = at(tmp_path), 2 * ROWS_AN_INSERT + 5
    publish(warehouse, {"sale": [row(sale_id=1, customer=0)]})
    grow(warehouse, many)

    counts, _ = remove(warehouse, erased(7))

    with duckdb.connect(str(warehouse.live), read_only=True) as connection:
        found = connection.execute("select list(sale_id order by rowid) from analytics.sales").fetchall()[0][0]
    assert [key.int for key in found] == [n for n in range(many) if n % 7]
    assert counts["sales"].removed == {Fate.ERASED: -(-many // 7)}


def grow(warehouse: DuckDBWarehouse, rows: int) -> None:
    """Give the published sales many rows, in place: every seventh of account 7."""
    name = warehouse.private_file()
    assert name
    statements = {}
    key = "lpad(format('{:x}', range), 32, '0')::uuid"
    statements[warehouse.live] = (
        f"create or replace table analytics.sales as select s.* replace ({key} as sale_id) "
        f"from analytics.sales s, range({rows}) order by range"
    )
    seven = "lpad(format('{:x}', 107), 32, '0')::uuid"
    statements[warehouse.live.with_name(name)] = (
        f"create or replace table sluis_private.sales as "
        f"select s.* replace ({key} as key, case when range % 7 = 0 then {seven} end as customer) "
        f"from sluis_private.sales s, range({rows}) order by hash(range)"
    )
    for file, statement in statements.items():
        file.chmod(0o600)
        with duckdb.connect(str(file)) as connection:
            connection.execute(statement)


def test_once_published_no_second_name_of_the_file_of_before_is_left(shop_file: DuckDBWarehouse) -> None:
    """Whoever looks for traces then, still holding the remains, must not find them in a file that is about to go."""
    with shop_file.exclusive("run-2"), shop_file.remains("run-2") as remains:
        remains.doom(policy(), [erased(ANNA)], None)
        remains.fill()
        remains.seal(record("run-2"), SEAL)
        remains.publish()

        left = [path.name for path in shop_file.beside("work").iterdir()]

    assert left == []


def test_comments_and_marts_stay(tmp_path: Path) -> None:
    warehouse = at(tmp_path)
    marts = [
        "create table marts.turnover (month date, n integer)",
        "insert into marts.turnover values ('2026-01-01', 10), ('2026-02-01', 20)",
        "comment on table marts.turnover is 'What''s sold.'",
        "comment on column marts.turnover.n is 'How much.'",
    ]
    publish(warehouse, SHOP, marts=marts)
    comments = (
        "select table_name, comment from duckdb_tables() union all "
        "select column_name, comment from duckdb_columns() where not internal order by all"
    )
    with duckdb.connect(str(warehouse.live), read_only=True) as connection:
        before = connection.execute(comments).fetchall()

    remove(warehouse, erased(ANNA))

    with duckdb.connect(str(warehouse.live), read_only=True) as connection:
        assert connection.execute(comments).fetchall() == before
        assert ("turnover", "What's sold.") in before
        assert connection.execute("from marts.turnover").fetchall() == [
            (datetime.date(2026, 1, 1), 10),
            (datetime.date(2026, 2, 1), 20),
        ]


def test_the_file_is_of_the_run_that_made_it(shop_file: DuckDBWarehouse) -> None:
    remove(shop_file, erased(ANNA))

    said = shop_file.published()
    assert said
    assert (said.run_id, said.kind, said.receipts, said.head) == ("run-2", "erasure", 1, "ab12")
    assert sorted(path.name for path in shop_file.live.parent.iterdir()) == [
        "warehouse.duckdb",
        "warehouse.duckdb.lock",
        "warehouse.duckdb.private-run-2",
    ]


def test_left_without_publishing_it_is_gone(shop_file: DuckDBWarehouse) -> None:
    before = (shop_file.live.read_bytes(), sorted(shop_file.live.parent.iterdir()))

    with shop_file.exclusive("run-2"), shop_file.remains("run-2") as remains:
        remains.doom(policy(), [erased(ANNA)], None)
        remains.fill()

    assert (shop_file.live.read_bytes(), sorted(shop_file.live.parent.iterdir())) == before


# ── refusals ──────────────────────────────────────────────────────────────────────────────────────────────────────


SPOILT = {
    "a row too many stays": (
        "insert into {after[analytics]}.sales select * from {before[analytics]}.sales order by sale_id limit 1",
        "sales: 4 rows were there",
    ),
    "a row too few stays": (
        "delete from {after[analytics]}.articles",
        "articles: 1 rows were there, 0 were to leave, 0 remain",
    ),
    "a doomed row instead of another": (
        "update {after[analytics]}.buyers "
        "set buyer_id = (select buyer_id from {before[analytics]}.buyers order by 1 limit 1)",
        "buyers: 1 rows remain of those that were to leave",
    ),
    "a value differs": (
        "update {after[analytics]}.lines set article_id = null "
        "where line_id = (select line_id from {after[analytics]}.lines order by 1 desc limit 1)",
        "lines: of 3 rows that were to remain some are not what they were",
    ),
    "a reference to a doomed row stays": (
        "update {after[analytics]}.letters "
        "set invoice_id = (select invoice_id from {before[analytics]}.invoices order by 1 limit 1)",
        "letters: of 2 rows",
    ),
    "the index keeps a row": (
        "insert into {after[sluis_private]}.sales select * from {before[sluis_private]}.sales limit 1",
        "index of sales: 3 rows were to remain, 4 do",
    ),
    "quarantine keeps a row": (
        "insert into {after[sluis_quarantine]}.sales select * from {before[sluis_quarantine]}.sales limit 1",
        "sales in quarantine: 1 rows were there, 1 were to leave, 1 remain",
    ),
    "a mart differs": ("insert into {after[marts]}.turnover values (1)", "turnover: 1 rows were to remain, 2 do"),
}


@pytest.mark.parametrize("way", SPOILT)
def test_what_is_not_as_decided_is_not_published(warehouse: Warehouse, way: str) -> None:
    statement, told = SPOILT[way]
    aside = {"sale": [{**row(sale_id=19, customer=ANNA), "_reason": "strange"}]}
    publish(warehouse, SHOP, aside, ["create table {after[marts]}.turnover as select 1 as n"])
    before = contents(warehouse)

    with warehouse.exclusive("run-2"), warehouse.remains("run-2") as remains:
        remains.doom(policy(), [erased(ANNA)], None)
        remains.fill()
        remains.accept()
        session_of(remains).execute(in_words_of(warehouse, statement))
        with pytest.raises(VerificationError, match="what remains is not what was decided") as refused:
            remains.accept()

    assert told in str(refused.value)
    assert "\n  The warehouse is as it was." in str(refused.value)
    assert contents(warehouse) == before


def test_nothing_can_leave_where_nothing_is_published(warehouse: Warehouse) -> None:
    with (
        pytest.raises(StoreError, match=r"nothing is published (at|in) "),
        warehouse.exclusive("run-2"),
        warehouse.remains("run-2"),
    ):
        pass


def test_without_the_private_file_nobody_can_be_found(shop_file: DuckDBWarehouse) -> None:
    name = shop_file.private_file()
    assert name
    shop_file.live.with_name(name).unlink()

    with pytest.raises(StoreError, match=r"private file .* is missing.\n  Run `sluis run`"), shop_file.remains("run-2"):
        pass


def doomed_by(warehouse: Warehouse, rules: Policy) -> None:
    with warehouse.exclusive("run-2"), warehouse.remains("run-2") as remains:
        remains.doom(rules, [erased(ANNA)], None)


def test_a_warehouse_without_an_index_is_refused(shop_file: DuckDBWarehouse) -> None:
    name = shop_file.private_file()
    assert name
    with duckdb.connect(str(shop_file.live.with_name(name))) as connection:
        connection.execute("alter table sluis_private.sales drop email")

    with pytest.raises(StoreError, match="sales has no private index of customer, email"):
        doomed_by(shop_file, policy())


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("publish_as: chats", "publish_as: talks", "is published: chats, talks"),
        ("guest_token:", "guest_name:", "is published: chats.guest_name, chats.guest_token"),
    ],
)
def test_a_policy_that_is_not_that_of_the_file_is_refused(shop: Warehouse, old: str, new: str, told: str) -> None:
    rules = read_policy(POLICY.replace(old, new), "policy.yaml")

    with pytest.raises(PolicyError, match="not the policy of what is published") as refused:
        doomed_by(shop, rules)

    assert told in str(refused.value)


def test_what_somebody_wrote_beside_the_published_file_is_not_taken_along(shop_file: DuckDBWarehouse) -> None:
    before, ours = contents(shop_file), shop_file.live.read_bytes()
    shop_file.live.chmod(0o644)
    with duckdb.connect(str(shop_file.live)) as theirs:
        theirs.execute("delete from analytics.buyers")
        log = shop_file.beside("wal").read_bytes()
    shop_file.live.write_bytes(ours)
    shop_file.beside("wal").write_bytes(log)

    remove(shop_file)

    assert contents(shop_file) == before
