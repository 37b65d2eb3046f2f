"""Proof of absence: people who were to be gone are looked for by row and by byte, and links are told by the index."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.errors import StoreError
from privacy.fates import Fate
from stores.warehouse import Found, Suppressed, Warehouse
from stores.warehouse.byte_search import places_of
from stores.warehouse.duckdb import DuckDBWarehouse
from tests.postgres import PostgresServer
from tests.small_warehouse import (
    ANNA,
    ANNAS_MAIL,
    BOB,
    BOBS_MAIL,
    GUESTS_MAIL,
    SEAL,
    SHOP,
    at,
    erased,
    mac,
    policy,
    publish,
    record,
    row,
)
from tests.warehouses import AnyWarehouse, InPostgreSQL

RANDOM = [uuid.UUID(int=0xA5 << 120 | 0xD1CE << 64 | n * 0x9E3779B97F4A7C15 % 2**63) for n in range(1, 9)]
"""Values with no zero bytes to meet by chance."""
ANNAS = Suppressed(Fate.ERASED, "customer", RANDOM[0].bytes)
KEYS = {"sales": pa.array([RANDOM[1].bytes], pa.uuid())}
UNCOMPRESSED = "set force_compression = 'uncompressed'"


def with_anna(warehouse: Warehouse) -> None:
    """Publish a shop in which Anna has a random MAC, her sale a random key, and one of her sales is set aside."""
    sale = row(sale_id=RANDOM[1].int, buyer_id=ANNA, email=ANNAS_MAIL) | {"_customer": RANDOM[0].int}
    aside = row(sale_id=RANDOM[2].int) | {"_customer": RANDOM[0].int, "_reason": "strange"}
    line = row(line_id=21, sale_id=RANDOM[1].int)
    shop = {**SHOP, "sale": [*SHOP["sale"], sale], "line": [line], "invoice": [], "letter": []}
    publish(warehouse, shop, {"sale": [aside]})


def remove(warehouse: Warehouse, *suppressed: Suppressed) -> Mapping[str, pa.Array]:
    with warehouse.exclusive("run-2"), warehouse.remains("run-2") as remains:
        remains.doom(policy(), suppressed, None)
        keys = remains.doomed_keys()
        remains.fill()
        remains.accept()
        remains.seal(record("run-2"), SEAL)
        remains.publish()
    return keys


@pytest.fixture
def shop(tmp_path: Path) -> DuckDBWarehouse:
    warehouse = at(tmp_path)
    with_anna(warehouse)
    return warehouse


@pytest.fixture
def warehouse(anywhere: AnyWarehouse) -> Warehouse:
    """Give an empty warehouse of each kind."""
    return anywhere.open()


# ── by row and by byte ────────────────────────────────────────────────────────────────────────────────────────────


def test_before_an_erasure_everything_is_found_and_after_it_nothing(shop: DuckDBWarehouse) -> None:
    before = shop.look_for([ANNAS], KEYS)

    keys = remove(shop, ANNAS)

    after = shop.look_for([ANNAS], KEYS)
    live, private = "warehouse.duckdb", "warehouse.duckdb.private-run-1"
    assert before == Found({"sales": 1}, {"sales": 1, "lines": 1}, {"sales": 1}, {}, 0, {}, before.places, 2)
    assert before.places.keys() == {live, private}
    assert keys["sales"].to_pylist() == [RANDOM[1]]
    assert after == Found({}, {}, {}, {}, 0, sought=2)
    assert (before.nothing, after.nothing) == (False, True)


def written(folder: Path, *statements: str) -> Path:
    with duckdb.connect(str(file := folder / "planted.duckdb")) as connection:
        for statement in statements:
            connection.execute(statement)
    return file


@pytest.mark.parametrize("setting", [UNCOMPRESSED, "set force_compression = 'auto'"])
def test_a_planted_token_is_found_in_a_file_among_many_rows(tmp_path: Path, setting: str) -> None:
    """As many rows as make a row group, in the order of their tokens, as published tables are."""
    rows = "select uuid() as token, uuid() as other from range(130000)"
    planted = f"select uuid '{RANDOM[0]}', uuid '{RANDOM[1]}'"

    file = written(tmp_path, setting, f"create table t as from ({rows} union all {planted}) order by token")

    assert places_of([file], [RANDOM[0].bytes]) == {file.name: 1}
    assert places_of([file], [RANDOM[1].bytes]) == {file.name: 1}
    assert places_of([file], [RANDOM[2].bytes]) == {}


def test_keys_stand_in_the_files_as_they_are_though_neighbours_begin_alike(tmp_path: Path) -> None:
    """Left alone, DuckDB stores of such tokens what differs, and no search of bytes finds them."""
    warehouse, first = at(tmp_path), RANDOM[4].int
    sales = [row(sale_id=first + n, email=GUESTS_MAIL) for n in range(5000)]
    publish(warehouse, {"sale": sales})
    sought = [uuid.UUID(int=first + 4321).bytes]

    assert list(places_of(tmp_path.iterdir(), sought).values()) == [1, 1], "in the file, and in the private one"
    remove(warehouse, erased(ANNA))
    assert list(places_of(tmp_path.iterdir(), sought).values()) == [1, 1]


def test_a_deleted_row_is_found_where_a_file_was_changed_in_place(tmp_path: Path) -> None:
    """This is why what remains is a new file."""
    delete = f"delete from t where token = '{RANDOM[0]}'"
    planted = f"create table t as select uuid '{RANDOM[0]}' as token union all select uuid() from range(5000)"

    file = written(tmp_path, planted, "checkpoint", delete, "checkpoint")

    assert places_of([file], [RANDOM[0].bytes]) == {file.name: 1}


@pytest.mark.parametrize("setting", [UNCOMPRESSED, "set force_compression = 'auto'"])
def test_nothing_of_who_left_stands_in_any_file_whatever_its_compression(tmp_path: Path, setting: str) -> None:
    warehouse = at(tmp_path)
    with_anna(warehouse)
    with warehouse.exclusive("run-2"), warehouse.remains("run-2") as remains:
        remains._connection.execute(setting)
        remains.doom(policy(), [ANNAS], None)
        remains.fill()
        remains.seal(record("run-2"), SEAL)
        remains.publish()

    stays, gone = mac(100 + BOB), RANDOM[:3]
    files = list(tmp_path.iterdir())
    assert places_of(files, [value.bytes for value in gone]) == {}
    assert "warehouse.duckdb.private-run-2" in places_of(files, [stays]), "the search finds nothing at all"


def test_the_bytes_of_every_file_that_bears_the_name_are_searched(shop: DuckDBWarehouse) -> None:
    remove(shop, ANNAS)
    (folder := shop.beside("work")).mkdir()
    (folder / "spill.tmp").write_bytes(b"\x01" * 50 + RANDOM[0].bytes)
    shop.beside("wal").write_bytes(str(RANDOM[1]).encode())
    shop.beside("bak").write_bytes(RANDOM[0].hex.encode() + RANDOM[0].bytes[::-1])
    (shop.live.parent / "another.duckdb").write_bytes(RANDOM[0].bytes)

    found = shop.look_for([ANNAS], KEYS)

    assert found.places == {"spill.tmp": 1, "warehouse.duckdb.wal": 1, "warehouse.duckdb.bak": 2}


OTHERS = [uuid.uuid5(uuid.NAMESPACE_OID, str(number)).bytes for number in range(400)]


def forms(value: bytes) -> list[bytes]:
    """Spell a value: as it is, as DuckDB stores it (two words, the lower first, the top bit turned), and otherwise."""
    high, low, turn = int.from_bytes(value[:8], "big"), value[8:], 1 << 63
    stored = low[::-1] + (high ^ turn).to_bytes(8, "little")
    text = str(uuid.UUID(bytes=value))
    spelt = [text.encode(), text.replace("-", "").encode()]
    return [value, stored, value[::-1], (high ^ turn).to_bytes(8, "big") + low, *spelt]


@given(
    st.binary(min_size=16, max_size=16),
    st.integers(0, 400),
    st.integers(40, 97),
    st.integers(0, 5),
    st.sampled_from([0, 400]),
)
def test_a_value_is_found_once_wherever_chunks_end(value: bytes, at: int, chunk: int, form: int, others: int) -> None:
    """A byte that the value has not is put around it; many are sought in another way than few."""
    (around, *_) = set(range(256)) - set(value) - {byte ^ 0x80 for byte in value} - set(b"0123456789abcdef-")
    planted = forms(value)[form]
    with Written(bytes([around]) * at + planted + bytes([around]) * 50) as file:
        assert places_of([file], [value, *OTHERS[:others]], chunk) == {file.name: 1}


class Written:
    """A file of some bytes, for as long as it is looked at."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __enter__(self) -> Path:
        import tempfile

        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(self._data)
        self._path = Path(file.name)
        return self._path

    def __exit__(self, *_: object) -> None:
        self._path.unlink()


