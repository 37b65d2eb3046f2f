"""The `sluis` command."""

import sys


def sluis() -> None:
    """Load the command, which takes a second or two, and run it; an interruption is told as at any other time."""
    try:
        from cli.main import main
    except KeyboardInterrupt:
        from privacy.errors import InterruptedByUserError

        print("sluis: interrupted. Nothing was begun.", file=sys.stderr)  # noqa: T201
        sys.exit(InterruptedByUserError.code)
    main()
