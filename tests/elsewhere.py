"""A place whose shop is not a file beside it, but on a server."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests.conftest import Place
from tests.shop_copies import copy_shop


@dataclass(frozen=True)
class Elsewhere(Place):
    """A folder with a policy and keys, and the shop that a URL names."""

    url: sa.URL

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "SLUIS_SOURCE": self.url.render_as_string(hide_password=False)}

    def change_source(self, *statements: str) -> None:
        """Change the shop, each statement for itself."""
        for statement in statements:
            self.ask(statement)

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask the shop, as whoever may do everything there."""
        engine = sa.create_engine(self.url, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
        with engine.connect() as connection:
            answer = connection.exec_driver_sql(statement.replace("%", "%%"))
            return [tuple(row) for row in answer] if answer.returns_rows else []


def moved(place: Place, folder: Path, url: sa.URL) -> Elsewhere:
    """Copy a shop in SQLite into an empty database on a server; policy and keys go along."""
    copy_shop(place.source, url)
    made = Elsewhere(folder, url)
    for file in (place.policy, place.keyring):
        if file.parent != folder:
            shutil.copy(file, folder)
    return made
