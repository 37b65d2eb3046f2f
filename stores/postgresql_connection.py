"""How anything of ours connects to PostgreSQL: its library's connection string, made of a URL and settings of ours."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from psycopg.conninfo import make_conninfo

CONNECT_SECONDS = 10

KEPT_ALIVE = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "6"}
"""A session may stand idle for as long as a table is loaded by another."""


def connection_string(url: sa.URL, name: str, settings: Mapping[str, str]) -> str:
    """Give what PostgreSQL's own library connects by, with settings of the session. A password is in it."""
    theirs = url.translate_connect_args(username="user", database="dbname")
    more = {**url.query, "application_name": name, "options": options(url, settings)}
    return make_conninfo(**{"connect_timeout": CONNECT_SECONDS, **KEPT_ALIVE, **theirs, **more})


def options(url: sa.URL, settings: Mapping[str, str]) -> str:
    """Give the settings of a session in the words of the URL's `options`: those that stand there, and ours."""
    ours = (f"-c {key}={value}".replace(" ", r"\ ").replace(r"-c\ ", "-c ") for key, value in settings.items())
    return " ".join([str(url.query.get("options", "")), *ours]).strip()
