"""`sluis demo`: a shop to try everything on, and the main job run on it."""

from __future__ import annotations

import datetime
import os
import shlex
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from rich.console import Console

from cli.answer import answer
from cli.options import AsOf, Output, OutputAs, Strict
from cli.progress import progress_shown
from cli.run import refresh
from cli.summary import render_run
from demo.shop import build_shop
from privacy.errors import UsageError
from privacy.world import local_date
from stores.keyring_file import create_keyring
from stores.settings import VARIABLES

SHOP_TIME_ZONE = "Europe/Amsterdam"
FILES = {
    "source": ("sqlite", "shop.sqlite"),
    "warehouse": ("duckdb", "warehouse.duckdb"),
    "ledger": ("sqlite", "ledger.sqlite"),
    "policy": (None, "policy.yaml"),
    "keyring": (None, "keyring.toml"),
}


def demo(
    directory: Annotated[Path, typer.Option("--dir", help="The folder to make it in.")],
    orders: Annotated[int, typer.Option(min=50, help="How many orders the shop has had.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Equal seeds make equal shops.")] = 1,
    as_of: AsOf = None,
    shop_only: Annotated[bool, typer.Option("--shop-only", help="Make the shop, policy and keys; do not run.")] = False,
    strict: Strict = False,
    output: OutputAs = Output.text,
) -> None:
    """Make a Dutch car-parts web shop with ten years of history and realistic dirt, then run the main job on it.

    DIR gets shop.sqlite, policy.yaml (an edited one is kept as policy.yaml.edited), keyring.toml (kept if it is there),
    truth.jsonl, warehouse.duckdb and ledger.sqlite. A shop.sqlite that no demo made is not overwritten.
    Exit codes: those of `sluis run`.
    """

    def work() -> dict[str, Any]:
        places = _make(directory, orders, seed, as_of, output)
        if shop_only:
            return {"dir": str(directory), **places}
        return refresh(output, as_of)

    def render(console: Console, told: dict[str, Any]) -> None:
        if shop_only:
            return _render_shop(console, told)
        render_run(console, told)
        return _hint_at_prefect(console, directory)

    answer(output, work, render, strict)


def _make(directory: Path, orders: int, seed: int, as_of: datetime.date | None, output: Output) -> dict[str, Any]:
    """Make the shop and all that a run of it needs; point this process's environment at it."""
    if (directory / "shop.sqlite").exists() and not (directory / "truth.jsonl").exists():
        raise UsageError(
            f"{directory} holds a shop.sqlite that no demo made, and it is not overwritten. Name another --dir."
        )
    directory.mkdir(parents=True, exist_ok=True)
    for name, place in _places(directory).items():
        os.environ[VARIABLES[name]] = place
    os.environ.setdefault("PREFECT_HOME", str((directory / "prefect").absolute()))
    _write_policy(directory / "policy.yaml", files("policies").joinpath("autopar.yaml").read_bytes())
    if not (directory / "keyring.toml").exists():
        create_keyring(directory / "keyring.toml", datetime.datetime.now(datetime.UTC).date())
    today = local_date(datetime.datetime.now(datetime.UTC), SHOP_TIME_ZONE)
    with progress_shown(output) as show:
        report = build_shop(
            directory / "shop.sqlite",
            orders=orders,
            seed=seed,
            today=min(as_of or today, today),
            truth=directory / "truth.jsonl",
            on_progress=lambda table, rows: show(f"shop: {table}", rows, 0),
        )
    return {"rows": report.rows, "dirt": report.dirt}


def _places(directory: Path) -> dict[str, str]:
    """Give the settings of a demo: URLs, in which a path is quoted, and plain paths."""
    return {
        name: str(directory / file)
        if kind is None
        else sa.URL.create(kind, database=str(directory / file)).render_as_string()
        for name, (kind, file) in FILES.items()
    }


def _write_policy(path: Path, shipped: bytes) -> None:
    """Write the shop's policy; one that was edited is kept beside it."""
    if path.exists() and path.read_bytes() != shipped:
        path.replace(path.with_suffix(".yaml.edited"))
    path.write_bytes(shipped)


def _render_shop(console: Console, made: dict[str, Any]) -> None:
    console.print(f"Made {made['dir']}: a shop of {sum(made['rows'].values()):,} rows. Run the main job on it with")
    console.print(f"  sluis run {_flags(Path(made['dir']))}", soft_wrap=True, highlight=False)


def _hint_at_prefect(console: Console, directory: Path) -> None:
    console.print("\nLet it run every night, and see it in Prefect's UI, with")
    home = shlex.quote(str(directory / "prefect"))
    console.print(f"  sluis up --dir {home} {_flags(directory)}", soft_wrap=True, highlight=False)


def _flags(directory: Path) -> str:
    """Give the flags that name a demo's places."""
    return " ".join(f"--{name} {shlex.quote(place)}" for name, place in _places(directory).items())
