"""The errors of Sluis: what, where and the way out; names, columns and counts, never a value.

    SluisError
    ├── UsageError        2  a flag, a path or an environment variable is wrong
    ├── PolicyError       2  the policy file is wrong (file, line, way out)
    ├── TreatmentError    2  a treatment cannot treat its column (table, column, way out)
    ├── KeyringError      2  the key file is missing, short, default or readable by others
    ├── DriftError        4  the source is not what the policy describes
    ├── GateError         1  a promise is broken, or a check crashed: nothing was published
    ├── VerificationError 1  receipts are not what was issued, or what remains of rows is not what was decided
    ├── StoreError        3  disk, file or connection: the previous state stays published
    │   └── ConnectionLostError  3  a connection was lost or not made: the only kind that may be tried again
    ├── LockError         3  another run holds the warehouse
    ├── ApprovalError     5  somebody else's approval is missing, or may not be given by whom it was tried
    ├── StandingError     5  the ledger is older than the warehouse or another's, or a replay is owed
    ├── StalePlanError    5  what was planned is no longer what would be done
    ├── InterruptedByUserError 130  somebody pressed Ctrl-C
    └── UnexpectedError   3  anything else, stripped to its class and its place in our code

Each carries its exit code and a `kind`, the word that `--output json` gives. Every one is built from its message alone,
so that it survives pickling (Prefect stores exceptions).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from privacy.evidence import RunRecord


class SluisError(Exception):
    """Base of everything that Sluis raises on purpose."""

    code: ClassVar[int] = 3
    kind: ClassVar[str] = "runtime"
    found: Mapping[str, Any] = {}
    """What `--output json` shows beside the error."""


class UsageError(SluisError):
    """A flag, a path or an environment variable is wrong."""

    code = 2
    kind = "usage"


class PolicyError(SluisError):
    """The policy file cannot be accepted."""

    code = 2
    kind = "policy"


class TreatmentError(SluisError):
    """A treatment cannot do what the policy asks of it."""

    code = 2
    kind = "treatment"


class KeyringError(SluisError):
    """The key file cannot be trusted."""

    code = 2
    kind = "keyring"


class DriftError(SluisError):
    """The source is not what the policy describes; `drift` lists each difference."""

    code = 4
    kind = "drift"
    drift: Sequence[Mapping[str, str | None]] = ()


class GateError(SluisError):
    """A promise is broken or a check crashed; `record` is the evidence of the run."""

    code = 1
    kind = "gate"
    record: RunRecord | None = None


class VerificationError(SluisError):
    """A verification found something."""

    code = 1
    kind = "verification"


class StoreError(SluisError):
    """A disk, file or connection failed."""

    kind = "store"


class ConnectionLostError(StoreError):
    """A connection was lost, or could not be made: it may be there again a little later."""

    kind = "connection"


class LockError(SluisError):
    """Another run holds the warehouse."""

    kind = "lock"


class ApprovalError(SluisError):
    """An approval is missing, or was tried by whoever made the plan."""

    code = 5
    kind = "approval"


class StandingError(SluisError):
    """Ledger and warehouse do not belong together as they stand."""

    code = 5
    kind = "standing"


class StalePlanError(SluisError):
    """What was planned is no longer what would be done."""

    code = 5
    kind = "stale"


class InterruptedByUserError(SluisError):
    """Somebody pressed Ctrl-C; the code is the shell's own for it."""

    code = 130
    kind = "interrupted"


class UnexpectedError(SluisError):
    """Anything else, stripped to its class and its place."""

    kind = "unexpected"


def is_transient(error: object) -> bool:
    """Tell whether a whole run may be tried again as it is: never after drift, a policy's fault or a shut gate."""
    return isinstance(error, ConnectionLostError)
