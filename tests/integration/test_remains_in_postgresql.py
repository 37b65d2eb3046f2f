"""What remains in PostgreSQL: new tables in the order of the old ones, as they were, and nothing left beside them."""

from __future__ import annotations

import datetime

import pytest

from privacy.errors import StoreError
from stores.warehouse import Suppressed
from stores.warehouse.postgresql import PostgreSQLWarehouse
from tests.postgres import PostgresServer
from tests.small_warehouse import ANNA, SEAL, SHOP, contents, erased, policy, publish, record, row
from tests.warehouses import InPostgreSQL

MARTS = [
    "create table {after[marts]}.turnover (month date, n integer)",
    "insert into {after[marts]}.turnover values ('2026-01-01', 10), ('2026-02-01', 20)",
    "comment on table {after[marts]}.turnover is 'What''s sold, in %.'",
    "comment on column {after[marts]}.turnover.n is 'How much.'",
]


@pytest.fixture
def there(postgres: PostgresServer) -> InPostgreSQL:
    """Give a database of its own."""
    return InPostgreSQL(postgres.new_database())


@pytest.fixture
def shop(there: InPostgreSQL) -> PostgreSQLWarehouse:
    """Give a shop in it, with a mart, and one of Anna's sales set aside."""
    warehouse = there.open()
    assert isinstance(warehouse, PostgreSQLWarehouse)
    publish(warehouse, SHOP, {"sale": [{**row(sale_id=19, customer=ANNA), "_reason": "strange"}]}, MARTS)
    return warehouse


def remove(warehouse: PostgreSQLWarehouse, *suppressed: Suppressed) -> None:
    with warehouse.exclusive("run-2"), warehouse.remains("run-2") as remains:
        remains.doom(policy(), suppressed, None)
        remains.fill()
        remains.accept()
        remains.seal(record("run-2"), SEAL)
        remains.publish()


DESCRIBED = """\
select n.nspname, c.relname, c.relkind, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       a.attcollation, coalesce(a.attstattarget, -1), col_description(c.oid, a.attnum), obj_description(c.oid),
       pg_get_userbyid(c.relowner)
from pg_class c join pg_namespace n on n.oid = relnamespace join pg_attribute a on attrelid = c.oid and attnum > 0
where nspname in ('analytics', 'marts', 'sluis_private', 'sluis_quarantine') order by 1, 2, a.attnum"""


def test_tables_are_what_they_were_keys_comments_and_private_columns_without_statistics(
    shop: PostgreSQLWarehouse, there: InPostgreSQL
) -> None:
    before = there.rows(DESCRIBED)

    remove(shop, erased(ANNA))

    assert there.rows(DESCRIBED) == before
    assert {row[9] for row in before if row[1] == "turnover"} == {"What's sold, in %."}
    assert {row[7] for row in before if row[0] in ("sluis_private", "sluis_quarantine")} == {0}
    assert there.rows("select * from marts.turnover") == [
        (datetime.date(2026, 1, 1), 10),
        (datetime.date(2026, 2, 1), 20),
    ]


def test_rows_stay_in_the_order_of_their_keys_among_many(there: InPostgreSQL) -> None:
    """Every seventh row leaves, by an index that stands in another order."""
    warehouse, many = there.open(), 20_000
    assert isinstance(warehouse, PostgreSQLWarehouse)
    publish(warehouse, {"sale": [row(sale_id=1, customer=0)]})
    key = "lpad(to_hex(n), 32, '0')::uuid"
    there.rows(
        "delete from analytics.sales; delete from sluis_private.sales; "
        f"insert into analytics.sales (sale_id) select {key} from generate_series(0, {many - 1}) n; "
        "insert into sluis_private.sales (key, customer) select "
        f"{key}, case when n % 7 = 0 then lpad(to_hex(107), 32, '0')::uuid end "
        f"from generate_series(0, {many - 1}) n order by hashint4(n)"
    )

    remove(warehouse, erased(7))

    keys = [sale.int for (sale,) in there.rows("select sale_id from analytics.sales order by ctid")]
    assert keys == [n for n in range(many) if n % 7]


@pytest.mark.parametrize("published", [True, False])
def test_nothing_is_left_beside_what_is_published(
    shop: PostgreSQLWarehouse, there: InPostgreSQL, published: bool
) -> None:
    before = contents(shop)

    with shop.exclusive("run-2"):
        with shop.remains("run-2") as remains:
            remains.doom(policy(), [erased(ANNA)], None)
            remains.fill()
            remains.seal(record("run-2"), SEAL)
            if published:
                remains.publish()
        left = there.rows(
            "select nspname, relname from pg_class join pg_namespace n on n.oid = relnamespace "
            "where relkind = 'r' and (nspname like 'sluis_staging%' or nspname like 'pg_temp%' "
            "or relname = 'candidate')"
        )

    assert left == []
    assert (contents(shop) == before) != published


def test_a_warehouse_without_an_index_is_refused(shop: PostgreSQLWarehouse, there: InPostgreSQL) -> None:
    there.rows("alter table sluis_private.sales drop email")

    with (
        pytest.raises(StoreError, match="sales has no private index of customer, email"),
        shop.exclusive("run-2"),
        shop.remains("run-2") as remains,
    ):
        remains.doom(policy(), [erased(ANNA)], None)
