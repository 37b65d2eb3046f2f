"""The tables of the shop, as docs/demo-shop.md and the policy file name them."""

import sqlite3

ID = "INTEGER PRIMARY KEY"
INT = "INTEGER"
TEXT = "TEXT"
MONEY = "DECIMAL(12,2)"


def reference(table: str) -> str:
    """A declared (never enforced: the shop has orphans) foreign key to the table's id."""
    key = "order_id" if table == "orders" else f"{table}_id"
    return f"INTEGER REFERENCES {table}({key})"


CUSTOMER, ORDER, INVOICE, PRODUCT = (reference(t) for t in ("customer", "orders", "invoice", "product"))

TABLES: dict[str, dict[str, str]] = {
    "customer": {
        "customer_id": ID, "first_name": TEXT, "initials": TEXT, "infix": TEXT, "last_name": TEXT, "email": TEXT,
        "phone": TEXT, "birth_date": TEXT, "gender": TEXT, "password_hash": TEXT, "last_login_ip": TEXT,
        "newsletter_opt_in": INT, "created_at": TEXT, "updated_at": TEXT,
    },
    "address": {
        "address_id": ID, "customer_id": CUSTOMER, "kind": TEXT, "street": TEXT, "house_number": TEXT,
        "postcode": TEXT, "city": TEXT, "province": TEXT, "country": TEXT, "updated_at": TEXT,
    },
    "vehicle": {
        "vehicle_id": ID, "customer_id": CUSTOMER, "licence_plate": TEXT, "vin": TEXT, "make": TEXT, "model": TEXT,
        "build_year": INT, "updated_at": TEXT,
    },
    "product": {
        "product_id": ID, "article_number": TEXT, "oem_code": TEXT, "name": TEXT, "category": TEXT, "colour": TEXT,
        "price": MONEY, "updated_at": TEXT,
    },
    "orders": {
        "order_id": ID, "order_number": TEXT, "customer_id": CUSTOMER, "email": TEXT, "placed_at": TEXT,
        "status": TEXT, "ip_address": TEXT, "payment_preference": TEXT, "delivery_cost": MONEY, "total": MONEY,
        "currency": TEXT, "note": TEXT, "updated_at": TEXT,
    },
    "order_line": {
        "order_line_id": ID, "order_id": ORDER, "product_id": PRODUCT, "quantity": INT, "price": MONEY,
        "colour": TEXT, "updated_at": TEXT,
    },
    "invoice": {
        "invoice_id": ID, "invoice_number": TEXT, "order_id": ORDER, "issued_at": TEXT, "total": MONEY, "vat": MONEY,
        "updated_at": TEXT,
    },
    "payment": {
        "payment_id": ID, "invoice_id": INVOICE, "method": TEXT, "iban": TEXT, "amount": MONEY, "paid_at": TEXT,
        "status": TEXT, "updated_at": TEXT,
    },
    "delivery": {
        "delivery_id": ID, "order_id": ORDER, "carrier": TEXT, "tracking_code": TEXT, "recipient_name": TEXT,
        "shipped_at": TEXT, "delivered_at": TEXT, "proof": TEXT, "updated_at": TEXT,
    },
    "purchase": {
        "purchase_id": ID, "supplier_name": TEXT, "supplier_contact": TEXT, "direction": TEXT, "goods": TEXT,
        "amount": MONEY, "purchased_at": TEXT, "updated_at": TEXT,
    },
    "collection_letter": {
        "collection_letter_id": ID, "invoice_id": INVOICE, "customer_id": CUSTOMER, "kind": TEXT, "amount": MONEY,
        "body": TEXT, "sent_at": TEXT, "closed_at": TEXT, "updated_at": TEXT,
    },
    "complaint": {
        "complaint_id": ID, "customer_id": CUSTOMER, "email": TEXT, "order_id": ORDER, "invoice_id": INVOICE,
        "category": TEXT, "subject": TEXT, "body": TEXT, "opened_at": TEXT, "handled_at": TEXT, "procedure": TEXT,
        "updated_at": TEXT,
    },
    "support_ticket": {
        "support_ticket_id": ID, "kind": TEXT, "customer_id": CUSTOMER, "name": TEXT, "email": TEXT, "phone": TEXT,
        "city": TEXT, "order_id": ORDER, "subject": TEXT, "body": TEXT, "created_at": TEXT, "closed_at": TEXT,
        "updated_at": TEXT,
    },
    "support_message": {
        "support_message_id": ID, "support_ticket_id": reference("support_ticket"), "author": TEXT, "body": TEXT,
        "sent_at": TEXT, "updated_at": TEXT,
    },
    "review": {
        "review_id": ID, "customer_id": CUSTOMER, "product_id": PRODUCT, "nickname": TEXT, "rating": INT,
        "body": TEXT, "created_at": TEXT, "updated_at": TEXT,
    },
    "social_contact": {
        "social_contact_id": ID, "platform": TEXT, "user_name": TEXT, "residence": TEXT, "email": TEXT,
        "gender": TEXT, "message": TEXT, "created_at": TEXT, "updated_at": TEXT,
    },
    "newsletter_subscription": {
        "newsletter_subscription_id": ID, "email": TEXT, "customer_id": CUSTOMER, "subscribed_at": TEXT,
        "unsubscribed_at": TEXT, "updated_at": TEXT,
    },
    "web_session": {
        "web_session_id": ID, "cookie_id": TEXT, "ip_address": TEXT, "user_agent": TEXT, "customer_id": CUSTOMER,
        "page_views": INT, "started_at": TEXT, "updated_at": TEXT,
    },
    "live_chat": {
        "live_chat_id": ID, "name": TEXT, "email": TEXT, "message": TEXT, "started_at": TEXT, "updated_at": TEXT,
    },
    "access_log": {
        "access_log_id": ID, "actor": TEXT, "action": TEXT, "ip_address": TEXT, "at": TEXT, "updated_at": TEXT,
    },
    "privacy_request": {
        "privacy_request_id": ID, "reference": TEXT, "request_right": TEXT, "customer_id": CUSTOMER, "email": TEXT,
        "received_at": TEXT, "state": TEXT, "updated_at": TEXT,
    },
    "legal_hold": {
        "legal_hold_id": ID, "matter": TEXT, "table_name": TEXT, "record_id": INT, "held_from": TEXT,
        "held_until": TEXT, "updated_at": TEXT,
    },
}  # fmt: skip


def create_tables(connection: sqlite3.Connection) -> None:
    """Create every table, empty."""
    for table, columns in TABLES.items():
        body = ", ".join(f"{name} {declared}" for name, declared in columns.items())
        connection.execute(f"CREATE TABLE {table} ({body})")


def create_indexes(connection: sqlite3.Connection) -> None:
    """Index the foreign keys; called after the rows are in, which is far quicker."""
    for table, columns in TABLES.items():
        for name, declared in columns.items():
            if "REFERENCES" in declared:
                connection.execute(f"CREATE INDEX {table}_by_{name} ON {table}({name})")
