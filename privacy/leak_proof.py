"""The one place that turns any exception into a clean one.

Libraries quote values: pandas and pyarrow in parse errors, DuckDB in conversion errors, PostgreSQL in DETAIL lines,
UnicodeDecodeError in its args. Prefect pickles what a run raises. So nothing but a `SluisError` passes this door,
raised outside the `except` block, without cause, context or the frames (and their local variables) of what failed.
"""

from __future__ import annotations

import errno
import functools
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn, ParamSpec, TypeVar

from privacy.connection_loss import is_connection_lost, origin
from privacy.errors import ConnectionLostError, SluisError, StoreError, UnexpectedError
from privacy.ways_out import LONG_TEXTS

P = ParamSpec("P")
R = TypeVar("R")

ROOMS = frozenset({"privacy", "stores", "expectations", "tasks", "flows", "cli", "demo"})
"""Our own top-level packages: a place in one of them may be named."""

_HOUSE = __file__.removesuffix("privacy/leak_proof.py")

CONNECTION_CLASSES = frozenset(
    {
        "IOException",
        "FatalException",
        "OutOfMemoryException",
        "TransactionException",
        "OperationalError",
        "InterfaceError",
        "InternalError",
    }
)
"""Classes by which database drivers say that a file, its disk or a connection, not the data, is at fault.

DuckDB's TransactionException: what it could not write when it committed; nobody else writes to a candidate.
"""

RECONNECT = "Check that the database is up and can be reached; then run again. Nothing is half-published."


def leak_proof(function: Callable[P, R]) -> Callable[P, R]:
    """Let only clean errors out of `function`."""

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            clean = cleaned(error)
        clean.__cause__ = clean.__context__ = None
        raise clean.with_traceback(None)

    return guarded


def raise_alone(problem: SluisError) -> NoReturn:
    """Raise an error without context: whoever left a `with` block is still at the driver's, which may quote a value."""
    try:
        raise problem
    except SluisError:
        problem.__context__ = None
        raise


def cleaned(error: BaseException) -> SluisError:
    """Say what happened by class and place; a `SluisError` is clean already and keeps its words."""
    if isinstance(error, SluisError):
        return error
    what, where = class_name(error), place(error)
    if is_connection_lost(error):
        return ConnectionLostError(f"{what} {where}: the connection was lost, or could not be made.\n  {RECONNECT}")
    if isinstance(error, OSError) and error.errno:
        return StoreError(f"{errno.errorcode.get(error.errno, 'OSError')} {where}.\n  {_way_out(error.errno)}")
    if isinstance(error, MemoryError):
        return StoreError(f"Out of memory {where}.\n  Give the worker more memory; nothing is half-published.")
    if _is_out_of_duckdbs_memory(origin(error)):
        return StoreError(f"{what} {where}: out of memory.\n  {LONG_TEXTS} Nothing is half-published.")
    if CONNECTION_CLASSES & {type(error).__name__, type(origin(error)).__name__}:
        return StoreError(
            f"{what} {where}.\n  Check that the database is reachable and its disk has room; then run again."
        )
    return UnexpectedError(
        f"{what} {where}.\n  The message is withheld because it may quote a value; nothing is half-published."
    )


def class_name(error: BaseException) -> str:
    """Name an exception's nearest declared class, as `module.Class`: one made up on the way may hold a value."""
    declared = next(filter(_is_declared, type(error).__mro__))
    return f"{declared.__module__}.{declared.__qualname__}"


def _is_declared(kind: type) -> bool:
    found: object = sys.modules.get(kind.__module__)
    for part in kind.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is kind


def place(error: BaseException) -> str:
    """Say where in our own code an exception passed last, as `in package/module.py:line (function)`."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = frame.filename.removeprefix(_HOUSE)
        if file != frame.filename and file.split("/")[0] in ROOMS:
            return f"in {file}:{frame.lineno} ({frame.name})"
    return "outside our own code"


def _is_out_of_duckdbs_memory(error: BaseException) -> bool:
    """Tell DuckDB's own limit, by which it also says that it cannot commit or write down what it holds."""
    name = type(error).__name__
    full = name in ("TransactionException", "FatalException") and "failed to pin block" in str(error)
    return name == "OutOfMemoryException" or full


def _way_out(code: int) -> str:
    """Tell what to do about an operating system error."""
    if code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "The disk is full or its limit is reached; make room and run again. Nothing is half-published."
    if code in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "The place cannot be written; check owner and mode. Nothing is half-published."
    return "Run again when the cause is gone. Nothing is half-published."
