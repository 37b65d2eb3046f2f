"""A shop on a server: Sluis beside an untreated copy by the same drivers, from PostgreSQL and from MariaDB."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from benchmarks.measure import Measured, measured_in_own_process
from tests import mariadb, postgres
from tests.shop_copies import copy_shop

KINDS = {"postgresql": postgres.running, "mariadb": mariadb.running}
"""How a server of each kind is run; where none can be, a test would be skipped."""

CONTESTANTS = {"copy": ("server_copy",), "sluis": ("chamber", ""), "sluis_again": ("chamber", "again")}
"""Each one's module and options; the source's URL follows."""


def servers(shop: Path, rounds: int, say: Callable[[str], None]) -> dict[str, list[dict[str, Measured]]]:
    """Copy the shop into a server of each kind; let each contestant run once a round, another one first each time."""
    results: dict[str, list[dict[str, Measured]]] = {}
    for kind, running in KINDS.items():
        say(f"servers: {kind}, filling it")
        with (
            suppress(pytest.skip.Exception),
            tempfile.TemporaryDirectory(prefix="sluis-") as folder,
            running(Path(folder)) as server,
        ):
            url = server.new_database()
            copy_shop(shop / "shop.sqlite", url)
            source = url.render_as_string(hide_password=False)
            results[kind] = []
            for number in range(rounds):
                names = list(CONTESTANTS)[:: 1 if number % 2 == 0 else -1]
                measured = {}
                for name in names:
                    say(f"servers: {kind}, round {number + 1} of {rounds}: {name}")
                    module, *options = CONTESTANTS[name]
                    measured[name] = measured_in_own_process(module, shop, *options, source)
                results[kind].append({name: measured[name] for name in CONTESTANTS})
    return results
