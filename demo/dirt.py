"""The dirt of the shop, each kind with a name and a reason, counted on the rows as they are written."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from demo.pools import has_diacritics

Cell = Any


def _is_emoji(text: str) -> bool:
    return not text.isascii() and any(ord(c) >= 0x1F300 or 0x2600 <= ord(c) <= 0x27BF for c in text)


def _is_lower(text: str) -> bool:
    return len(text) > 20 and text == text.lower()


def _on_leap_day(text: str) -> bool:
    return text[5:10] == "02-29"


def _at_midnight(text: str) -> bool:
    return text[11:19] in ("23:59:59", "00:00:00")


def _at_year_end(text: str) -> bool:
    return _at_midnight(text) and text[5:10] in ("12-31", "01-01")


@dataclass(frozen=True)
class Kind:
    """One kind of dirt: where it lies, why it hurts, and (if a cell alone shows it) how a cell is recognised."""

    where: str
    why: str
    shows: Callable[[Cell], bool] | None = None


FREE_TEXTS: Final = (
    "orders.note collection_letter.body complaint.subject complaint.body support_ticket.subject support_ticket.body "
    "support_message.body review.body social_contact.message"
)
TIMES: Final = "orders.placed_at complaint.handled_at review.created_at"

KINDS: Final[dict[str, Kind]] = {
    "guest_later_account": Kind("orders.email", "a guest's token must not become the later account's"),
    "address_two_spellings": Kind("address.street", "one person's home looks like two"),
    "email_other_spelling": Kind("orders.email", "letter case and blanks split one person into several"),
    "email_plus_tag": Kind("customer.email", "tags stay distinct, and trip naive patterns", lambda v: "+" in v),
    "shared_email": Kind("customer.email", "an erasure by e-mail must not reach the other person"),
    "null_value": Kind(
        "customer.infix customer.email customer.phone customer.birth_date customer.gender orders.note address.province",
        "NULL must stay NULL", lambda v: v is None,
    ),
    "empty_string": Kind(
        "customer.infix customer.initials customer.phone customer.gender orders.note address.province "
        "social_contact.email",
        "an empty string is no value and must get no token", lambda v: v == "",
    ),
    "infix": Kind("customer.infix", "a surname is more than one word", bool),
    "diacritics": Kind("customer.first_name customer.last_name", "one letter, several byte forms", has_diacritics),
    "emoji": Kind(FREE_TEXTS, "characters beyond the basic plane shift naive offsets", _is_emoji),
    "ipv6": Kind(
        "orders.ip_address web_session.ip_address customer.last_login_ip", "masks made for IPv4", lambda v: ":" in v,
    ),
    "phone_plus31": Kind("customer.phone", "one number, many spellings", lambda v: v.startswith("+31")),
    "phone_0031": Kind("customer.phone", "one number, many spellings", lambda v: v.startswith("0031")),
    "phone_06": Kind("customer.phone", "one number, many spellings", lambda v: v.startswith("06")),
    "iban_with_blanks": Kind("payment.iban", "one account, two spellings", lambda v: " " in v),
    "lower_case_text": Kind(FREE_TEXTS, "names without capitals escape name finders", _is_lower),
    "personal_in_note": Kind("orders.note", "identifiers where nobody declared any"),
    "personal_in_subject": Kind("complaint.subject support_ticket.subject", "identifiers where nobody declared any"),
    "personal_in_body": Kind(
        "complaint.body support_ticket.body collection_letter.body", "identifiers where nobody declared any",
    ),
    "personal_in_message": Kind("support_message.body social_contact.message", "identifiers where nobody declared any"),
    "personal_in_review": Kind("review.body", "reviews are public, and now they name people"),
    "orphan_order": Kind("orders.customer_id", "the customer does not exist"),
    "orphan_order_line": Kind("order_line.order_id", "the order does not exist"),
    "orphan_payment": Kind("payment.invoice_id", "the invoice does not exist"),
    "orphan_delivery": Kind("delivery.order_id", "the order does not exist"),
    "orphan_address": Kind("address.customer_id", "the customer does not exist"),
    "orphan_vehicle": Kind("vehicle.customer_id", "the customer does not exist"),
    "orphan_review": Kind("review.product_id", "the product does not exist"),
    "duplicate_order_number": Kind("orders.order_number", "two orders would share a token"),
    "future_order": Kind("orders.placed_at", "a clock that starts after today"),
    "future_invoice": Kind("invoice.issued_at", "a clock that starts after today"),
    "future_complaint": Kind("complaint.opened_at", "a clock that starts after today"),
    "future_ticket": Kind("support_ticket.created_at", "a clock that starts after today"),
    "future_session": Kind("web_session.started_at", "a clock that starts after today"),
    "unhandled_complaint": Kind("complaint.handled_at", "no anchor: no clock runs", lambda v: v is None),
    "unhandled_old_with_order": Kind("complaint.handled_at", "open for over five years, yet the order's clock runs"),
    "unhandled_old_without_order": Kind("complaint.handled_at", "open for over five years, and no clock at all"),
    "complaint_with_order_only": Kind("complaint.order_id", "takes the order's clock"),
    "complaint_with_invoice_only": Kind("complaint.invoice_id", "takes the invoice's clock"),
    "complaint_with_both": Kind("complaint.order_id", "two clocks to choose from"),
    "complaint_with_neither": Kind("complaint.handled_at", "its own clock"),
    "complaint_of_guest": Kind("complaint.email", "found through the e-mail address only"),
    "procedure": Kind("complaint.procedure", "longer retention, by a hold", bool),
    "legal_hold": Kind("legal_hold.record_id", "keeps exactly its record in the source", bool),
    "failed_then_paid": Kind("payment.status", "two payments for one invoice"),
    "paid_in_parts": Kind("payment.amount", "payments only sum up together"),
    "unsubscribed": Kind("newsletter_subscription.unsubscribed_at", "must be in no marketing table", bool),
    "opted_out": Kind("customer.newsletter_opt_in", "must be in no marketing table", lambda v: v == 0),
    "leap_day": Kind(TIMES, "29 February plus n years", _on_leap_day),
    "near_midnight": Kind(TIMES, "another day, and another month, in UTC", _at_midnight),
    "year_end": Kind(TIMES, "another year in UTC", _at_year_end),
    "sql_injection": Kind("orders.note", "text that becomes a statement", lambda v: "DROP TABLE" in v),
    "formula_injection": Kind("support_ticket.subject", "text that a spreadsheet runs", lambda v: v.startswith("=")),
    "address_abroad": Kind("address.country", "no province, other postcodes", lambda v: v != "NL"),
}  # fmt: skip

_TAKES_EMPTY: Final = frozenset({"null_value", "empty_string", "unhandled_complaint", "opted_out"})


@dataclass
class DirtCount:
    """Counts dirt: by looking at cells, and by what the makers of rows say they planted."""

    found: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(KINDS, 0)))

    def plant(self, kind: str, rows: int) -> None:
        """Add rows of a kind that only their maker can recognise."""
        if KINDS[kind].shows is not None:
            raise ValueError(f"{kind} is counted by looking at cells")
        self.found[kind] += rows

    def look(self, table: str, columns: dict[str, Sequence[Cell]]) -> None:
        """Count what single cells of these rows show."""
        for kind, spec in KINDS.items():
            if spec.shows is None:
                continue
            for place in spec.where.split():
                owner, column = place.split(".")
                if owner == table:
                    self.found[kind] += _count(columns[column], spec.shows, kind in _TAKES_EMPTY)


def _count(cells: Sequence[Cell], shows: Callable[[Cell], bool], takes_empty: bool) -> int:
    return sum(1 for cell in cells if (takes_empty or cell) and shows(cell))
