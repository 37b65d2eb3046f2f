"""Put text into SQL where it cannot be a parameter: names from a policy, comments, patterns."""

from __future__ import annotations


def literal(text: str) -> str:
    """Quote a text value."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Quote the name of a table or column."""
    return '"' + name.replace('"', '""') + '"'
