"""Masking: what is left of an identifier that names no person (ISO/IEC 20889)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from privacy.canonical import canonical
from privacy.keys import Keys
from privacy.promises import ColumnPromise, InValues, Matches
from privacy.treatments.base import UNKNOWN, Beside, TextTreatment, arrow, series
from privacy.treatments.ip_networks import NETWORK_PATTERN, networks
from privacy.treatments.labels import Classes, class_of, or_unknown, where
from privacy.treatments.phone_numbers import PHONE_KINDS, phone_kinds

_OTHER = "other"
_LETTER_AND_MARKS = 4
"""Code points that may make one letter before NFC; a letter has at most two marks, in Vietnamese."""


class _Mask(TextTreatment):
    """A treatment that leaves a part or a kind of a text, and `unknown` of a text that it cannot read."""

    kind: Literal["mask"] = "mask"
    accepts: ClassVar = frozenset({"text"})

    def treat(self, column: pd.Series, beside: Beside, keys: Keys) -> pd.Series:
        text = arrow(column)
        return series(or_unknown(self._mask(text), text))

    @abstractmethod
    def _mask(self, text: pa.Array) -> pa.Array:
        """Give what is left of each text, NULL where it cannot be read."""


class MaskIp(_Mask):
    """Leave the network of an IP address, for analytics that count visits by region or provider.

    IPv4 by /24 (`192.0.2.0/24`), IPv6 by /48 (`2001:db8:1::/48`, RFC 5952).
    """

    of: Literal["ip"] = "ip"

    def _mask(self, text: pa.Array) -> pa.Array:
        return networks(text)

    def promises(self) -> Iterator[ColumnPromise]:
        yield Matches(pattern=f"{NETWORK_PATTERN}|{UNKNOWN}")


class MaskEmail(_Mask):
    """Leave the class of an e-mail address's domain, for analyses by kind of provider.

    `classes` names each class and its domains; a domain in none of them is `other`, and so is a subdomain of one.
    """

    of: Literal["email"] = "email"

    classes: Classes

    @field_validator("classes")
    @classmethod
    def _domains(cls, classes: Classes) -> Classes:
        domains = [domain for some in classes.values() for domain in some]
        addresses = pa.array([f"x@{domain}" for domain in domains], pa.string())
        if (
            any("@" in domain for domain in domains)
            or canonical(addresses, "email").to_pylist() != addresses.to_pylist()
        ):
            raise ValueError("write domains in lower case and without @, as example.nl (not ASCII: in xn-- form)")
        return classes

    def _mask(self, text: pa.Array) -> pa.Array:
        halves = pc.split_pattern(pc.fill_null(canonical(text, "email"), ""), "@", max_splits=1, reverse=True)
        domain = halves.values.take(pc.subtract(halves.offsets.slice(1), 1))
        readable = pc.and_(pc.equal(pc.list_value_length(halves), 2), pc.not_equal(domain, ""))
        readable = pc.and_(readable, pc.not_equal(pc.list_element(halves, 0), ""))
        return where(readable, class_of(domain, self.classes, _OTHER))

    def promises(self) -> Iterator[ColumnPromise]:
        yield InValues(values=(*self.classes, _OTHER, UNKNOWN))


class MaskPhone(_Mask):
    """Leave the kind of a phone number, for whoever plans calls and messages: `NL mobile`, `NL fixed`, `abroad`, …"""

    of: Literal["phone"] = "phone"

    def _mask(self, text: pa.Array) -> pa.Array:
        return phone_kinds(text)

    def promises(self) -> Iterator[ColumnPromise]:
        yield InValues(values=(*PHONE_KINDS, UNKNOWN))


class MaskIban(_Mask):
    """Leave the country of a bank account and, in the Netherlands, its bank: `DE`, `NL ABNA` (shape only)."""

    of: Literal["iban"] = "iban"

    def _mask(self, text: pa.Array) -> pa.Array:
        compact = pc.ascii_upper(pc.replace_substring(text, " ", ""))
        iban = pc.match_substring_regex(compact, "^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$")
        country = pc.utf8_slice_codeunits(compact, 0, 2)
        dutch = pc.match_substring_regex(compact, "^NL[0-9]{2}[A-Z]{4}[0-9]{10}$")
        bank = pc.binary_join_element_wise(country, pc.utf8_slice_codeunits(compact, 4, 8), " ")
        return pc.if_else(pc.equal(country, "NL"), where(dutch, bank), where(iban, country))

    def promises(self) -> Iterator[ColumnPromise]:
        yield Matches(pattern=f"[A-Z][A-Z]|NL [A-Z][A-Z][A-Z][A-Z]|{UNKNOWN}")


class MaskName(_Mask):
    """Leave the initial of a name, for whoever must tell two rows apart by eye: `J.`, `É.`

    Scripts without capitals give `unknown`: one Chinese character may be the whole name.
    """

    of: Literal["name"] = "name"

    def _mask(self, text: pa.Array) -> pa.Array:
        starts = pc.utf8_slice_codeunits(pc.utf8_trim_whitespace(text), 0, _LETTER_AND_MARKS).dictionary_encode()
        letters = pc.utf8_slice_codeunits(pc.utf8_normalize(starts.dictionary, form="NFC"), 0, 1)
        initials = pc.utf8_upper(letters)
        capitals = pc.match_substring_regex(initials, r"^\p{Lu}$")
        return where(capitals, pc.binary_join_element_wise(initials, ".", "")).take(starts.indices)

    def promises(self) -> Iterator[ColumnPromise]:
        yield Matches(pattern=rf"\p{{Lu}}\.|{UNKNOWN}")


Mask = Annotated[MaskIp | MaskEmail | MaskPhone | MaskIban | MaskName, Field(discriminator="of")]
"""What can be masked, told apart by `of`."""
