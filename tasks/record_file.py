"""Record files: which records of the source are meant, one a line, as `orders=123`: a source table and a key.

A key can point at a person. What stands after the sign never leaves here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from privacy.errors import UsageError
from privacy.holds import held_tables
from privacy.policy import Policy
from privacy.records import typed_keys


@dataclass(frozen=True)
class NamedRecords:
    """Records of one table: their keys as the table declares them, and the lines that name them."""

    keys: pa.Array
    lines: tuple[int, ...]


def read_records(text: str, policy: Policy) -> dict[str, NamedRecords]:
    """Read a record file, by source table; UsageError names the lines that are wrong, and quotes none."""
    named: dict[str, list[tuple[int, str]]] = {}
    wrong: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        table, sign, key = (part.strip() for part in line.partition("="))
        if not sign:
            wrong.append((number, "has no sign ="))
        elif table not in held_tables(policy):
            wrong.append((number, "begins with no table of the policy, by its name in the source"))
        else:
            named.setdefault(table, []).append((number, key))
    found = {}
    for table, entries in named.items():
        lines, texts = zip(*entries, strict=True)
        keys = typed_keys(pa.array(texts, pa.string()), policy.tables[table].key_type, policy.time_zone)
        wrong += [(line, "has no key of its table") for line, key in zip(lines, keys, strict=True) if not key.is_valid]
        found[table] = NamedRecords(keys, lines)
    if wrong:
        refuse_lines(wrong)
    if not found:
        raise UsageError("--record-file: it names no record. Nothing was changed.")
    return found


def refuse_lines(wrong: Iterable[tuple[int, str]]) -> None:
    """Refuse a record file, naming each line at fault."""
    told = [f"  line {number}: {fault}" for number, fault in sorted(wrong)]
    raise UsageError("\n".join(["--record-file: nothing was changed.", *told, "  A line reads table=key."]))
