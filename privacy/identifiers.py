"""What direct identifiers look like, as RE2 patterns: for the gate's search of published text, not for redaction.

A pattern here must not match what treatments publish (a masked `192.0.2.0/24`, a band `20-29`), so the last octet of an
IPv4 address is not 0 and an IPv6 address does not end in `::`.
"""

from __future__ import annotations

_EMAIL = r"[[:alnum:]._%+-]+@[[:alnum:].-]+[.][[:alpha:]]{2,}"
_IBAN = r"\b[A-Z]{2}[0-9]{2} ?[A-Z0-9]{4} ?([A-Z0-9]{4} ?){1,7}[A-Z0-9]{0,4}\b"
_IPV4 = r"\b([0-9]{1,3}[.]){3}[1-9][0-9]{0,2}\b"
_IPV6 = r"\b([[:xdigit:]]{1,4}:){4,7}[[:xdigit:]]{1,4}\b"
_IPV6_SHORT = r"::([[:xdigit:]]{1,4}:)*[[:xdigit:]]{1,4}\b"
_PHONE = r"([+]|\b00)[1-9][0-9]{1,2}( ?[(]0[)])?([ -]?[0-9]){8,10}\b|\b0[1-9]([ -]?[0-9]){8}\b"
_POSTCODE = r"\b[1-9][0-9]{3} ?[A-Z]{2}\b"
_PLATE = r"\b([A-Z]{1,3}-[0-9]{2,3}-[A-Z]{1,2}|[0-9]{1,2}-[A-Z]{2,3}-[0-9]{1,2}|[A-Z]{2}-[A-Z]{2}-[0-9]{2})\b"
_PLATE_OLD = r"\b([A-Z]{2}-[0-9]{2}-[0-9]{2}|[0-9]{2}-[0-9]{2}-[A-Z]{2}|[0-9]{2}-[A-Z]{2}-[A-Z]{2})\b"
_VIN = r"\b[A-HJ-NPR-Z0-9]{17}\b"
_TRACKING = r"\b3S[A-Z0-9]{10,}\b|\b[A-Z]{2,4}[0-9]{9,}[A-Z]{0,2}\b"
_COOKIE = r"\b[[:xdigit:]]{32}\b"
_NINE_DIGITS = r"\b[0-9]{9}\b"

RAW_IDENTIFIER = "|".join(
    (
        _EMAIL,
        _IBAN,
        _IPV4,
        _IPV6,
        _IPV6_SHORT,
        _PHONE,
        _POSTCODE,
        _PLATE,
        _PLATE_OLD,
        _VIN,
        _TRACKING,
        _COOKIE,
        _NINE_DIGITS,
    )
)
"""Anything shaped like an e-mail or IP address, an IBAN, a phone number, postcode, plate, VIN, parcel, cookie, BSN."""