# ── the rules, said a second time ─────────────────────────────────────────────────────────────────────────────────


def test_rows_of_an_account_do_not_count_for_its_address(warehouse: Warehouse) -> None:
    """Bob's sale names the guest's address; it stays, so its address is not sought in the bytes."""
    publish(warehouse, SHOP)

    before = warehouse.look_for([erased(email=GUESTS_MAIL)], {})
    remove(warehouse, erased(email=GUESTS_MAIL))
    after = warehouse.look_for([erased(email=GUESTS_MAIL)], {})

    assert before.index == {"sales": 1, "guests": 1, "chats": 1}
    assert after == Found({}, {}, {}, {}, 1)


def test_a_later_generation_is_spared_by_an_erasure_only(warehouse: Warehouse) -> None:
    publish(warehouse, {"sale": [row(sale_id=11, customer=ANNA) | {"_generation": 71}, row(sale_id=12, customer=BOB)]})
    restricted = Suppressed(Fate.RESTRICTED, "customer", mac(100 + ANNA), frozenset({mac(71)}))

    found = {
        "erased": warehouse.look_for([erased(ANNA, None, 71)], {}).index,
        "erased again": warehouse.look_for([erased(ANNA, None, 71), erased(ANNA, None, 72)], {}).index,
        "restricted": warehouse.look_for([restricted], {}).index,
    }

    assert found == {"erased": {}, "erased again": {"sales": 1}, "restricted": {"sales": 1}}


