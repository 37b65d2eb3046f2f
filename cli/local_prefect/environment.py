"""What server, worker and client are told by their environment: nothing is sent out, nothing is kept for ever."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import sqlalchemy as sa

from cli.local_prefect.home import Home, Note
from stores.settings import EMBEDDED, VARIABLES, database_url

DEFAULTS = {
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(90 * 86_400),
    "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P30D",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
}
"""Runs with logs and artifacts are kept for 90 days, events for 30; a run says every 30 seconds that it lives, the
shortest that Prefect takes and what automations.yaml counts on. What is set in the environment goes before."""

NOTHING_SENT = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}


def prefect_environment(environment: Mapping[str, str], home: Home, note: Note) -> dict[str, str]:
    """Give the environment of whatever talks to this server, and of the server."""
    ours = {
        "PREFECT_HOME": str(home.folder),
        "PREFECT_API_URL": note.api,
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(note.port),
        "PREFECT_SERVER_UI_API_URL": note.api,
        "PREFECT_UI_URL": note.address,
    }
    return {**DEFAULTS, **environment, **NOTHING_SENT, **ours}


def worker_environment(environment: Mapping[str, str], home: Home, note: Note) -> dict[str, str]:
    """Give the environment of the worker and its runs: also where data and keys are, from any folder."""
    return {
        "SLUIS_HOME": str(Path.cwd()),
        **prefect_environment(environment, home, note),
        **absolute_places(environment),
    }


def absolute_places(environment: Mapping[str, str]) -> dict[str, str]:
    """Give the five places so that they are found from any folder."""
    places = {VARIABLES[name]: str(Path(environment[VARIABLES[name]]).absolute()) for name in ("policy", "keyring")}
    for name in ("source", "warehouse", "ledger"):
        places[VARIABLES[name]] = _absolute(database_url(name, environment)).render_as_string(hide_password=False)
    return places


def _absolute(url: sa.URL) -> sa.URL:
    if url.get_backend_name() not in EMBEDDED or not url.database or url.database == ":memory:":
        return url
    return url.set(database=str(Path(url.database).absolute()))
