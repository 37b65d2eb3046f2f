"""Prefect: where it keeps what it knows, whom it tells, and which server records runs."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from cli.doctor.findings import OUT_OF_ORDER, Check, Environment, Finding, bad, doubtful, good

LOCAL = ("127.0.0.1", "localhost", "::1")
TELLING = {"DO_NOT_TRACK": ("0", "false"), "PREFECT_SERVER_ANALYTICS_ENABLED": ("1", "true")}
"""The values of variables by which statistics are sent to Prefect's makers; a run sets others where nothing is set."""


def home(environment: Environment) -> Finding:
    """See whether Prefect can write where it keeps its database."""
    from prefect.settings import Settings

    place = Path(Settings().home).absolute()
    there = next(folder for folder in (place, *place.parents) if folder.exists())
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return good(str(place))
    return bad(f"{place} cannot be written", "Name another folder with PREFECT_HOME.", OUT_OF_ORDER)


def telemetry(environment: Environment) -> Finding:
    """See whether anything is sent to anybody."""
    if telling := [name for name, values in TELLING.items() if environment.get(name, "").lower() in values]:
        return doubtful(f"{' and '.join(telling)} let Prefect send statistics", f"Run: unset {' '.join(telling)}")
    return good("off")


def server(environment: Environment) -> Finding:
    """See whether a server will record the run. Its address is not shown: it may hold a password."""
    from prefect.settings import Settings

    settings = Settings()
    if not settings.api.url:
        if settings.server.ephemeral.enabled:
            return good("none is named: a run starts a temporary one, which takes some seconds")
        return bad("none is named, and a temporary one is not allowed", "Set PREFECT_API_URL.")
    if not answers(settings.api.url):
        return bad(
            "does not answer at PREFECT_API_URL",
            "Start it (`prefect server start`), or unset PREFECT_API_URL for a temporary one.",
            OUT_OF_ORDER,
        )
    address = urlsplit(settings.api.url)
    if address.scheme != "https" and address.hostname not in LOCAL:
        return doubtful("answers, without transport encryption", "Give it TLS and an https address.")
    return good("answers")


def answers(url: str) -> bool:
    """Ask a Prefect server whether it is there."""
    try:
        urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False
    return True


CHECKS = (Check("prefect home", home), Check("prefect telemetry", telemetry), Check("prefect server", server))
