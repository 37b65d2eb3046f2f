"""Identifiers of data subjects, kept as MACs only: who a row is about, for whoever holds the keys.

    key = HKDF-SHA-256(root tombstones of an epoch, info = "sluis/v1/subject/" + "customer" | "email")
    mac = the first 16 bytes of HMAC-SHA-256(key, message), message as of tokens (privacy/tokens.py)

A customer's number is keyed as text, so that 123 and "123" are one; an e-mail address in its canonical form.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from privacy.canonical import Form, canonical
from privacy.keys import SubjectKeys
from privacy.macs import short_macs
from privacy.policy import Policy, Table
from privacy.policy_rights import Identifies
from privacy.treatments import Pseudonymize

CUSTOMER: Identifies = "customer"
EMAIL: Identifies = "email"

SUBJECT_COLUMNS: Mapping[Identifies, str] = {CUSTOMER: "_customer", EMAIL: "_email"}
"""Columns of a treated batch that tell whose each row is."""

GENERATION = "_generation"
"""Column that names the erasure after which a row of somebody who came back happened."""

INDEX_COLUMNS = (*SUBJECT_COLUMNS.values(), GENERATION)
"""What goes into the private index, never to analysts."""

_FORMS: Mapping[Identifies, Form] = {CUSTOMER: "text", EMAIL: "email"}


def macs_of(column: pa.Array, identifies: Identifies, key: bytes) -> pa.FixedSizeBinaryArray:
    """Give the MAC of each value (16 bytes), NULL for NULL and for blank text."""
    form = _FORMS[identifies]
    text = column if pa.types.is_string(column.type) else column.cast(pa.string())
    return short_macs(canonical(text, form), form, key)


def identifiers_of(table: Table) -> dict[Identifies, str]:
    """Name the source columns by which a table's rows are found."""
    return {found.identifies: table.source_of(found.column) for found in table.subject.found_by}


def others_named(policy: Policy, table: Table) -> dict[str, Identifies]:
    """Name the columns whose tokens name somebody beside whose the row is, and that no `references` empties.

    A table that refers to itself has one, as that of members to those who brought them.
    """
    people = {
        how.domain: found.identifies
        for one in policy.tables.values()
        for found in one.subject.found_by
        if isinstance(how := one.columns[found.column].treatment, Pseudonymize)
    }
    own = identifiers_of(table).values()
    return {
        name: people[spec.treatment.domain]
        for name, spec in table.columns.items()
        if isinstance(spec.treatment, Pseudonymize) and spec.treatment.domain in people
        if not spec.references and table.source_of(name) not in own
    }


def subjects_of(
    table: Table, columns: Mapping[str, pa.Array], keys: SubjectKeys, epoch: int
) -> dict[Identifies, pa.FixedSizeBinaryArray]:
    """Give the MACs of a batch's identifiers under one epoch, by what they identify."""
    return {
        identifies: macs_of(columns[source], identifies, keys.key(identifies, epoch))
        for identifies, source in identifiers_of(table).items()
    }
