"""A place whose warehouse is a PostgreSQL database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from tests.conftest import Place
from tests.warehouses import InPostgreSQL


@dataclass(frozen=True)
class Served(Place):
    """A folder with a source, a policy and keys, and the database that runs publish in."""

    url: sa.URL

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "SLUIS_WAREHOUSE": self.url.render_as_string(hide_password=False)}

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return InPostgreSQL(self.url).rows(query)
