"""Where the `sluis` command begins: what it is made of takes a second or two to load, and may be interrupted there."""

from __future__ import annotations

import json
import sys

from cli.asked import asks_for_json
from privacy.errors import InterruptedByUserError

NOT_BEGUN = "interrupted before anything was begun.\n  Type the command again."


def main() -> None:
    """Load the command and run it; whoever interrupts it while it loads is answered as later on."""
    try:
        from cli.main import main as command  # here, so that the loading is within
    except KeyboardInterrupt:
        error = InterruptedByUserError(NOT_BEGUN)
        if asks_for_json():
            said = {"code": error.code, "kind": error.kind, "message": str(error)}
            print(json.dumps({"error": said}))  # noqa: T201
        print(f"sluis: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(error.code)
    command()
