"""What a check is, what it finds, and how a list of them is gone through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from privacy.errors import StoreError, UsageError
from privacy.leak_proof import cleaned
from stores.settings import VARIABLES

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
    """A look at one thing. It needs settings, and perhaps that another check did not fail; else it is left out."""

    name: str
    look: Callable[[Environment], Finding]
    needs: tuple[str, ...] = ()
    after: str | None = None


def findings(checks: Iterable[Check], environment: Environment) -> Iterator[tuple[str, Finding]]:
    """Look at everything that can be looked at."""
    usable: set[str | None] = {None}
    for check in checks:
        if check.after in usable and all(environment.get(VARIABLES[name]) for name in check.needs):
            finding = _looked(check, environment)
            if finding.status != "fail":
                usable.add(check.name)
            yield check.name, finding


def _looked(check: Check, environment: Environment) -> Finding:
    """Take what stops the look for its finding: errors say what and, indented, the way out."""
    try:
        return check.look(environment)
    except Exception as error:
        told = cleaned(error)
    found, _, hint = str(told).partition("\n")
    return bad(found, hint.strip() or "Mend what is named.", told.code)
