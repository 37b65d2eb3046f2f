"""Kinds of phone numbers, for whole columns: Dutch ones by the numbering plan, all others as abroad."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from privacy.treatments.labels import pick, where

PHONE_KINDS = ("NL mobile", "NL fixed", "NL other", "abroad")

_SEPARATORS = ("(0)", *" -./()", "\u00a0", "\u2010", "\u2011", "\u2013")

_PREFIXES = ("06", "01", "02", "03", "04", "05", "07", "08", "09")
_KIND_OF_PREFIX = pa.array([0, 1, 1, 1, 1, 1, 1, 2, 2])


def phone_kinds(numbers: pa.Array) -> pa.Array:
    """Give the kind of each number (`PHONE_KINDS`), NULL where the text is no phone number.

    Dutch numbers have 10 digits with the 0 (08 and 09 numbers 8 to 12) and begin with +31, 0031 or 0; those of other
    countries begin with + or 00 and have 7 to 15 digits (ITU-T E.164).
    """
    text = _compact(numbers)
    abroad = pc.starts_with(text, "+")
    dutch = pc.starts_with(text, "+31")
    national = pc.if_else(dutch, _with_trunk_zero(pc.utf8_slice_codeunits(text, 3)), text)
    kind = _KIND_OF_PREFIX.take(pc.index_in(pc.utf8_slice_codeunits(national, 0, 2), pa.array(_PREFIXES)))
    kind = where(_fits(national, kind), pick(PHONE_KINDS, kind))
    foreign = pc.match_substring_regex(text, r"^\+[1-9][0-9]{6,14}$")
    return pc.if_else(pc.and_(abroad, pc.invert(dutch)), where(foreign, PHONE_KINDS[3]), kind)


def _compact(numbers: pa.Array) -> pa.Array:
    """Drop what stands between digits, and write the international prefix 00 as +."""
    compact = pl.Series(numbers).str.replace_many(list(_SEPARATORS), [""] * len(_SEPARATORS), leftmost=True)
    text = compact.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string())
    international = pc.binary_join_element_wise("+", pc.utf8_slice_codeunits(text, 2), "")
    return pc.if_else(pc.starts_with(text, "00"), international, text)


def _with_trunk_zero(text: pa.Array) -> pa.Array:
    return pc.if_else(pc.starts_with(text, "0"), text, pc.binary_join_element_wise("0", text, ""))


def _fits(national: pa.Array, kind: pa.Array) -> pa.Array:
    length = pc.binary_length(national)
    other = pc.and_(pc.greater_equal(length, 8), pc.less_equal(length, 12))
    fits = pc.if_else(pc.equal(kind, 2), other, pc.equal(length, 10))
    return pc.and_(fits, pc.match_substring_regex(national, "^[0-9]+$"))
