"""Changing the text of a policy in a test."""

from __future__ import annotations


def edited(text: str, *changes: tuple[str, str]) -> str:
    """Put a new piece in the place of each old one; one that is not there (once) is a fault of the test."""
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text
