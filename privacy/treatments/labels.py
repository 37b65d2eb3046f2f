"""Labels: the few texts that masks and generalizations publish instead of values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AfterValidator

from privacy.treatments.base import UNKNOWN


def pick(labels: Sequence[str], indices: pa.Array) -> pa.Array:
    """Give the label at each index, NULL at NULL."""
    return pa.array(labels, pa.string()).take(indices)


def or_unknown(labels: pa.Array, column: pa.Array) -> pa.Array:
    """Keep NULL exactly where the column is NULL, and say `unknown` wherever else there is no label."""
    return pc.if_else(pc.is_valid(column), pc.fill_null(labels, UNKNOWN), pa.scalar(None, pa.string()))


def where(condition: pa.Array, values: pa.Array | str) -> pa.Array:
    """Keep values where the condition holds; NULL where it does not or is NULL itself."""
    return pc.if_else(pc.fill_null(condition, False), values, None)


def _told_apart(classes: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Refuse classes that are empty or share a member: a value would have no class, or two."""
    if UNKNOWN in classes:
        raise ValueError(f"the name `{UNKNOWN}` is taken: it stands for what cannot be read")
    if not classes:
        raise ValueError("name at least one class")
    if empty := [name for name, members in classes.items() if not members]:
        raise ValueError(f"nothing belongs to {', '.join(empty)}; list at least one value for each class")
    members = [member for some in classes.values() for member in some]
    if twice := sorted({member for member in members if members.count(member) > 1}):
        raise ValueError(f"listed more than once: {', '.join(twice)}")
    return classes


Classes = Annotated[dict[str, tuple[str, ...]], AfterValidator(_told_apart)]
"""Class names, each with the values that belong to it; no value belongs to two."""


def class_of(values: pa.Array, classes: Classes, other: str) -> pa.Array:
    """Give the class that each value belongs to, `other` where it belongs to none, NULL included."""
    members = {member: name for name, some in classes.items() for member in some}
    return pc.fill_null(
        pick(tuple(members.values()), pc.index_in(values, pa.array(members.keys(), pa.string()))), other
    )
