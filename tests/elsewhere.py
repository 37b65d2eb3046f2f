"""A place whose shop is not a file beside it, but on a server."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from stores.opening import open_source
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


def seen_in_part(shop: Elsewhere, columns: dict[str, str]) -> Elsewhere:
    """Give a shop as an account of its own sees it: these columns of some tables, and all of the others."""
    name, in_postgresql = f"partly_{shop.url.database}", shop.url.get_backend_name() == "postgresql"
    who = name if in_postgresql else f"{name}@localhost"
    shop.change_source(f"create role {name} login" if in_postgresql else f"create user {who} identified by 'secret'")
    for table in open_source(shop.url).schema():
        of = f"({columns[table]})" if table in columns else ""
        shop.change_source(f"grant select {of} on {table} to {who}")
    return Elsewhere(shop.folder, shop.url.set(username=name, password=None if in_postgresql else "secret"))
