"""What to do about a promise that does not hold, by the promise's kind."""

from __future__ import annotations

_TREATMENT = "The treatment does not give what it promises. Mend it, or the line of the policy that asks for it."
_VALUES = "Look at the source's values of this column; mend them there, or the promise where the policy states it."
_CODE = "Rows were lost, added or changed on the way: a fault of Sluis or of the database. Report it; publish nothing."
_SOURCE = "Somebody wrote to the source during the run, or it counts otherwise than it reads. Run again."
_MART = (
    "The mart's figures are not as the policy has them. Look at its minimum cell and columns; if they stand, report it."
)

WAYS_OUT = {
    "is_token": _TREATMENT,
    "is_null": _TREATMENT,
    "multiple_of": _TREATMENT,
    "period_start": _TREATMENT,
    "none_as_read": _TREATMENT,
    "sum_within": _TREATMENT,
    "in_values": _VALUES,
    "matches": _VALUES,
    "between": _VALUES,
    "not_null": _VALUES,
    "unique": _VALUES,
    "max_null_rate": _VALUES,
    "no_raw_identifier": "Values that look like identifiers are in this column. Suppress or mask it in the policy.",
    "no_value_drift": "The column began to hold values of a personal kind. Treat it as personal, or add a waiver "
    "with a reason, an owner and an end.",
    "null_count": _CODE,
    "sum_equals": _CODE,
    "row_count": _CODE,
    "unique_key": "The key is not unique in the source. Name another primary key, or mend the rows there.",
    "reference_holds": _CODE,
    "nothing_expired": _CODE,
    "reconciles": _SOURCE,
    "not_empty": "Every row is set aside or held back. Look at the reasons; a source that is empty needs no run.",
    "within_quarantine": "More rows are set aside than the policy allows. Look at their reasons, and mend the source.",
    "months_closed": _MART,
    "minimum_cell": _MART,
    "withheld": _MART,
    "none_withheld_alone": _MART,
    "one_row_per_cell": _MART,
    "counted_within": _MART,
}

LONG_TEXTS = (
    "Texts of many kilobytes need more memory than DuckDB is given. Suppress or redact their column, publish less of "
    "them, or name a warehouse in PostgreSQL."
)


def of_crash(exception: str) -> str:
    """Tell what to do about a check that crashed with an exception of this class."""
    return LONG_TEXTS if exception.endswith("OutOfMemoryException") else "Mend what it is about, or report it."
