"""Canonical text of a value: equal values under any spelling become equal text, before anything is keyed.

Changing a rule here changes tokens: it belongs to a new key epoch and under **Breaks joins** in the changelog.
"""

from __future__ import annotations

from typing import Literal

import idna
import pyarrow as pa
import pyarrow.compute as pc

Form = Literal["integer", "text", "email"]
"""What a join domain's values are. The form is also the type tag of the keyed message."""


def canonical(column: pa.Array, form: Form) -> pa.Array:
    """Give the canonical text of each value; NULL and blank text become NULL (an empty string is not a value).

    integer: decimal digits, no leading zeros. text: Unicode NFC, trimmed. email: NFC, trimmed, lower case (letter by
    letter, Unicode's simple mapping), NFC again, domain in its IDNA (UTS 46, non-transitional) ASCII form where it has
    one; plus tags and dots stay distinct.
    """
    if form == "integer":
        return column.cast(pa.string())
    ascii_ = pc.string_is_ascii(column)
    if pc.all(ascii_).as_py():
        return _canonical_ascii(column, form)
    other = pc.fill_null(pc.invert(ascii_), False)
    return pc.replace_with_mask(_canonical_ascii(column, form), other, _canonical_unicode(column.filter(other), form))


def _canonical_ascii(column: pa.Array, form: Form) -> pa.Array:
    """Do the same to ASCII text, which is its own normal form."""
    if form == "email":
        column = pc.ascii_lower(column)
    column = pc.utf8_trim_whitespace(column)
    if pc.any(pc.equal(pc.binary_length(column), 0)).as_py():
        column = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
    return column


def _canonical_unicode(column: pa.Array, form: Form) -> pa.Array:
    text = pc.utf8_trim_whitespace(pc.utf8_normalize(column, form="NFC"))
    if form == "email":
        text = _ascii_domains(pc.utf8_normalize(pc.utf8_lower(text), form="NFC"))
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def _ascii_domains(addresses: pa.Array) -> pa.Array:
    """Turn non-ASCII domains into IDNA; the few distinct ones are looked up, the rows are not walked."""
    if pc.all(pc.string_is_ascii(addresses)).as_py():
        return addresses
    foreign = pc.fill_null(pc.match_substring_regex(addresses, r"@[^@]*[^\x00-\x7f][^@]*$"), False)
    if not pc.any(foreign).as_py():
        return addresses
    some = addresses.filter(foreign)
    domains = pc.replace_substring_regex(some, r"(?s)^.*@", "").dictionary_encode()
    ascii_forms = pa.array([_idna(domain) for domain in domains.dictionary.to_pylist()], pa.string())
    locals_ = pc.replace_substring_regex(some, r"@[^@]*$", "")
    return pc.replace_with_mask(
        addresses, foreign, pc.binary_join_element_wise(locals_, ascii_forms.take(domains.indices), "@")
    )


def _idna(domain: str) -> str:
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return domain
