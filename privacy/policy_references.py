"""A key is declared once: a column that refers to a table takes what it does not state from that table's key."""

from __future__ import annotations

from typing import Any

from privacy.policy_parts import Broken, Path

TAKEN = ("type", "role", "treatment")
"""What a referring column takes from the key, each unless it states it itself."""


class WrittenOut:
    """A policy as read from YAML, not yet checked, in which every column states all it has.

    `wrong` are references that lead to no key. What was read is left as it is, for YAML's aliases share their parts.
    """

    def __init__(self, read: dict[str, Any]) -> None:
        self._tables = _mapping(read.get("tables"))
        self._taken: set[Path] = set()
        self.wrong: list[Broken] = []
        self.raw = {**read, "tables": {name: self._table(name) for name in self._tables}} if self._tables else read

    def is_taken(self, place: Path) -> bool:
        """Tell whether a place is within what came from a key: a fault in it is the key's, and told there."""
        return any(place[:end] in self._taken for end in range(len(place), 0, -1))

    def _table(self, name: str) -> Any:
        table = self._tables[name]
        columns = _mapping(_mapping(table).get("columns"))
        if not columns:
            return table
        at = ("tables", name, "columns")
        return {**table, "columns": {key: self._column(column, (*at, key)) for key, column in columns.items()}}

    def _column(self, column: Any, at: Path) -> Any:
        missing = [word for word in TAKEN if word not in column] if _target(column) else []
        if not missing:
            return column
        self._taken.update((*at, word) for word in missing)
        found = {word: self._key_with(word, column) for word in missing}
        if None in found.values():
            self.wrong.append(((*at, "references"), self._leads_nowhere(column)))
        return {**column, **{word: key[word] for word, key in found.items() if key and word in key}}

    def _key_with(self, word: str, column: dict[str, Any]) -> dict[str, Any] | None:
        """Give the key that states a word, or ought to; None where the references have no end."""
        followed: list[dict[str, Any]] = []
        while word not in column and (target := _target(column)):
            table = _mapping(self._tables.get(target))
            key = _mapping(table.get("columns")).get(str(table.get("primary_key")))
            if not isinstance(key, dict) or column in followed:
                return None
            followed.append(column)
            column = key
        return column

    def _leads_nowhere(self, column: dict[str, Any]) -> str:
        if _target(column) not in self._tables:
            return "names a table that the policy does not have"
        return f"leads to no primary key that says {', '.join(TAKEN)}; mend it there, or state them here"


def _mapping(node: Any) -> dict[str, Any]:
    return node if isinstance(node, dict) else {}


def _target(column: Any) -> str | None:
    target = _mapping(column).get("references")
    return target if isinstance(target, str) else None
