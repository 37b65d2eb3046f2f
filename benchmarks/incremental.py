"""A full run and an incremental one, from each kind of source into PostgreSQL, after one row in a thousand changed.

Seconds hold the work of the servers; CPU is the run's own process's.
"""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from benchmarks.chamber import load_in_parallel
from benchmarks.measure import Measured, Step, measured_in_own_process, tell
from benchmarks.places import load_libraries, policy_of, settings
from stores.settings import Settings
from tasks.chamber import open_chamber
from tests import mariadb, postgres
from tests.shop_copies import copy_shop

FULL, INCREMENTAL, NOTHING = "full run", "one row in a thousand changed", "nothing changed"
ONE_IN = 1000
SOURCES = {"sqlite": None, "postgresql": postgres.running, "mariadb": mariadb.running}
"""How a server that holds the shop is run; where none can be, a test would be skipped."""


def incremental(shop: Path, say: Callable[[str], None]) -> dict[str, Measured]:
    """Measure from each kind of source."""
    results: dict[str, Measured] = {}
    for kind, running in SOURCES.items():
        say(f"incremental: from {kind}")
        with suppress(pytest.skip.Exception), ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sluis-")))
            into = stack.enter_context(postgres.running(_made(folder / "into")))
            copied = sa.make_url(f"sqlite:///{folder}/shop.sqlite")
            if running is None:
                (folder / "shop.sqlite").write_bytes((shop / "shop.sqlite").read_bytes())
            else:
                server = stack.enter_context(running(_made(folder / "of")))
                copy_shop(shop / "shop.sqlite", copied := server.new_database())
            urls = [url.render_as_string(hide_password=False) for url in (copied, into.new_database())]
            results[kind] = measured_in_own_process("incremental", shop, *urls)
    return results


def measure(shop: Path, to: Path, source: str, warehouse: str) -> Measured:
    """Run on all rows, then on what changed, then on nothing; rows are those that were read."""
    load_libraries()
    measured = Measured()
    places = replace(settings(shop, to, source), warehouse=sa.make_url(warehouse))
    for name, mode in ((FULL, "full"), (INCREMENTAL, "incremental"), (NOTHING, "incremental")):
        if name == INCREMENTAL:
            change(places, shop)
        with measured.step(name) as step:
            run(places, step, mode)
    return measured


def change(places: Settings, shop: Path) -> None:
    """Let the shop write one row in a thousand of each table."""
    assert places.source
    engine, policy = sa.create_engine(places.source, poolclass=sa.NullPool), policy_of(shop)
    stamp = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M:%S}"
    with engine.begin() as connection:
        for name, table in policy.tables.items():
            if not table.derived:
                key, by = policy.source_key(name), str(policy.changed(name))
                written = sa.table(name, sa.column(key), sa.column(by))
                some = written.c[key] % ONE_IN == 7
                connection.execute(sa.update(written).where(some).values({by: stamp}))


def run(places: Settings, step: Step, mode: str) -> None:
    """Run the main job without Prefect."""
    with ExitStack() as stack:
        chamber = stack.enter_context(open_chamber(places, None))
        chamber.inspect(stack)
        load_in_parallel(chamber)
        chamber.gate()
        chamber.publish()
        step.rows = sum(counts.extracted for counts in chamber.record.tables.values())
    if chamber.record.mode != mode:
        raise RuntimeError(f"the run was {chamber.record.mode}: {chamber.record.why_full}")


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o755)
    folder.parent.chmod(0o755)
    return folder


if __name__ == "__main__":
    tell(measure)
