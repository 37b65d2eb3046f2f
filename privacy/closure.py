"""Closures: by which further identifiers the people of a request are found, without crossing to somebody else.

From an account to the e-mail addresses that its rows carry and no other account's rows do; from an e-mail address to
the account whose rows carry it, if it is just one. An address that several accounts share is not crossed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from privacy.macs import MAC
from privacy.policy_rights import Identifies
from privacy.subjects import CUSTOMER, EMAIL

Person = frozenset[tuple[Identifies, bytes]]
"""Identifiers of one person: what they identify, and their MACs."""

LINKS = pa.schema([(CUSTOMER, MAC), (EMAIL, MAC)])


class Links:
    """Which accounts and e-mail addresses occur in one row."""

    def __init__(self) -> None:
        self._pairs = LINKS.empty_table()
        self._new: list[pa.RecordBatch] = []
        self._rows = 0

    def add(self, customers: pa.Array, emails: pa.Array) -> None:
        """Add the MACs of a batch of rows (16 bytes each, NULL where there is none)."""
        both = pc.and_(customers.is_valid(), emails.is_valid())
        batch = pa.RecordBatch.from_arrays([customers.filter(both), emails.filter(both)], schema=LINKS)
        self._new.append(batch)
        self._rows += len(batch)
        if self._rows > max(_FEW, len(self._pairs)):
            self._gather()

    def close(self, people: Iterable[Person]) -> Iterator[Person]:
        """Give, person by person, the identifiers that the request did not name."""
        self._gather()
        named = list(people)
        emails_of, customers_of = self._around({mac for person in named for _, mac in person})
        for person in named:
            accounts = {mac for kind, mac in person if kind == CUSTOMER}
            for email in (mac for kind, mac in person if kind == EMAIL):
                if len(customers_of[email]) == 1:
                    accounts |= customers_of[email]
            own = {email for one in accounts for email in emails_of[one] if customers_of[email] <= accounts}
            found: set[tuple[Identifies, bytes]] = {(CUSTOMER, mac) for mac in accounts}
            found |= {(EMAIL, mac) for mac in own}
            yield frozenset(found - person)

    def _gather(self) -> None:
        """Keep each pair once."""
        together = pa.concat_tables([self._pairs, pa.Table.from_batches(self._new, LINKS)])
        self._pairs = together.group_by([CUSTOMER, EMAIL]).aggregate([])
        self._new, self._rows = [], 0

    def _around(self, macs: set[bytes]) -> tuple[dict[bytes, set[bytes]], dict[bytes, set[bytes]]]:
        """Give the addresses of accounts and the accounts of addresses, as far as a request can reach."""
        accounts = self._beside(EMAIL, macs, CUSTOMER) | macs
        addresses = self._beside(CUSTOMER, accounts, EMAIL) | macs
        near = self._pairs.filter(pc.is_in(self._pairs[EMAIL], value_set=pa.array(sorted(addresses), MAC)))
        emails_of: defaultdict[bytes, set[bytes]] = defaultdict(set)
        customers_of: defaultdict[bytes, set[bytes]] = defaultdict(set)
        for customer, email in zip(near[CUSTOMER].to_pylist(), near[EMAIL].to_pylist(), strict=True):
            emails_of[customer].add(email)
            customers_of[email].add(customer)
        return emails_of, customers_of

    def _beside(self, of: Identifies, macs: set[bytes], wanted: Identifies) -> set[bytes]:
        pairs = self._pairs.filter(pc.is_in(self._pairs[of], value_set=pa.array(sorted(macs), MAC)))
        return set(pairs[wanted].to_pylist())


_FEW = 100_000
"""Pairs below this number are not worth gathering."""
