"""Generalizing user agents: to the family of the browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from privacy.keys import Keys
from privacy.promises import ColumnPromise, InValues
from privacy.treatments.base import Beside, TextTreatment, arrow, series

_OTHER = "other"

# The first that matches counts: every browser names those that it wants to be taken for. CUBOT is a make of phones.
_FAMILIES = {
    "bot": r"(?i)(^|[^u])bot|crawl|spider|slurp|facebookexternalhit|headless|^(curl|wget|python|go-http|java|okhttp)",
    "Edge": r"Edg(e|A|iOS)?/",
    "Opera": r"OPR/|OPiOS/|OPT/|Opera",
    "Samsung Internet": r"SamsungBrowser/",
    "Firefox": r"Firefox/|FxiOS/",
    "Chrome": r"Chrome/|CriOS/|Chromium/",
    "Safari": r"Safari/",
}


class ToBrowserFamily(TextTreatment):
    """Publish the family of a browser instead of a user agent, which with an IP address singles out a device.

    Gives `Chrome`, `Firefox`, `Safari`, `Edge`, `Opera`, `Samsung Internet`, `bot` or `other`.
    """

    kind: Literal["generalize"] = "generalize"
    to: Literal["browser_family"] = "browser_family"
    accepts: ClassVar = frozenset({"text"})

    def treat(self, column: pd.Series, beside: Beside, keys: Keys) -> pd.Series:
        agents = arrow(column).dictionary_encode()
        return series(_families(agents.dictionary).take(agents.indices))

    def promises(self) -> Iterator[ColumnPromise]:
        yield InValues(values=(*_FAMILIES, _OTHER))


def _families(agents: pa.Array) -> pa.Array:
    matches = [pc.match_substring_regex(agents, pattern) for pattern in _FAMILIES.values()]
    return pc.case_when(pc.make_struct(*matches), *_FAMILIES, _OTHER)
