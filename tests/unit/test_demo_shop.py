"""The demo shop keeps its contract: schema, coherence, privacy rules of its own, dirt on purpose, exact truth."""

import datetime as dt
import json
import re
import sqlite3
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from demo import clock, identifiers
from demo.dirt import KINDS
from demo.goods import public_words
from demo.pools import ascii_form, is_shop_last_name, load_pools, reserved_names
from demo.shop import ShopReport, build_shop
from demo.templates import BY_COLUMN
from demo.texts import SLOTS
from demo.world import FAR

TODAY = dt.date(2026, 1, 15)
DOCS = Path(__file__).parents[2] / "docs" / "demo-shop.md"

COLUMNS = {
    "customer": "customer_id first_name initials infix last_name email phone birth_date gender password_hash "
    "last_login_ip newsletter_opt_in created_at",
    "address": "address_id customer_id kind street house_number postcode city province country",
    "vehicle": "vehicle_id customer_id licence_plate vin make model build_year",
    "product": "product_id article_number oem_code name category colour price",
    "orders": "order_id order_number customer_id email placed_at status ip_address payment_preference delivery_cost "
    "total currency note",
    "order_line": "order_line_id order_id product_id quantity price colour",
    "invoice": "invoice_id invoice_number order_id issued_at total vat",
    "payment": "payment_id invoice_id method iban amount paid_at status",
    "delivery": "delivery_id order_id carrier tracking_code recipient_name shipped_at delivered_at proof",
    "purchase": "purchase_id supplier_name supplier_contact direction goods amount purchased_at",
    "collection_letter": "collection_letter_id invoice_id customer_id kind amount body sent_at closed_at",
    "complaint": "complaint_id customer_id email order_id invoice_id category subject body opened_at handled_at "
    "procedure",
    "support_ticket": "support_ticket_id kind customer_id name email phone city order_id subject body created_at "
    "closed_at",
    "support_message": "support_message_id support_ticket_id author body sent_at",
    "review": "review_id customer_id product_id nickname rating body created_at",
    "social_contact": "social_contact_id platform user_name residence email gender message created_at",
    "newsletter_subscription": "newsletter_subscription_id email customer_id subscribed_at unsubscribed_at",
    "web_session": "web_session_id cookie_id ip_address user_agent customer_id page_views started_at",
    "live_chat": "live_chat_id name email message started_at",
    "access_log": "access_log_id actor action ip_address at",
    "privacy_request": "privacy_request_id reference request_right customer_id email received_at state",
    "legal_hold": "legal_hold_id matter table_name record_id held_from held_until",
}
MONEY = {"price", "delivery_cost", "total", "vat", "amount"}
INTEGERS = {"build_year", "quantity", "rating", "page_views", "newsletter_opt_in", "record_id"}
TIMES = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0[12]:00")
EMAIL = re.compile(r"[\w.+-]+@[\w.-]+")


class Shop:
    """A built shop with what its builder said about it."""

    def __init__(self, folder: Path, orders: int, seed: int = 1) -> None:
        self.path, self.truth_path = folder / "shop.sqlite", folder / "truth.jsonl"
        self.report: ShopReport = build_shop(self.path, orders=orders, seed=seed, today=TODAY, truth=self.truth_path)
        self.connection = sqlite3.connect(self.path)
        self.truth = [json.loads(line) for line in self.truth_path.read_text(encoding="utf-8").splitlines()]

    def rows(self, sql: str) -> list[tuple]:
        return self.connection.execute(sql).fetchall()

    def cells(self, column: str) -> list:
        """The values, without NULL and empty ones, of a column given as table.column."""
        table, name = column.split(".")
        return [cell for (cell,) in self.rows(f"SELECT {name} FROM {table}") if cell not in (None, "")]

    def dump(self) -> dict[str, list[tuple]]:
        return {table: self.rows(f"SELECT * FROM {table}") for table in COLUMNS}

    def texts(self) -> list[tuple[str, str]]:
        """Every text cell of the shop with its column."""
        found = []
        for table, names in COLUMNS.items():
            for name in names.split():
                found += [(f"{table}.{name}", cell) for cell in self.cells(f"{table}.{name}") if isinstance(cell, str)]
        return found


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return Shop(tmp_path_factory.mktemp("shop"), orders=2_000)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return Shop(tmp_path_factory.mktemp("tiny"), orders=50)


def test_the_same_orders_seed_and_today_give_the_same_rows(tiny, tmp_path):
    again = Shop(tmp_path, orders=50)

    assert again.dump() == tiny.dump()
    assert again.truth == tiny.truth
    assert again.report == tiny.report


