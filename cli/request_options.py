"""The flags that commands about people share. Whom a request is about stands in a file, never on a command line."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from stores.settings import read_text

SubjectFile = Annotated[
    str,
    typer.Option(
        "--subject-file",
        metavar="FILE",
        help="One person a line, by a column of the policy, as in email=a@b.nl; # begins a remark; - is stdin.",
        show_default=False,
    ),
]
Reference = Annotated[
    str,
    typer.Option(
        "--reference",
        help="The number by which the privacy officer knows the request. It is kept and shown: no name in it.",
        show_default=False,
    ),
]
PlanHash = Annotated[
    str, typer.Option("--plan", metavar="HASH", help="The plan's hash, as it was told.", show_default=False)
]


def people_in(file: str) -> str:
    """Read a subject file, or standard input."""
    return sys.stdin.read().removeprefix("\ufeff") if file == "-" else read_text(file, "--subject-file")
