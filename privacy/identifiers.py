"""What direct identifiers look like, one entry per kind, as RE2 patterns: for the gate's search of published text, not
for redaction.

A pattern here must not match what treatments publish (a masked `192.0.2.0/24`, a band `20-29`), so the last octet of an
IPv4 address is not 0 and an IPv6 address does not end in `::`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal[
    "email", "iban", "phone", "ipv4", "ipv6", "bsn", "card", "licence_plate", "vin", "postcode", "parcel", "cookie"
]
"""The kinds of personal value that are told apart."""

Check = Literal["mod_97", "eleven_proof", "luhn", "mixed", "no_part_or_date", "no_unit"]
"""What a text of the right shape must pass besides: a checksum (ISO 13616; that of the BSN; ISO/IEC 7812-1), to be of
letters and digits both, to be neither a part number (`04465-02220`) nor a date with its hour, no amount (`1600 CC`)."""


@dataclass(frozen=True)
class Identifier:
    """How values of one kind are recognised, and what can be taken for one by chance.

    One in eleven numbers of nine digits passes the check of a BSN, and a catalogue may be full of them. `outline` is
    what such accidents look like; `sure` is a spelling that is no accident.
    """

    shape: str
    check: Check | None = None
    outline: str | None = None
    sure: str | None = None
    outside: str | None = None
    """A text in which the shape is found although there is nothing of the kind in it."""
    digits: bool = False
    """Whether it can be written in digits alone, so that a number can hold it."""


_IBAN = r"\b[A-Z]{2}[0-9]{2} ?[A-Z0-9]{4} ?([A-Z0-9]{4} ?){1,7}[A-Z0-9]{0,4}\b"
_CARD = r"\b(3[47][0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{5}|[2-6][0-9]{3}([ -]?[0-9]{4}){3})\b"
_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_LAST_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]?)"
_ABROAD = r"[1-9][0-9]{0,2}( ?[(]0[)])?([ -]?[0-9]){8,10}\b"
_AT_HOME = r"\b(06[ -]([0-9] ?){7}|0[1-9][0-9][ -]([0-9] ?){6}|0[1-9][0-9]{2}[ -]([0-9] ?){5})[0-9]\b"

IDENTIFIERS: Final[Mapping[Kind, Identifier]] = {
    "email": Identifier(r"[^\s@]+@[^\s@]+[.]([[:alpha:]]|[^\x00-\x7F]){2,}"),
    "iban": Identifier(_IBAN, check="mod_97", outline=_IBAN),
    "phone": Identifier(
        rf"([+]|\b00){_ABROAD}|\b0[1-9]([ -]?[0-9]){{8}}\b|\b(31[1-9]|6)[0-9]{{8}}\b",
        check="no_part_or_date",
        outline=r"\b[0-9]{9,15}\b",
        sure=rf"[+]{_ABROAD}|\b00[1-9][0-9]{{0,2}}[ -]|{_AT_HOME}",
        outside=rf"{_IBAN}|{_CARD}",
        digits=True,
    ),
    "ipv4": Identifier(rf"\b({_OCTET}[.]){{3}}{_LAST_OCTET}\b", outline=r"\b[0-9]+([.][0-9]+){3,}\b"),
    "ipv6": Identifier(r"\b([[:xdigit:]]{1,4}:){4,7}[[:xdigit:]]{1,4}\b|::([[:xdigit:]]{1,4}:)*[[:xdigit:]]{1,4}\b"),
    "bsn": Identifier(r"\b[0-9]{9}\b", check="eleven_proof", outline=r"\b[0-9]{9}\b", digits=True),
    "card": Identifier(
        _CARD,
        check="luhn",
        outline=r"\b[0-9]([ -]?[0-9]){14,15}\b",
        digits=True,
    ),
    "licence_plate": Identifier(
        r"\b([A-Z]{1,3}-[0-9]{2,3}-[A-Z]{1,2}|[0-9]{1,2}-[A-Z]{2,3}-[0-9]{1,2}|[A-Z]{2}-[A-Z]{2}-[0-9]{2}"
        r"|[A-Z]{2}-[0-9]{2}-[0-9]{2}|[0-9]{2}-[0-9]{2}-[A-Z]{2}|[0-9]{2}-[A-Z]{2}-[A-Z]{2})\b",
        outline=r"\b([A-Z0-9]{2}-[A-Z0-9]{2}-[A-Z0-9]{2}|[A-Z0-9]{1,2}-[A-Z0-9]{3}-[A-Z0-9]{1,2}"
        r"|[A-Z0-9]{3}-[A-Z0-9]{2}-[A-Z0-9])\b",
    ),
    "vin": Identifier(r"\b[A-HJ-NPR-Z0-9]{17}\b", check="mixed", outline=r"\b[A-Z0-9]{11,}[0-9][A-Z0-9]{0,5}\b"),
    "postcode": Identifier(
        r"\b[1-9][0-9]{3}( ?[A-Z]{2}|[a-z]{2})\b",
        check="no_unit",
        outline=r"\b[0-9]{3,5}( ?[A-Z]{1,3}|[a-z]{1,3})\b",
        sure=r"\b[1-9][0-9]{3} ?[A-Z]{2},? [0-9]|\b[0-9]{1,5}[a-z]?,? [1-9][0-9]{3} ?[A-Z]{2}\b",
    ),
    "parcel": Identifier(
        r"\b3S[A-Z0-9]{10,}\b|\b[A-Z]{2,4}[0-9]{9,}[A-Z]{0,2}\b", outline=r"\b[A-Z0-9]{11,}\b", outside=_IBAN
    ),
    "cookie": Identifier(r"\b[[:xdigit:]]{32}\b", outline=r"\b[[:alnum:]]{32}\b"),
}

SHAPES: Final = tuple(identifier.shape for identifier in IDENTIFIERS.values())
"""Anything shaped like an identifier of any kind."""

GLANCE: Final = (
    r"@|:[[:xdigit:]]{0,4}:|[0-9]([ ()-]{0,2}[0-9]){2}|[0-9][.][0-9]|[A-Z]{2}[0-9]{2}|[A-Z0-9]{11}|[[:alnum:]]{32}"
    r"|[A-Z0-9]-[A-Z0-9]{2,3}-[A-Z0-9]"
)
"""What stands in whatever has the shape of a kind, or its outline: for an engine to which those cost much."""
