"""Who acts, as far as it is known: what the operating system says of this process, or what was stated.

docs/adr tells what that does not prove.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass

from privacy.errors import UsageError

ACTOR = "SLUIS_ACTOR"
_LONGEST = 100


@dataclass(frozen=True)
class Actor:
    """Somebody by name, and how the name is known."""

    name: str
    basis: str
    """`operating_system`, `stated`, or that it was stated in a form, and to whose worker."""


def acting(environment: Mapping[str, str]) -> Actor:
    """Give who acts: whom SLUIS_ACTOR states, or else the user whom the system runs this process for.

    The variables USER and LOGNAME, which anybody can set, are not asked.
    """
    stated = environment.get(ACTOR, "").strip()
    if not stated:
        return Actor(_operating_system_user(), "operating_system")
    return Actor(_name(stated, ACTOR), "stated")


def stated_in_a_form(name: str, worker: Actor) -> Actor:
    """Give somebody whom a form in Prefect's UI names; who filled it in, Prefect does not tell its workers."""
    return Actor(_name(name.strip(), "stated_name"), f"stated in a form, to the worker of {worker.name}")


def _name(stated: str, where: str) -> str:
    if not stated or len(stated) > _LONGEST or not stated.isprintable():
        raise UsageError(f"{where} is no name: {_LONGEST} characters at most, all of them printable.")
    return stated


def _operating_system_user() -> str:
    user = os.getuid()
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:  # in a container, users may have a number only
        return f"user {user}"