def test_another_seed_gives_other_people(tiny, tmp_path):
    assert set(Shop(tmp_path, orders=50, seed=2).cells("customer.email")).isdisjoint(tiny.cells("customer.email"))


def test_tables_columns_and_their_order_are_those_of_the_contract(tiny):
    tables = [name for (name,) in tiny.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid")]
    assert set(tables) == set(COLUMNS)
    for table, names in COLUMNS.items():
        found = [row[1] for row in tiny.rows(f"PRAGMA table_info({table})")]
        assert found == [*names.split(), "updated_at"], table


def test_declared_types_are_integer_text_and_decimal(tiny):
    for table in COLUMNS:
        for _, name, declared, _, _, key in tiny.rows(f"PRAGMA table_info({table})"):
            number = name in INTEGERS or (name.endswith("_id") and name != "cookie_id")
            assert declared == ("DECIMAL(12,2)" if name in MONEY else "INTEGER" if number else "TEXT"), (table, name)
            assert bool(key) == (name == COLUMNS[table].split()[0])


def test_foreign_keys_are_declared_and_indexed(tiny):
    declared = {(t, row[3], row[2]) for t in COLUMNS for row in tiny.rows(f"PRAGMA foreign_key_list({t})")}

    assert {("orders", "customer_id", "customer"), ("order_line", "order_id", "orders")} <= declared
    assert ("support_message", "support_ticket_id", "support_ticket") in declared
    assert {f"{table}_by_{column}" for table, column, _ in declared} == {
        name for (name,) in tiny.rows("SELECT name FROM sqlite_master WHERE type = 'index'")
    }


def test_every_table_has_rows_but_the_live_chat(tiny):
    counted = {table: len(rows) for table, rows in tiny.dump().items()}

    assert counted == tiny.report.rows
    assert {table for table, n in counted.items() if n == 0} == {"live_chat"}


def test_a_shop_of_fifty_orders_has_every_kind_of_dirt(tiny):
    assert set(tiny.report.dirt) == set(KINDS)
    assert [kind for kind, n in tiny.report.dirt.items() if n == 0] == []


def test_every_kind_of_dirt_is_documented():
    page = DOCS.read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"`{kind}`" not in page] == []


def test_fewer_than_fifty_orders_are_refused(tmp_path):
    with pytest.raises(ValueError, match="a shop has at least 50 orders, not 49"):
        build_shop(tmp_path / "shop.sqlite", orders=49, today=TODAY)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_build_leaves_the_old_shop_and_no_draft(tmp_path):
    target = tmp_path / "shop.sqlite"
    build_shop(target, orders=50, today=TODAY)
    before = target.read_bytes()

    def fail(table: str, rows: int) -> None:
        if table == "review":
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        build_shop(target, orders=60, today=TODAY, truth=tmp_path / "truth.jsonl", on_progress=fail)
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


def test_progress_tells_the_rows_so_far(tmp_path):
    told = {}
    report = build_shop(tmp_path / "shop.sqlite", orders=50, today=TODAY, on_progress=told.__setitem__)
    assert told == {table: n for table, n in report.rows.items() if table != "live_chat"}


def test_order_totals_are_lines_plus_delivery_to_the_cent(shop):
    lines = Counter()
    for order, quantity, price in shop.rows("SELECT order_id, quantity, price FROM order_line"):
        lines[order] += quantity * round(price * 100)
    for order, delivery, total in shop.rows("SELECT order_id, delivery_cost, total FROM orders"):
        assert lines[order] + round(delivery * 100) == round(total * 100)


def test_invoices_bill_the_order_and_show_the_vat_within(shop):
    both = shop.rows("SELECT i.total, o.total, vat, status FROM invoice i JOIN orders o USING (order_id)")
    assert len(both) == shop.report.rows["invoice"]
    for billed, ordered, vat, status in both:
        assert billed == ordered
        assert abs(vat * 121 - billed * 21) <= 0.61
        assert status != "cancelled"


def test_the_paid_payments_of_an_invoice_sum_up_to_it(shop):
    paid = shop.rows(
        "SELECT round(sum(amount) * 100), round(total * 100) FROM payment JOIN invoice USING (invoice_id) "
        "WHERE status = 'paid' GROUP BY invoice_id"
    )
    assert len(paid) > 0.9 * shop.report.rows["invoice"]
    assert all(amount == total for amount, total in paid)


