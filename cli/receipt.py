"""`sluis receipt`: verify the chain of receipts, and show it with the public keys that anybody can verify it by."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.answer import answer
from cli.options import Output, OutputAs, Strict, common
from cli.summary import print_whole, tell_warnings
from privacy.errors import VerificationError
from privacy.receipt_chain import Head, PublicKeys, examine
from stores.keyring_file import read_keyring
from stores.ledger import Ledger, existing_ledger
from stores.opening import open_warehouse
from stores.public_keys import read_public_keys
from stores.settings import VARIABLES, database_url, require

receipt = typer.Typer(no_args_is_help=True, help="Signed, chained proof of what was published, erased and destroyed.")

ALONE = (
    "compared with no head noted outside the ledger: receipts cut off at the end would not be missed. "
    "Give the --warehouse, or the --head that `sluis receipt show` told before."
)


def _head(text: str) -> Head:
    found = re.fullmatch(r"([1-9][0-9]{0,8}):([0-9a-f]{64})|0:", text)
    if not found:
        raise typer.BadParameter("a head reads like 12:9f86d081…, as `sluis receipt show` tells it")
    return Head("--head", None, int(found[1] or 0), found[2] or "")


HeadNoted = Annotated[
    Head | None,
    typer.Option(
        "--head",
        parser=_head,
        metavar="NUMBER:HASH",
        help="A head that was noted elsewhere: the chain must still lead through it.",
    ),
]
PublicKeysFile = Annotated[
    Path | None,
    typer.Option(
        "--public-keys", metavar="FILE", help="Verify by public keys (lines `epoch key`) instead of the key file."
    ),
]


@receipt.command()
@common
def verify(
    public_keys: PublicKeysFile = None,
    head: HeadNoted = None,
    strict: Strict = False,
    output: OutputAs = Output.text,
) -> None:
    """Recompute every hash and signature of the ledger's receipts, and tell whatever is missing, changed or swapped.

    The chain is compared with the head that the published warehouse noted, where there is one.

    Exit codes: 0 all is as it was issued · 1 something is not (each fault in words) · 2 usage, or the key file is
    missing or refused · 3 there is no ledger, or it cannot be read · 6 warnings under --strict.
    """
    answer(output, lambda: _verified(public_keys, head), _render_findings, strict)


@receipt.command()
@common
def show(output: OutputAs = Output.text) -> None:
    """Show every receipt, the head of their chain, and the public key of each epoch; writes nothing.

    Exit codes: 0 shown · 2 usage, or the key file is missing or refused · 3 there is no ledger, or it cannot be read.
    """
    answer(output, _shown, _render_receipts)


def head_of_warehouse() -> Head | None:
    """Give the head that the published warehouse noted; None where none is set or there, or it noted none."""
    if not os.environ.get(VARIABLES["warehouse"]):
        return None
    published = open_warehouse(database_url("warehouse", os.environ)).published()
    if not published or not published.ledger_id:
        return None
    return Head("the warehouse", published.ledger_id, published.receipts, published.head)


def _verified(public_keys_file: Path | None, head: Head | None) -> dict[str, Any]:
    ledger = _ledger()
    public_keys = read_public_keys(public_keys_file) if public_keys_file else _public_keys()
    heads = [noted for noted in (head_of_warehouse(), head) if noted]
    rows = [vars(found) for found in ledger.receipts.all()]
    findings = examine(rows, public_keys, ledger.identity(), heads)
    told = {
        "verified": findings.verified,
        "faults": list(findings.faults),
        "compared_with": [noted.noted_by for noted in heads],
        "warnings": [] if heads else [ALONE],
    }
    if findings.faults:
        error = VerificationError(
            f"receipts: faults found: {len(findings.faults):,}.\n"
            "  Keep the ledger as it is: it is evidence. A backup that verifies shows what was changed."
        )
        error.found = told
        raise error
    return told


def _shown() -> dict[str, Any]:
    ledger, public_keys = _ledger(), _public_keys()
    receipts = ledger.receipts.all()
    return {
        "ledger_id": ledger.identity(),
        "public_keys": {str(epoch): key.hex() for epoch, key in public_keys.items()},
        "receipts": [vars(found) for found in receipts],
        "head": f"{receipts[-1].number}:{receipts[-1].hash}" if receipts else "0:",
    }


def _ledger() -> Ledger:
    require(os.environ, "ledger")
    return existing_ledger(database_url("ledger", os.environ))


def _public_keys() -> PublicKeys:
    require(os.environ, "keyring")
    return read_keyring(Path(os.environ[VARIABLES["keyring"]])).public_keys()


def _render_findings(console: Console, told: dict[str, Any]) -> None:
    for fault in told["faults"]:
        console.print(Text.assemble(("✗", "red"), f" {fault}"), soft_wrap=True)
    beside = f", compared with {' and '.join(told['compared_with'])}" if told["compared_with"] else ""
    console.print(f"Receipts verified: {told['verified']:,}{beside}", highlight=False)
    tell_warnings(console, told["warnings"])


def _render_receipts(console: Console, shown: dict[str, Any]) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title=Text(f"Ledger {shown['ledger_id']}"), title_justify="left")
    for heading in ("number", "at", "kind", "rows that left", "epoch", "hash"):
        table.add_column(heading, no_wrap=True)
    for found in shown["receipts"]:
        table.add_row(str(found["number"]), *_told(found["body"]), str(found["epoch"]), str(found["hash"])[:16])
    print_whole(console, table)
    console.print("# public keys: epoch, Ed25519", highlight=False)
    for epoch, key in shown["public_keys"].items():
        console.print(f"{epoch} {key}", soft_wrap=True, highlight=False)
    console.print(f"\nHead {shown['head']}", soft_wrap=True, highlight=False)


def _told(body: str) -> tuple[str, str, str]:
    """Tell the day, the kind and the rows that left; nothing of a body that somebody has spoilt."""
    try:
        read = json.loads(body)
        left = sum(rows["removed"] for rows in read["tables"].values())
        return str(read["at"]), str(read["kind"]), f"{left:,}"
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return "unreadable", "", ""
