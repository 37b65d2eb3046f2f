"""`sluis hold`: keep records that a procedure needs as evidence."""

from __future__ import annotations

import datetime
import sys
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from cli.answer import answer
from cli.options import Output, OutputAs, common, day
from cli.summary import print_whole
from stores.settings import read_text
from tasks.holding import list_holds, place_hold, release_hold

hold = typer.Typer(no_args_is_help=True, help="Legal holds: add, release and list.")

_RECORD_FILE = typer.Option(
    "--record-file",
    metavar="FILE",
    help="One record a line, as in orders=123: a source table and a key; # begins a remark; - is stdin.",
    show_default=False,
)
Matter = Annotated[
    str,
    typer.Option(
        "--matter", help="The number of the procedure. It is kept and shown: no name in it.", show_default=False
    ),
]


def _day_option(flag: str, help_text: str) -> Any:
    return typer.Option(flag, parser=day, metavar="DATE", help=help_text, show_default=False)


@hold.command()
@common
def add(
    record_file: Annotated[str, _RECORD_FILE],
    matter: Matter,
    held_from: Annotated[datetime.date | None, _day_option("--from", "First day of the hold. Default: today.")] = None,
    until: Annotated[datetime.date | None, _day_option("--until", "Last day. Default: until it is released.")] = None,
    with_evidence: Annotated[
        bool, typer.Option("--with-evidence", help="Hold the records around them as well, by the policy's references.")
    ] = False,
    output: OutputAs = Output.text,
) -> None:
    """Hold records: they are not deleted in the source, and stay in analytics where the policy says so.

    Every record must be in the source. Tells how many records around them may be evidence as well. To hold a record
    twice for one matter changes nothing.

    Exit codes: 0 placed · 2 a line of the file, a missing record, a date, policy or key; nothing was changed ·
    3 source or ledger · 4 the source lacks what the policy names.
    """
    answer(
        output,
        lambda: place_hold(_text(record_file), matter, held_from, until, with_evidence),
        _render_placed,
    )


@hold.command()
@common
def release(
    matter: Matter,
    record_file: Annotated[str | None, _RECORD_FILE] = None,
    output: OutputAs = Output.text,
) -> None:
    """Release what commands hold for a matter, or only the records of a file. The source is not needed.

    Exit codes: 0 released · 2 a line of the file, or nothing was held by command · 3 ledger.
    """
    answer(output, lambda: release_hold(None if record_file is None else _text(record_file), matter), _render_released)


@hold.command("list")
@common
def list_(output: OutputAs = Output.text) -> None:
    """Tell all holds by matter, with numbers of records by table. Neither source nor keys are needed.

    Exit codes: 0 told · 2 usage or policy · 3 ledger.
    """
    answer(output, list_holds, _render_list)


def _text(file: str) -> str:
    return sys.stdin.read().removeprefix("\ufeff") if file == "-" else read_text(file, "--record-file")


def _counts(tables: dict[str, int]) -> str:
    return ", ".join(f"{table} {records:,}" for table, records in sorted(tables.items())) or "none"


def _say(console: Console, *lines: str) -> None:
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)


def _render_placed(console: Console, told: dict[str, Any]) -> None:
    until = f"until {told['held_until']}" if told["held_until"] else "until it is released"
    _say(console, f"Held for {told['matter']} from {told['held_from']} {until}: {_counts(told['placed'])}.")
    if told["already_held"]:
        _say(console, f"Held for it already, and left as they are: {_counts(told['already_held'])}.")
    if told["evidence"]:
        done = "These are held, too" if told["with_evidence"] else "Add --with-evidence to hold these, too"
        _say(console, f"Records around them: {_counts(told['evidence'])}. {done}.")
    _say(console, *told["means"])


def _render_released(console: Console, told: dict[str, Any]) -> None:
    _say(console, f"Released for {told['matter']}: {_counts(told['released'])}.")
    if told["left"]:
        _say(console, f"Still held for it: {_counts(told['left'])}.")


def _render_list(console: Console, told: dict[str, Any]) -> None:
    if not told["holds"]:
        _say(console, "Nothing is held.")
        return
    table = Table("matter", "state", "origin", "from", "until", "records", "by", box=SIMPLE_HEAD, pad_edge=False)
    for found in told["holds"]:
        shown = [found[name] or "" for name in ("matter", "state", "origin", "held_from", "held_until")]
        table.add_row(*shown, _counts(found["tables"]), found["actor"])
    print_whole(console, table)
