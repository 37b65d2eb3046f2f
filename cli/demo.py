"""`sluis demo`: a shop to try everything on, and the main job run on it."""

from __future__ import annotations

import datetime
import os
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from cli.answer import answer
from cli.options import AsOf, Output, OutputAs, Strict
from cli.progress import progress_shown
from cli.run import refresh
from cli.summary import render_run
from demo.shop import build_shop
from privacy.world import local_date
from stores.keyring_file import create_keyring
from stores.settings import VARIABLES

SHOP_TIME_ZONE = "Europe/Amsterdam"
PLACES = {
    "source": "sqlite:///{}/shop.sqlite",
    "warehouse": "duckdb:///{}/warehouse.duckdb",
    "ledger": "sqlite:///{}/ledger.sqlite",
    "policy": "{}/policy.yaml",
    "keyring": "{}/keyring.toml",
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

    DIR gets shop.sqlite, policy.yaml, keyring.toml (kept if it is there), truth.jsonl, warehouse.duckdb, ledger.sqlite.
    Exit codes: those of `sluis run`.
    """

    def work() -> dict[str, Any]:
        places = _make(directory, orders, seed, as_of, output)
        if shop_only:
            return {"dir": str(directory), **places}
        return refresh(output, as_of)

    answer(output, work, _render_shop if shop_only else render_run, strict)


def _make(directory: Path, orders: int, seed: int, as_of: datetime.date | None, output: Output) -> dict[str, Any]:
    """Make the shop and all that a run of it needs; point this process's environment at it."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, place in PLACES.items():
        os.environ[VARIABLES[name]] = place.format(directory)
    os.environ.setdefault("PREFECT_HOME", str((directory / "prefect").absolute()))
    (directory / "policy.yaml").write_bytes(files("policies").joinpath("autopar.yaml").read_bytes())
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


def _render_shop(console: Console, made: dict[str, Any]) -> None:
    console.print(f"Made {made['dir']}: a shop of {sum(made['rows'].values()):,} rows. Run the main job on it with")
    flags = " ".join(f"--{name} {place.format(made['dir'])}" for name, place in PLACES.items())
    console.print(f"  sluis run {flags}", soft_wrap=True, highlight=False)
