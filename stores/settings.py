"""Where things are: read from the environment only, because URLs may hold passwords and flow parameters are stored."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from privacy.errors import UsageError

VARIABLES = {
    "source": "SLUIS_SOURCE",
    "warehouse": "SLUIS_WAREHOUSE",
    "ledger": "SLUIS_LEDGER",
    "policy": "SLUIS_POLICY",
    "keyring": "SLUIS_KEYRING",
}
"""Each setting's environment variable; its flag is `--` and its name."""


EMBEDDED = ("sqlite", "duckdb")
"""Databases that are a file."""


@dataclass(frozen=True)
class Settings:
    """The five places of a run; commands that need no source can do without it."""

    source: sa.URL | None
    warehouse: sa.URL
    ledger: sa.URL
    policy: Path
    keyring: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], source_needed: bool = True) -> Settings:
        """Read all five, or all but the source; UsageError names what is missing or no URL."""
        needed = [name for name in VARIABLES if source_needed or name != "source"]
        require(environment, *needed)
        databases = [name for name in ("source", "warehouse", "ledger") if environment.get(VARIABLES[name])]
        urls = {name: database_url(name, environment) for name in databases}
        _refuse_shared(urls)
        return cls(
            source=urls.get("source"),
            warehouse=urls["warehouse"],
            ledger=urls["ledger"],
            policy=Path(environment[VARIABLES["policy"]]),
            keyring=Path(environment[VARIABLES["keyring"]]),
        )


def _refuse_shared(urls: Mapping[str, sa.URL]) -> None:
    """Refuse two settings that name one database, however it is spelt: nothing is ever written to the source.

    Warehouse and ledger may share a server's, where each has schemas of its own.
    """
    taken: dict[sa.URL | Path, str] = {}
    for name, url in urls.items():
        place = _place_of(url)
        may_share = url.get_backend_name() == "postgresql" and {name, taken.get(place)} == {"warehouse", "ledger"}
        if place in taken and not may_share:
            raise UsageError(f"--{name} names the same database as --{taken[place]}; name one of its own.")
        taken[place] = name


def _place_of(url: sa.URL) -> sa.URL | Path:
    """Give what is the same for all URLs of a database, whoever comes to it and with which options."""
    if url.get_backend_name() in EMBEDDED and url.database:
        return Path(url.database).resolve()
    address = {key: value for key, value in url.query.items() if key in ("host", "port", "unix_socket")}
    return sa.URL.create(url.get_backend_name(), None, None, url.host, url.port, url.database, address)


def require(environment: Mapping[str, str], *names: str) -> None:
    """Refuse an environment in which any of these settings is missing, naming each."""
    if missing := [name for name in names if not environment.get(VARIABLES[name])]:
        told = ", ".join(f"--{name} or {VARIABLES[name]}" for name in missing)
        raise UsageError(f"not set: {told}.\n  `sluis demo --dir DIR` makes one of each to try.")


def database_url(name: str, environment: Mapping[str, str]) -> sa.URL:
    """Read a SQLAlchemy URL from the environment; a bad one is refused without being quoted."""
    url = None
    with contextlib.suppress(sa.exc.ArgumentError, ValueError):  # a port that is no number is the latter
        url = sa.make_url(environment[VARIABLES[name]])
    if url is None:
        raise UsageError(
            f"--{name} is no SQLAlchemy URL; write it like sqlite:///shop.sqlite or duckdb:///warehouse.duckdb."
        )
    if url.get_backend_name() in EMBEDDED and url.query:
        raise UsageError(f"--{name} takes no options after a question mark, and no path with one: move the file.")
    return url


def file_of(url: sa.URL, name: str) -> Path:
    """Give the file that an embedded database's URL names."""
    if not url.database or url.database == ":memory:":
        raise UsageError(f"--{name}: {url.get_backend_name()} needs a file: {url.get_backend_name()}:///path/to/file.")
    if Path(url.database).is_dir():
        raise UsageError(f"--{name}: {url.database} is a folder; name a file in it.")
    return Path(url.database)


def read_text(path: Path | str, what: str) -> str:
    """Read a text file that a setting names, without the mark that some editors begin it with; UsageError if not."""
    problem = None
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        problem = type(error).__name__
    raise UsageError(
        f"{what} {path} cannot be read ({problem}).\n  Name a file that is there, may be read, and is text in UTF-8."
    )
