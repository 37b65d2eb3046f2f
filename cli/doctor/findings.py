"""What a check is, what it finds, and how a list of them is gone through."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from privacy.errors import StoreError, UsageError
from privacy.leak_proof import cleaned
from stores.settings import VARIABLES, database_url

Environment = Mapping[str, str]

WRONG = UsageError.code
"""Exit code where something is set, written or installed wrongly …"""
OUT_OF_ORDER = StoreError.code
"""… and where a machine, disk, file or connection is out of order."""


@dataclass(frozen=True)
class Finding:
    """What a check found, and the way out where that is not good. Names, sizes and modes; never a value or a secret."""

    status: Literal["ok", "warn", "fail"]
    found: str
    hint: str = ""
    code: int = 0


def good(found: str) -> Finding:
    """Nothing to do."""
    return Finding("ok", found)


def doubtful(found: str, hint: str) -> Finding:
    """A run will work, but something is not as it should be."""
    return Finding("warn", found, hint)


def bad(found: str, hint: str, code: int = WRONG) -> Finding:
    """A run will not work."""
    return Finding("fail", found, hint, code)


@dataclass(frozen=True)
class Check:
    """A look at one thing. It needs settings, and perhaps that other checks did not fail; else it is left out.

    `of`: so is one that is about a kind of database, where the first setting that it needs names another kind.
    """

    name: str
    look: Callable[[Environment], Finding]
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    of: str | None = None

    def is_about(self, environment: Environment) -> bool:
        """Tell whether what is set is what it is about."""
        return all(environment.get(VARIABLES[name]) for name in self.needs) and (
            self.of is None or self.of == _kind(self.needs[0], environment)
        )


def findings(checks: Iterable[Check], environment: Environment) -> Iterator[tuple[str, Finding]]:
    """Look at everything that can be looked at."""
    usable: set[str] = set()
    for check in checks:
        if usable.issuperset(check.after) and check.is_about(environment):
            finding = _looked(check, environment)
            if finding.status != "fail":
                usable.add(check.name)
            yield check.name, finding


def _kind(name: str, environment: Environment) -> str:
    """Give the kind of database that a setting names; none for one that is no URL, which is told elsewhere."""
    with contextlib.suppress(UsageError):
        return database_url(name, environment).get_backend_name()
    return ""


def _looked(check: Check, environment: Environment) -> Finding:
    """Take what stops the look for its finding: errors say what and, indented, the way out."""
    try:
        return check.look(environment)
    except Exception as error:
        told = cleaned(error)
    found, _, hint = str(told).partition("\n")
    return bad(found, hint.strip() or "Mend what is named.", told.code)