def test_an_index_that_lacks_rows_is_told(shop: DuckDBWarehouse) -> None:
    name = shop.private_file()
    assert name
    with duckdb.connect(str(shop.live.with_name(name))) as connection:
        connection.execute(f"delete from sluis_private.sales where customer = '{RANDOM[0]}'")

    found = shop.look_for([ANNAS], {})

    assert (found.index, found.unindexed) == ({}, {"sales": 1})


def test_where_nothing_is_published_nothing_can_be_looked_for(warehouse: Warehouse) -> None:
    with pytest.raises(StoreError, match=r"nothing is published (at|in) "):
        warehouse.look_for([ANNAS], {})


def test_in_postgresql_everything_is_found_by_row_before_an_erasure_and_nothing_after_it(
    postgres: PostgresServer,
) -> None:
    warehouse = InPostgreSQL(postgres.new_database()).open()
    with_anna(warehouse)
    before = warehouse.look_for([ANNAS], KEYS)

    keys = remove(warehouse, ANNAS)

    assert before == Found({"sales": 1}, {"sales": 1, "lines": 1}, {"sales": 1}, {}, 0)
    assert keys["sales"].to_pylist() == [RANDOM[1]]
    assert warehouse.look_for([ANNAS], KEYS) == Found({}, {}, {}, {}, 0)


@pytest.mark.parametrize(
    ("where", "planted"),
    [
        (
            "elsewhere",
            f"create schema sluis_staging authorization sluis_writer; create table sluis_staging.left as "
            f"select uuid '{RANDOM[0]}' as of; alter table sluis_staging.left owner to sluis_writer",
        ),
        ("quarantine", f"insert into sluis_quarantine.sales (_customer) values ('{RANDOM[0]}')"),
        ("published", f"insert into analytics.lines (line_id, sale_id) values ('{RANDOM[5]}', '{RANDOM[1]}')"),
        ("index", f"insert into sluis_private.sales (customer) values ('{RANDOM[0]}')"),
    ],
)
def test_in_postgresql_what_is_left_in_any_table_is_found(postgres: PostgresServer, where: str, planted: str) -> None:
    there = InPostgreSQL(postgres.new_database())
    warehouse = there.open()
    with_anna(warehouse)
    remove(warehouse, ANNAS)

    there.rows(planted)

    assert sum(getattr(warehouse.look_for([ANNAS], KEYS), where).values()) == 1


def test_looking_leaves_nothing_behind(shop: DuckDBWarehouse) -> None:
    before = sorted(shop.live.parent.iterdir())

    shop.look_for([ANNAS], KEYS)

    assert sorted(shop.live.parent.iterdir()) == before


# ── what the index knows ──────────────────────────────────────────────────────────────────────────────────────────


def test_links_are_the_pairs_that_one_row_has(warehouse: Warehouse) -> None:
    """A letter names an account alone, a guest an address alone: neither makes a pair."""
    publish(warehouse, SHOP)
    annas, bobs = mac(100 + ANNA), mac(100 + BOB)
    pairs = {(annas, mac(ANNAS_MAIL)), (bobs, mac(BOBS_MAIL)), (bobs, mac(GUESTS_MAIL))}

    assert set(warehouse.links("customer", [annas, bobs])) == pairs
    assert list(warehouse.links("customer", [annas])) == [(annas, mac(ANNAS_MAIL))]
    assert list(warehouse.links("email", [mac(GUESTS_MAIL)])) == [(bobs, mac(GUESTS_MAIL))]
    assert list(warehouse.links("email", [annas])) == list(warehouse.links("email", [])) == []


def test_an_identifier_is_known_where_any_row_has_it(warehouse: Warehouse) -> None:
    assert warehouse.known("customer", [mac(100 + ANNA)]) == set()
    publish(warehouse, SHOP)

    assert warehouse.known("customer", [mac(100 + ANNA), mac(GUESTS_MAIL)]) == {mac(100 + ANNA)}
    assert warehouse.known("email", [mac(100 + ANNA), mac(GUESTS_MAIL)]) == {mac(GUESTS_MAIL)}
