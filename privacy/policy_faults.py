"""What pydantic finds wrong with a policy, in our words and with its place in the file; no value is quoted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from privacy.policy_parts import Path

_OURS = ("value_error", "retention", "after", "source")
"""Errors whose message is our own."""

_SENTENCES = {
    "missing": "is missing; declare it",
    "union_tag_not_found": "is missing; declare it",
    "extra_forbidden": "is not a key that a policy knows here; check the spelling in docs/policy.md",
    "union_tag_invalid": "is none of {expected_tags}",
    "literal_error": "is none of {expected}",
    "greater_than_equal": "is less than {ge}",
    "less_than_equal": "is more than {le}",
    "too_short": "is empty; name at least one",
    "string_pattern_mismatch": "is not written in the form that the documentation gives",
    "string_too_short": "is shorter than {min_length} characters",
}

_KINDS = {
    "string": "text; put it in quotes",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "finite": "a number",
    "bool": "true or false",
    "date": "a date, such as 2026-12-31",
    "tuple": "a list",
    "list": "a list",
    "model": "a mapping of keys to values",
    "dict": "a mapping of keys to values",
}
"""What should have stood there, by the first word of the error's type."""


def place(error: Any, lines: Mapping[Path, int]) -> Path:
    """Give the place of an error in the file: without the tags of unions that the type system puts in between."""
    found: Path = ()
    for part in error["loc"]:
        if (*found, part) in lines:
            found = (*found, part)
    match error["type"]:
        case "missing":
            return (*found, error["loc"][-1])
        case "union_tag_invalid" | "union_tag_not_found":
            return (*found, error["ctx"]["discriminator"].strip("'"))
        case _:
            return found


def words(error: Any) -> str:
    """Say what is wrong, and what should be there."""
    kind = error["type"]
    if kind in _OURS:
        return str(error["msg"]).removeprefix("Value error, ")
    if kind in _SENTENCES:
        return _SENTENCES[kind].format(**error.get("ctx", {}))
    if error["input"] is None:
        return "is empty; give it a value, or leave it out"
    return f"is not {_KINDS.get(kind.split('_')[0], 'what belongs here; see docs/policy.md')}"
