"""Subject files: whom a request is about, one person a line, as `customer_id=123` or `email=a@b.nl`.

The words before the sign are the columns by which the policy finds people. What stands after it never leaves here.
"""

from __future__ import annotations

import re

import pyarrow as pa

from privacy.errors import UsageError
from privacy.keys import SubjectKeys
from privacy.policy import Policy
from privacy.policy_rights import Identifies
from privacy.subjects import CUSTOMER, EMAIL
from tasks.people import People, people_of


def read_people(text: str, policy: Policy, keys: SubjectKeys) -> People:
    """Read a subject file; UsageError names the lines that are wrong, and quotes none."""
    words = words_of(policy)
    named: dict[Identifies, list[str | None]] = {CUSTOMER: [], EMAIL: []}
    wrong: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        word, sign, value = (part.strip() for part in line.partition("="))
        identifies = words.get(word)
        if fault := _fault(sign, identifies, value):
            wrong.append(f"  line {number}: {fault}")
        for kind, values in named.items():
            values.append(value if kind == identifies else None)
    if wrong:
        form = " or ".join(f"{word}=…" for word in sorted(words))
        raise UsageError("\n".join(["--subject-file: nothing was changed.", *wrong, f"  A line reads {form}."]))
    if not named[CUSTOMER]:
        raise UsageError("--subject-file: it names nobody. Nothing was changed.")
    columns = [(identifies, pa.array(values, pa.string())) for identifies, values in named.items()]
    return people_of(columns, len(named[CUSTOMER]), keys)


def words_of(policy: Policy) -> dict[str, Identifies]:
    """Give the names of columns by which people are found, with what they identify."""
    found = [one for table in policy.tables.values() for one in table.subject.found_by]
    table = policy.requests.table
    return {one.column: one.identifies for one in (*found, *(table.identified_by if table else ()))}


def _fault(sign: str, identifies: Identifies | None, value: str) -> str | None:
    if not sign:
        return "has no sign ="
    if identifies is None:
        return "begins with no column by which the policy finds people"
    if not value:
        return "names nobody"
    if identifies == EMAIL and not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
        return "is no e-mail address"
    return None
