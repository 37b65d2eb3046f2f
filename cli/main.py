"""The `sluis` command."""

from __future__ import annotations

import importlib.metadata
import io
import sys
from typing import Annotated, cast

import typer

from cli.answer import tell_error
from cli.approve import approve
from cli.asked import asks_for_json
from cli.check import check
from cli.demo import demo
from cli.deployments import deployments
from cli.doctor.command import doctor
from cli.down import down
from cli.erase import erase
from cli.hold import hold
from cli.keys import keys
from cli.keys_destroy import destroy
from cli.options import Output, in_paragraphs
from cli.plan import plan
from cli.receipt import receipt
from cli.replay import replay
from cli.restrain import object_, restrict
from cli.retention import retention
from cli.run import run
from cli.up import up
from privacy.errors import InterruptedByUserError, UsageError

WrongFlag = cast("type[typer.BadParameter]", typer.BadParameter.__base__)
"""What the parser raises for any wrong use; Typer exports only this subclass of it."""

Version = Annotated[bool, typer.Option("--version", help="Show the version.")]

app = typer.Typer(
    name="sluis",
    pretty_exceptions_enable=False,
    add_completion=False,
    help="From a shop database to a gated, pseudonymised warehouse. Start with `sluis demo --dir DIR`.",
    epilog="Exit: 0 ok · 1 promise broken · 2 usage, policy or key · 3 runtime · 4 drift · 5 approval, plan, replay · "
    "6 warnings (--strict).",
)


@app.callback(invoke_without_command=True)
def start(context: typer.Context, version: Version = False) -> None:
    """Show the version, or the help, when no command is named."""
    if version:
        print(importlib.metadata.version("sluis"))  # noqa: T201
    elif context.invoked_subcommand is None:
        print(context.get_help())  # noqa: T201


app.command(help=in_paragraphs(demo.__doc__ or ""))(demo)
app.command()(run)
app.command()(plan)
app.command()(check)
app.command()(doctor)
app.command()(approve)
app.command()(replay)
app.command()(up)
app.command()(down)
app.command()(deployments)
app.add_typer(erase, name="erase")
app.add_typer(restrict, name="restrict")
app.add_typer(object_, name="object")
app.add_typer(hold, name="hold")
keys.command()(destroy)
app.add_typer(keys, name="keys")
app.add_typer(receipt, name="receipt")
app.add_typer(retention, name="retention")


def main() -> None:
    """Run the command; a wrong flag is an error like any other."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a sign that the terminal does not know must not stop the answer
    try:
        code = app(standalone_mode=False)
    except WrongFlag as wrong:
        output = Output.json if asks_for_json() else Output.text
        said = wrong.format_message()
        code = tell_error(output, UsageError(said)) if said else UsageError.code
    except (typer.Abort, KeyboardInterrupt):
        code = InterruptedByUserError.code
    sys.exit(code)


if __name__ == "__main__":
    main()
