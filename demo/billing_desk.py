"""Fills invoices, payments and dunning letters of the orders, chunk by chunk."""

from typing import Final

import numpy as np

from demo import identifiers
from demo.arrays import Bools, Ints, Objects, chance, either, euros, handful, id_or_null, ids, objects, pick
from demo.clock import DAY, HOUR, NEVER, iso
from demo.goods import LETTER_KINDS, METHODS_WITH_IBAN, PAYMENT_METHODS
from demo.orders import Orders
from demo.texts import Author
from demo.world import FAR, World

AT_ONCE, FAILED_FIRST, IN_PARTS, UNPAID = range(4)
PLANTED: Final = (FAILED_FIRST, IN_PARTS, *[UNPAID] * 8)
"""How the oldest invoices of a shop were paid."""
OUTCOME_SHARES: Final = (92.5, 5, 1, 1.5)
LETTER_SHARE: Final = 0.67


class BillingDesk:
    """Writes what is owed and what is paid; the paid payments of a paid invoice sum up to its total."""

    def __init__(self, world: World, orders: Orders) -> None:
        """Start with payment 1 and letter 1."""
        self._world, self._orders = world, orders
        self._rng, self._letters = world.stream("billing desk"), world.scribe("collection_letter")
        self._next_payment = self._next_letter = 1

    def write(self, which: Ints, totals: Ints) -> None:
        """Write invoices, payments and letters of these orders, given their totals in cents."""
        has = self._orders.invoice[which] > 0
        which, totals = which[has], totals[has]
        if which.size:
            self._write_invoices(which, totals)
            unpaid = self._write_payments(which, totals)
            self._write_letters(which[unpaid], totals[unpaid])

    def _write_invoices(self, which: Ints, totals: Ints) -> None:
        orders = self._orders
        future = np.isin(which, orders.future_invoices)
        shown = orders.invoiced[which]
        shown[future] = self._world.calendar.future(self._rng, int(future.sum()))
        self._world.shop.dirt.plant("future_invoice", int(future.sum()))
        self._world.shop.write("invoice", {
            "invoice_id": orders.invoice[which],
            "invoice_number": [orders.invoice_number(order) for order in which.tolist()],
            "order_id": which + 1,
            "issued_at": iso(shown),
            "total": euros(totals),
            "vat": euros(vat_within(totals)),
            "updated_at": iso(orders.invoiced[which]),
        })  # fmt: skip

    def _write_payments(self, which: Ints, totals: Ints) -> Bools:
        """One row, or two where the first attempt failed or paid a part; returns where nobody paid."""
        rng, n = self._rng, which.size
        outcome = pick(rng, [AT_ONCE, FAILED_FIRST, IN_PARTS, UNPAID], n, OUTCOME_SHARES).astype(np.int64)
        if self._next_payment == 1:
            outcome[: len(PLANTED)] = PLANTED
        first = self._world.calendar.later(rng, self._orders.invoiced[which], 60, 3 * DAY)
        second = self._world.calendar.later(rng, first, HOUR, 9 * DAY)
        outcome[first == NEVER] = UNPAID
        outcome[(second == NEVER) & (outcome != UNPAID)] = AT_ONCE
        twice = (outcome == FAILED_FIRST) | (outcome == IN_PARTS)
        row = np.sort(np.concatenate([np.flatnonzero(outcome != UNPAID), np.flatnonzero(twice)]))
        again = np.concatenate([[False], row[1:] == row[:-1]])
        parts = np.where(outcome[row] == IN_PARTS, totals[row] // 3, totals[row])
        amounts = np.where(again & (outcome[row] == IN_PARTS), totals[row] - totals[row] // 3, parts)
        failed = ~again & (outcome[row] == FAILED_FIRST)
        self._world.shop.dirt.plant("failed_then_paid", int((outcome == FAILED_FIRST).sum()))
        self._world.shop.dirt.plant("paid_in_parts", int((outcome == IN_PARTS).sum()))
        invoices = self._orders.invoice[which[row]]
        self._write_payment_rows(invoices, amounts, np.where(again, second[row], first[row]), failed)
        if which[-1] >= np.flatnonzero(self._orders.invoice)[-1]:
            n = min(handful(self._next_payment), row.size)
            self._world.shop.dirt.plant("orphan_payment", n)
            self._write_payment_rows(invoices[-1] + FAR + np.arange(n), amounts[:n], first[row[:n]], failed[:n])
        unpaid: Bools = outcome == UNPAID
        return unpaid

    def _write_payment_rows(self, invoices: Ints, amounts: Ints, moments: Ints, failed: Bools) -> None:
        n = invoices.size
        methods = pick(self._rng, PAYMENT_METHODS, n, (62, 12, 12, 8, 6))
        self._world.shop.write("payment", {
            "payment_id": ids(self._next_payment, n),
            "invoice_id": invoices,
            "method": methods,
            "iban": self._ibans(methods),
            "amount": euros(amounts),
            "paid_at": iso(moments),
            "status": either(failed, "failed", "paid"),
            "updated_at": iso(moments),
        })  # fmt: skip
        self._next_payment += n

    def _ibans(self, methods: Objects) -> list[str | None]:
        """An account number where the method shows one, some of them printed in groups."""
        numbers = identifiers.ibans(self._rng, len(methods))
        blanks = chance(self._rng, 0.03, len(methods))
        blanks[np.flatnonzero(np.isin(methods, METHODS_WITH_IBAN))[:1]] = True
        return [
            (identifiers.spaced(number) if blank else number) if method in METHODS_WITH_IBAN else None
            for number, method, blank in zip(numbers, methods.tolist(), blanks.tolist(), strict=True)
        ]

    def _write_letters(self, which: Ints, totals: Ints) -> None:
        """Letters about most unpaid invoices, a month or more after them."""
        calendar, orders, rng = self._world.calendar, self._orders, self._rng
        dunned = chance(rng, LETTER_SHARE, which.size)
        if self._next_letter == 1:
            dunned[: len(PLANTED)] = True
        sent = calendar.later(rng, orders.invoiced[which], 30 * DAY, 120 * DAY)
        dunned &= sent != NEVER
        which, totals, sent = which[dunned], totals[dunned], sent[dunned]
        closed = calendar.later(rng, sent, 3 * DAY, 200 * DAY)
        letters = ids(self._next_letter, which.size)
        bodies = [self._letter(letter, order) for letter, order in zip(letters.tolist(), which.tolist(), strict=True)]
        self._world.shop.write("collection_letter", {
            "collection_letter_id": letters,
            "invoice_id": orders.invoice[which],
            "customer_id": id_or_null(orders.customer_ids(which)),
            "kind": pick(rng, LETTER_KINDS, which.size, (50, 25, 12, 8, 5)),
            "amount": euros(totals),
            "body": objects(bodies),
            "sent_at": iso(sent),
            "closed_at": iso(np.where(chance(rng, 0.1, which.size), NEVER, closed)),
            "updated_at": iso(sent),
        })  # fmt: skip
        self._next_letter += which.size

    def _letter(self, letter: int, order: int) -> str:
        orders = self._orders
        author = Author(int(orders.person[order]), orders.number(order), orders.invoice_number(order))
        return self._letters.write("body", letter, author)


def vat_within(cents: Ints) -> Ints:
    """The Dutch VAT (21 %) that a total holds: 21/121 of it, rounded half up to the cent."""
    return (cents * 42 + 121) // 242