def test_things_happen_in_order_and_before_today(shop):
    after = (
        "SELECT shipped_at, delivered_at FROM delivery", "SELECT opened_at, handled_at FROM complaint",
        "SELECT issued_at, paid_at FROM payment JOIN invoice USING (invoice_id) WHERE issued_at < '2026-01-15'",
        "SELECT placed_at, shipped_at FROM delivery JOIN orders USING (order_id) WHERE placed_at < '2026-01-15'",
        "SELECT created_at, placed_at FROM customer JOIN orders USING (customer_id)",
        "SELECT subscribed_at, unsubscribed_at FROM newsletter_subscription",
        "SELECT sent_at, closed_at FROM collection_letter",
    )  # fmt: skip
    for sql in after:
        for first, second in shop.rows(sql):
            assert second is None or dt.datetime.fromisoformat(first) < dt.datetime.fromisoformat(second), sql
    for table in COLUMNS:
        assert max(shop.cells(f"{table}.updated_at"), default="") < "2026-01-15", table


def test_history_is_ten_years_long_and_grows(shop):
    placed = shop.cells("orders.placed_at")
    years = Counter(moment[:4] for moment in placed if moment < "2026-01-15")
    assert min(placed) >= "2016-01-15"
    assert {str(year) for year in range(2016, 2026)} <= set(years)
    assert years["2016"] < years["2020"] < years["2025"]


def test_times_are_iso_with_the_offset_of_amsterdam(shop):
    amsterdam = ZoneInfo("Europe/Amsterdam")
    for table, names in COLUMNS.items():
        for name in [*names.split(), "updated_at"]:
            if not name.endswith(("_at", "held_from", "held_until")) and name != "at":
                continue
            for cell in shop.cells(f"{table}.{name}"):
                assert TIMES.fullmatch(cell)
                moment = dt.datetime.fromisoformat(cell)
                assert moment.utcoffset() == moment.astimezone(amsterdam).utcoffset(), cell


def test_future_dates_lie_after_the_real_clock(shop):
    now = dt.datetime.now(dt.UTC)
    for kind, column in (
        ("future_order", "orders.placed_at"), ("future_invoice", "invoice.issued_at"),
        ("future_complaint", "complaint.opened_at"), ("future_ticket", "support_ticket.created_at"),
        ("future_session", "web_session.started_at"),
    ):  # fmt: skip
        late = [cell for cell in shop.cells(column) if cell >= "2026-01-15"]
        assert len(late) == shop.report.dirt[kind]
        assert all(dt.datetime.fromisoformat(cell) > now + dt.timedelta(days=28) for cell in late)


def test_orphans_refer_to_nothing_and_are_few(shop):
    orphans = {
        "orphan_order": ("orders", "customer_id", "customer", "customer_id"),
        "orphan_order_line": ("order_line", "order_id", "orders", "order_id"),
        "orphan_payment": ("payment", "invoice_id", "invoice", "invoice_id"),
        "orphan_delivery": ("delivery", "order_id", "orders", "order_id"),
        "orphan_address": ("address", "customer_id", "customer", "customer_id"),
        "orphan_vehicle": ("vehicle", "customer_id", "customer", "customer_id"),
        "orphan_review": ("review", "product_id", "product", "product_id"),
    }
    for kind, (table, column, target, key) in orphans.items():
        found = shop.rows(f"SELECT {column} FROM {table} WHERE {column} NOT IN (SELECT {key} FROM {target})")
        assert len(found) == shop.report.dirt[kind]
        assert len(found) == 1 or len(found) < 0.003 * shop.report.rows[table]
        assert all(reference > FAR for (reference,) in found)


def test_every_other_reference_holds(shop):
    orphaned = {("orders", "customer_id"), ("order_line", "order_id"), ("payment", "invoice_id")}
    orphaned |= {("delivery", "order_id"), ("address", "customer_id"), ("vehicle", "customer_id")}
    orphaned |= {("review", "product_id")}
    broken = {(table, key) for table, _, _, index in shop.rows("PRAGMA foreign_key_check") for key in [
        next(row[3] for row in shop.rows(f"PRAGMA foreign_key_list({table})") if row[0] == index)
    ]}  # fmt: skip
    assert broken == orphaned


def test_guests_later_get_an_account(shop):
    later = shop.rows(
        "SELECT count(DISTINCT order_id) FROM orders o JOIN customer c ON lower(trim(o.email)) = c.email "
        "WHERE o.customer_id IS NULL AND c.created_at > o.placed_at"
    )
    assert later[0][0] >= 0.8 * shop.report.dirt["guest_later_account"] > 0


