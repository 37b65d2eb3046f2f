"""Numbers by which an officer knows a request or a procedure: they are kept and shown as they stand."""

from __future__ import annotations

from privacy.errors import UsageError

LONGEST = 100


def case_number(text: str, flag: str, of: str) -> str:
    """Give a number without blanks around it; UsageError for what may tell of somebody, or cannot be shown."""
    number = text.strip()
    if not number or len(number) > LONGEST or not number.isprintable() or "@" in number:
        raise UsageError(
            f"{flag} is the number of a {of}, at most {LONGEST} characters; nobody's name or address. "
            "Nothing was changed."
        )
    return number
