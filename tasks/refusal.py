"""What a closed gate says."""

from __future__ import annotations

from privacy.errors import GateError
from privacy.evidence import CrashedCheck, DriftedValues, FailedPromise, RunRecord
from privacy.ways_out import LONG_TEXTS, of_crash


def refusal(record: RunRecord, file: str) -> GateError:
    """Tell each broken promise and crashed check, and what to do."""
    gates = record.gates
    said = [f"{gates.passed} promises hold; {len(gates.failed)} are broken, {len(gates.crashed)} checks crashed."]
    for failed in gates.failed:
        rows = "" if failed.rows is None else f" in {failed.rows:,} rows"
        said.append(f"{_promise(failed, file)} is broken{rows}{_of_drift(failed)}")
    said += [f"{_promise(crashed, file)} could not be checked: {crashed.exception}" for crashed in gates.crashed]
    said += [f"  {LONG_TEXTS}"] if any(of_crash(crash.exception) == LONG_TEXTS for crash in gates.crashed) else []
    said.append("  Nothing was published. Mend the treatment, the policy or the source, and run again.")
    error = GateError("\n".join(said))
    error.record = record
    return error


def _of_drift(failed: FailedPromise) -> str:
    if not isinstance(failed, DriftedValues):
        return ""
    expired = f"; its waiver expired, {failed.waived_until} was the last day" if failed.waived_until else ""
    return f" by values of kind {failed.kind}{expired}"


def _promise(found: FailedPromise | CrashedCheck, file: str) -> str:
    where = f"{found.table}.{found.column}" if found.column else found.table
    return f"  {file}:{found.policy_line}: {where}: {found.promise}"
