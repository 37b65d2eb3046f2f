"""Receipts in the ledger: a chain that only grows."""

from __future__ import annotations

import secrets
from typing import Any

import sqlalchemy as sa

from privacy.keys import Keys
from privacy.receipts import Deed, Receipt, issue
from stores.ledger.access import reading, writing
from stores.ledger.schema import IDENTITY, RECEIPT


class Receipts:
    """Signed proof of what was done."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def append(self, deed: Deed, keys: Keys) -> Receipt:
        """Issue the receipt of a deed at the end of the chain, and keep it; two at once follow one another."""
        with writing(self._engine) as connection:
            count, previous = _head(connection)
            receipt = issue(
                deed,
                keys,
                receipt_id=secrets.token_hex(16),
                number=count + 1,
                ledger_id=connection.execute(sa.select(IDENTITY.c.ledger_id)).scalar_one(),
                previous=previous,
            )
            connection.execute(sa.insert(RECEIPT).values(vars(receipt)))
        return receipt

    def head(self) -> tuple[int, str]:
        """Give the last number and its hash: (0, '') where there is no receipt."""
        with reading(self._engine) as connection:
            return _head(connection)

    def at(self, number: int) -> str | None:
        """Give the hash of a receipt, None where there is none of this number."""
        with reading(self._engine) as connection:
            return connection.execute(sa.select(RECEIPT.c.hash).where(RECEIPT.c.number == number)).scalar()

    def last(self) -> Receipt | None:
        """Give the last receipt, None where there is none."""
        return next(iter(self._found(sa.select(RECEIPT).order_by(RECEIPT.c.number.desc()).limit(1))), None)

    def all(self) -> list[Receipt]:
        """Give every receipt, in the order of their numbers."""
        return self._found(sa.select(RECEIPT).order_by(RECEIPT.c.number))

    def _found(self, query: sa.Select[Any]) -> list[Receipt]:
        with reading(self._engine) as connection:
            found = connection.execute(query).mappings().all()
        return [Receipt(**{name: _as_found(value) for name, value in row.items()}) for row in found]


def _head(connection: sa.Connection) -> tuple[int, str]:
    query = sa.select(RECEIPT.c.number, RECEIPT.c.hash).order_by(RECEIPT.c.number.desc()).limit(1)
    last = connection.execute(query).first()
    return (last.number, last.hash) if last else (0, "")


def _as_found(value: object) -> Any:
    """Take a value as it stands: in SQLite anything may, where somebody has written into a column by hand."""
    return value if isinstance(value, int | str) else str(value)
