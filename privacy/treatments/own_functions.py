"""Functions of a user's own, named in a policy: found, and their code made known by its digest.

Importing a module runs it, and the function sees raw values: whoever can write the policy, or a folder in which Python
looks for modules, can do what the run can. Python looks where PYTHONPATH says, and not beside the policy.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import traceback
from collections.abc import Callable
from functools import cache
from types import ModuleType

import pandas as pd

OwnFunction = Callable[[pd.Series, pd.DataFrame], pd.Series]
"""Given a column and the columns beside it, the treated column: as long, in the same order, under the same index."""


@cache
def own_function(named: str) -> OwnFunction:
    """Import a function by `package.module:name`; ValueError says why it cannot be used."""
    function = getattr(_module(named), named.partition(":")[2], None)
    if not callable(function):
        raise ValueError("is no function of its module; write it as package.module:name")
    problem = None
    try:
        inspect.signature(function).bind(None, None)
    except (TypeError, ValueError):
        problem = "does not take two arguments, the column and the columns beside it"
    if problem:
        raise ValueError(problem)
    found: OwnFunction = function
    return found


@cache
def code_digest(named: str) -> str:
    """Give the SHA-256 of the source of a function's module, hexadecimal."""
    problem = None
    try:
        return hashlib.sha256(inspect.getsource(_module(named)).encode()).hexdigest()
    except (OSError, TypeError):
        problem = "is in a module without source code, so that a run could not tell what it ran"
    raise ValueError(problem)


def line_in(named: str, error: BaseException) -> str:
    """Say on which line of a function's module an exception passed last, as ` on line 12`; empty if on none."""
    file = _module(named).__file__
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f" on line {lines[-1]} of its module" if lines else ""


def _module(named: str) -> ModuleType:
    problem = None
    try:
        return importlib.import_module(named.partition(":")[0])
    except (Exception, SystemExit) as error:
        problem = f"cannot be imported ({type(error).__name__}); put the folder of its module on PYTHONPATH"
    raise ValueError(problem)
