"""Closures: by which further identifiers the people of a request are found, without crossing to somebody else.

From an account to the e-mail addresses that its rows carry and no other account's rows do; from an e-mail address to
the account whose rows carry it, if it is just one. An address that several accounts share is not crossed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from privacy.macs import MAC
from privacy.policy_rights import Identifies
from privacy.subjects import CUSTOMER, EMAIL

Person = frozenset[tuple[Identifies, bytes]]
"""Identifiers of one person: what they identify, and their MACs."""


class Links:
    """Which accounts and e-mail addresses occur in one row, as far as the rows around some people go."""

    def __init__(self, people: Iterable[Person]) -> None:
        self._people = list(people)
        self._emails_of: defaultdict[bytes, set[bytes]] = defaultdict(set)
        self._customers_of: defaultdict[bytes, set[bytes]] = defaultdict(set)
        self._sought: set[tuple[Identifies, bytes]] = set()

    def still_to_seek(self) -> Iterator[dict[Identifies, pa.Array]]:
        """Give, as long as there are any, the MACs by which rows are to be added next: at most three times.

        First those whom the people name; then what stood beside these; then the addresses of the accounts found.
        """
        for found in (self._named, self._beside, self._addresses):
            new = found() - self._sought
            if new:
                self._sought |= new
                yield {kind: pa.array(sorted(mac for of, mac in new if of == kind), MAC) for kind in (CUSTOMER, EMAIL)}

    def pair(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        """Add accounts and addresses that occur in one row."""
        for customer, email in pairs:
            self._emails_of[customer].add(email)
            self._customers_of[email].add(customer)

    def close(self) -> Iterator[Person]:
        """Give, person by person, the identifiers that the request did not name."""
        for person in self._people:
            accounts = {mac for kind, mac in person if kind == CUSTOMER}
            for email in (mac for kind, mac in person if kind == EMAIL):
                if len(self._customers_of[email]) == 1:
                    accounts |= self._customers_of[email]
            own = {email for one in accounts for email in self._emails_of[one] if self._customers_of[email] <= accounts}
            found: set[tuple[Identifies, bytes]] = {(CUSTOMER, mac) for mac in accounts}
            found |= {(EMAIL, mac) for mac in own}
            yield frozenset(found - person)

    def _named(self) -> set[tuple[Identifies, bytes]]:
        return {one for person in self._people for one in person}

    def _beside(self) -> set[tuple[Identifies, bytes]]:
        customers: set[tuple[Identifies, bytes]] = {(CUSTOMER, mac) for mac in self._emails_of}
        return customers | self._addresses()

    def _addresses(self) -> set[tuple[Identifies, bytes]]:
        return {(EMAIL, mac) for mac in self._customers_of}


def met(customers: pa.Array, emails: pa.Array, sought: Mapping[Identifies, pa.Array]) -> list[tuple[bytes, bytes]]:
    """Give the accounts and addresses of rows that have both and carry what is sought; by MACs of 16 bytes, or NULL."""
    wanted = pc.or_(pc.is_in(customers, sought[CUSTOMER]), pc.is_in(emails, sought[EMAIL]))
    both = pc.and_(wanted, pc.and_(customers.is_valid(), emails.is_valid()))
    return list(zip(customers.filter(both).to_pylist(), emails.filter(both).to_pylist(), strict=True))