def test_two_customers_share_an_email_and_two_orders_a_number(shop):
    shared = [n for n in Counter(shop.cells("customer.email")).values() if n > 1]
    doubled = [n for n in Counter(shop.cells("orders.order_number")).values() if n > 1]

    assert sum(shared) - len(shared) == shop.report.dirt["shared_email"]
    assert sum(doubled) - len(doubled) == shop.report.dirt["duplicate_order_number"]


def test_one_person_has_two_spellings_of_an_address(shop):
    homes = shop.rows("SELECT customer_id, house_number, street, postcode FROM address")
    spellings: dict[tuple, set] = {}
    for customer, number, street, postcode in homes:
        spellings.setdefault((customer, number, postcode.replace(" ", "").upper()), set()).add((street, postcode))
    twice = sum(1 for found in spellings.values() if len(found) == 2)
    assert twice == shop.report.dirt["address_two_spellings"]


def test_about_one_order_in_seven_is_by_a_guest_with_an_email(shop):
    guests = shop.rows("SELECT email FROM orders WHERE customer_id IS NULL")
    assert 0.1 < len(guests) / 2_000 < 0.2
    assert all(email for (email,) in guests)


def test_complaints_in_a_procedure_are_held_with_their_evidence(shop):
    held = set(shop.rows("SELECT table_name, record_id FROM legal_hold"))
    disputes = shop.rows("SELECT complaint_id, order_id, invoice_id FROM complaint WHERE procedure IS NOT NULL")

    expected = {("complaint", c) for c, _, _ in disputes} | {("orders", o) for _, o, _ in disputes if o}
    assert held == expected | {("invoice", i) for _, _, i in disputes if i}


def test_at_most_25_people_ask_for_their_rights(shop, tiny):
    assert len(shop.cells("privacy_request.email")) == len(set(shop.cells("privacy_request.email"))) == 25
    assert len(tiny.cells("privacy_request.email")) <= 25
    for customer, email in shop.rows("SELECT customer_id, email FROM privacy_request WHERE customer_id IS NOT NULL"):
        assert shop.rows(f"SELECT email FROM customer WHERE customer_id = {customer}") == [(email,)]


def test_spans_cut_personal_values_out_of_the_text_as_stored(shop):
    number = re.compile(r"ap\d{11}", re.IGNORECASE)
    for entry in shop.truth:
        key = f"{entry['table']}_id" if entry["table"] != "orders" else "order_id"
        stored = shop.rows(f"SELECT {entry['column']} FROM {entry['table']} WHERE {key} = {entry['id']}")
        assert stored == [(entry["text"],)]
        for span in entry["spans"]:
            value = entry["text"][span["start"] : span["end"]]
            assert value and value == value.strip()
            assert span["type"] != "order_number" or number.fullmatch(value)
            assert span["type"] != "email" or EMAIL.fullmatch(value)


def test_no_pattern_of_an_identifier_stands_outside_the_spans(shop):
    pattern = re.compile(
        r"[\w.+-]+@[\w.-]+\w|\b(ap|fa)\d{11}\b|\+31|\b0\d{9}\b|\bnl\d\d\s?[a-z]{4}|2001:db8|\b10\.\d", re.IGNORECASE
    )
    for entry in shop.truth:
        rest = list(entry["text"])
        for span in entry["spans"]:
            rest[span["start"] : span["end"]] = "_" * (span["end"] - span["start"])
        assert not pattern.search("".join(rest)), entry


def test_every_free_text_is_in_the_truth_with_and_without_spans(shop):
    stored = sum(len(shop.cells(f"{table}.{column}")) for table, column in [*BY_COLUMN, ("support_message", "body")])
    assert len(shop.truth) == stored
    assert 0.2 < sum(not entry["spans"] for entry in shop.truth) / stored < 0.8
    assert {span["type"] for entry in shop.truth for span in entry["spans"]} == {kind for kind, _ in SLOTS.values()}


def test_emails_are_at_reserved_example_domains_only(shop):
    for column, text in shop.texts():
        for email in EMAIL.findall(text):
            domain = email.split("@")[1].rstrip(".").lower()
            assert re.fullmatch(r"([\w-]+\.)*(example\.(com|org|net)|[\w-]+\.(example|test))", domain), column


def test_no_ip_address_ends_in_zero_or_is_a_real_one(shop):
    for column in ("customer.last_login_ip", "orders.ip_address", "web_session.ip_address", "access_log.ip_address"):
        for address in shop.cells(column):
            assert re.match(r"10\.|192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|2001:db8:", address)
            assert not address.endswith((".0", ":0", "::"))


