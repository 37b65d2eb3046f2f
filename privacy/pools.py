"""Pools of invented values, built from Faker once per process, and which of them really occur in the source.

A pool depends on its locale and on the version of Faker, on no key and no row. Last names are two of Faker's with a
hyphen between them: so many that a shop with all the last names of a country leaves nearly every pair free, and that
nobody can tell from a value that is never drawn that somebody bears it.
"""

from __future__ import annotations

import unicodedata
import zlib
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from privacy.errors import TreatmentError

Part = Literal["first_name", "last_name", "city", "street", "company"]

_DRAWN_FROM: dict[Part, str] = {"street": "street_name"}
_DRAWS = 6_000
_SEED = 20889
_LEAST = 100
"""Among fewer values nobody is hidden."""


@cache
def pool(part: Part, locale: str, *, for_mail: bool = False) -> pa.Array:
    """Give the values of a pool, no two of them alike; `for_mail` as a mail address spells them, in the same order.

    ValueError where Faker has too few in this locale, or some that a mail address cannot spell.
    """
    words = _words(part, locale)
    if len(words) < _LEAST:
        raise ValueError(f"the locale {locale} has {len(words)} values for {part}; {_LEAST} are needed to hide among")
    if for_mail:
        words = [_for_mail(word) for word in words]
        if not all(words):
            raise ValueError(f"the locale {locale} has names that a mail address cannot spell")
    return _pairs(words) if part == "last_name" else pa.array(words, pa.string())


def _words(part: Part, locale: str) -> list[str]:
    from faker import Faker

    faker = Faker(locale)
    faker.seed_instance(_SEED)
    draw = getattr(faker, _DRAWN_FROM.get(part, part))
    drawn = sorted({unicodedata.normalize("NFC", draw()) for _ in range(_DRAWS)})
    if part in ("first_name", "last_name"):
        words = (value.split()[-1] for value in drawn)
        drawn = [word for word in words if word.isalpha() and not word.isupper()]
    if part == "last_name":
        drawn = [word for word in drawn if is_synthetic_last_name(word)]
    return list({word.casefold(): word for word in drawn}.values())


def is_synthetic_last_name(name: str) -> bool:
    """Whether a last name belongs to synthetic people: an odd CRC-32 of its case-folded NFC form in UTF-8.

    The standing split: the even half is for invented shops (docs/demo-shop.md), so that the two never share a name.
    """
    return zlib.crc32(unicodedata.normalize("NFC", name).casefold().encode()) % 2 == 1


def _for_mail(word: str) -> str:
    return unicodedata.normalize("NFKD", word.casefold()).encode("ascii", "ignore").decode()


def _pairs(words: list[str]) -> pa.Array:
    """Join every word to every other one."""
    first, second = np.divmod(np.arange(len(words) * (len(words) - 1)), len(words) - 1)
    second += second >= first
    names = pa.array(words, pa.string())
    return pc.binary_join_element_wise(names.take(pa.array(first)), names.take(pa.array(second)), "-")


def folded(values: pa.Array) -> pa.Array:
    """Make values comparable: NFC, trimmed, lower case."""
    return pc.utf8_lower(pc.utf8_trim_whitespace(pc.utf8_normalize(values, form="NFC")))


class Taken:
    """Which values of the pools really occur in the source, and so are nobody's synthetic value. Holds indices only."""

    def __init__(self) -> None:
        self._taken: dict[tuple[Part, str], npt.NDArray[np.bool_]] = {}

    def note(self, part: Part, locale: str, column: pa.Array) -> None:
        """Note real values: companies, and last names, also at the end of a longer name. Other parts are nobody's."""
        if part not in ("last_name", "company"):
            return
        values = pool(part, locale)
        taken = self._taken.setdefault((part, locale), np.zeros(len(values), np.bool_))
        real = folded(column)
        if part == "last_name":
            real = pc.replace_substring_regex(real.filter(pc.match_substring(real, "-")), r"(?s)^.*\s", "")
        if len(real) > real.null_count:
            at = pc.index_in(real, folded(values))
            taken[at.drop_null().to_numpy(zero_copy_only=False)] = True

    def free(self, part: Part, locale: str) -> pa.Array | None:
        """Give for each index of a pool itself, or the next one that is free; None where all are.

        So a value that becomes real renames only those who bore it. TreatmentError if none is free.
        """
        taken = self._taken.get((part, locale))
        if taken is None or not taken.any():
            return None
        free = np.flatnonzero(~taken)
        if not len(free):
            raise TreatmentError(
                f"every value that the locale {locale} has for {part} occurs in the source.\n"
                "  Suppress the column, or name another locale."
            )
        following = np.searchsorted(free, np.arange(len(taken))) % len(free)
        return pa.array(free[following])