def test_numbers_and_nicknames_have_the_shapes_that_searches_rely_on(shop):
    assert all(re.fullmatch(r"AP\d{11}", number) for number in shop.cells("orders.order_number"))
    assert all(re.fullmatch(r"FA\d{11}", number) for number in shop.cells("invoice.invoice_number"))
    assert all(re.search(r"[a-z]\d+$", name) for name in shop.cells("review.nickname"))
    assert all(re.search(r"[a-z]\d+$", name) for name in shop.cells("social_contact.user_name"))
    assert all(len(code) >= 13 for code in shop.cells("delivery.tracking_code"))
    assert all(re.fullmatch(r"[0-9a-f]{32}", cookie) for cookie in shop.cells("web_session.cookie_id"))
    assert all(re.fullmatch(r"[A-HJ-NPR-Z0-9]{17}", vin) for vin in shop.cells("vehicle.vin"))
    assert all(re.fullmatch(r"[0-9A-Z-]{8}", plate) for plate in shop.cells("vehicle.licence_plate"))
    bcrypt_or_argon = re.compile(r"\$2b\$12\$[./\w]{53}|\$argon2id\$v=19\$m=65536,t=3,p=4\$[+/\w]{22}\$[+/\w]{43}")
    assert all(bcrypt_or_argon.fullmatch(value) for value in shop.cells("customer.password_hash"))


def test_ibans_have_right_checksums(shop):
    for iban in shop.cells("payment.iban"):
        digits = "".join(str(int(c, 36)) for c in (iban.replace(" ", "")[4:] + iban[:4]))
        assert int(digits) % 97 == 1


def test_phones_are_ten_digits_in_ranges_nobody_has(shop):
    for phone in shop.cells("customer.phone"):
        national = re.sub(r"^(\+31|0031)", "0", phone.replace("(0)", "").replace(" ", "").replace("-", ""))
        assert re.fullmatch(r"060\d{7}|0\d{1,3}0\d{5,6}", national), phone
        assert len(national) == 10
    forms = {identifiers.phone_form("6 01234567", form) for form in range(len(identifiers.PHONE_FORMS))}
    assert len(forms) == len(identifiers.PHONE_FORMS)


def test_what_may_be_published_never_holds_a_name_of_a_person(shop):
    names = {ascii_form(name) for name in [*shop.cells("customer.first_name"), *shop.cells("customer.last_name")]}
    public = {ascii_form(word) for word in public_words()}
    for column in ("product.name", "product.category", "product.colour", "address.province", "delivery.carrier"):
        public |= {ascii_form(value) for value in shop.cells(column)}
    assert [(name, value) for name in names for value in public if name in value] == []


def test_the_shop_uses_its_half_of_the_last_names_only(shop):
    assert set(shop.cells("customer.last_name")) <= reserved_names()
    assert all(is_shop_last_name(name) for name in load_pools().last)
    assert len(load_pools().last) > 200
    assert [is_shop_last_name(name) for name in ("Jansen", "Bakker", "Mulder", "Özdemir")] == [True, True, False, False]


def test_provinces_belong_to_their_postcodes(shop):
    dutch = shop.rows("SELECT city, province, postcode FROM address WHERE country = 'NL'")
    assert {province for _, province, _ in dutch} == {
        "Drenthe", "Flevoland", "Friesland", "Gelderland", "Groningen", "Limburg", "Noord-Brabant", "Noord-Holland",
        "Overijssel", "Utrecht", "Zeeland", "Zuid-Holland",
    }  # fmt: skip
    assert all(re.fullmatch(r"[1-9]\d{3} ?[A-Za-z]{2}", postcode) for _, _, postcode in dutch)
    assert all(1011 <= int(postcode[:4]) <= 1109 for city, _, postcode in dutch if city == "Amsterdam")
    assert shop.rows("SELECT count(*) FROM address WHERE country <> 'NL' AND province <> ''") == [(0,)]


def test_offsets_agree_with_the_time_zone_database():
    rng = np.random.default_rng(7)
    moments = rng.integers(1_000_000_000, 2_500_000_000, 500)
    expected = [clock.local(moment).utcoffset().total_seconds() for moment in moments.tolist()]
    assert clock.offsets(moments).tolist() == expected
    assert clock.iso(np.array([clock.NEVER])) == [None]


def test_the_file_is_left_in_rollback_journal_mode(tiny):
    assert tiny.rows("PRAGMA journal_mode") == [("delete",)]
    assert tiny.rows("PRAGMA integrity_check") == [("ok",)]
