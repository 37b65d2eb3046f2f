"""Networks of IP addresses as text, for whole columns: IPv4 by /24, IPv6 by /48."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privacy.treatments.labels import where

_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}"
_GROUP = "[1-9a-f][0-9a-f]?[0-9a-f]?[0-9a-f]?"
_ANY_GROUP = f"({_GROUP}|0)"

NETWORK_PATTERN = (
    rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.0/24|({_ANY_GROUP}:{_ANY_GROUP}:{_GROUP}|{_ANY_GROUP}:{_GROUP}|{_GROUP}|)::/48"
)
"""What a masked address looks like (RE2, full match)."""

_EIGHT_GROUPS = "^[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){7}$"
_V4_MAPPED = "^(?:0{1,4}:){5}ffff:"
_ZEROS = pa.array(["too many groups", *(":".join("0" * zeros) for zeros in range(1, 9))])


def networks(addresses: pa.Array) -> pa.Array:
    """Give the network of each address, NULL where the text is no address.

    192.0.2.1 gives 192.0.2.0/24, 2001:db8:1:2::3 gives 2001:db8:1::/48 (RFC 5952). An IPv6 address that carries an
    IPv4 address (v4-mapped, RFC 4291; 6to4, RFC 3056) is masked as that one: the /48 of 6to4 would show it in full.
    """
    text = pc.utf8_trim_whitespace(addresses)
    masked = where(pc.match_substring_regex(text, f"^{_IPV4}$"), _network_of_ipv4(text))
    colons = pc.fill_null(pc.match_substring(text, ":"), False)
    if not pc.any(colons).as_py():
        return masked
    return pc.replace_with_mask(masked, colons, _networks_of_ipv6(pc.ascii_lower(text.filter(colons))))


def _network_of_ipv4(text: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(pc.ascii_rtrim(text, "0123456789"), "0/24", "")


def _networks_of_ipv6(text: pa.Array) -> pa.Array:
    written_out = _eight_groups(_without_dots(_without_zone(text)))
    valid = pc.match_substring_regex(written_out, _EIGHT_GROUPS)
    written_out = pc.if_else(valid, written_out, "0:0:0:0:0:0:0:0")
    groups = pc.ascii_ltrim(pc.split_pattern(written_out, ":").flatten(), "0")
    group = [groups.take(pa.array(np.arange(i, len(groups), 8))) for i in (0, 1, 2, 6, 7)]
    network = _slash_48(*group[:3])
    network = _with_ipv4(network, pc.match_substring_regex(written_out, _V4_MAPPED), *group[3:])
    return where(valid, _with_ipv4(network, pc.equal(group[0], "2002"), *group[1:3]))


def _without_zone(text: pa.Array) -> pa.Array:
    zoned = pc.any(pc.match_substring(text, "%")).as_py()
    return pc.replace_substring_regex(text, "%[^%/]+$", "") if zoned else text


def _without_dots(text: pa.Array) -> pa.Array:
    """Write an IPv4 address at the end as two groups; the last of its numbers is dropped anyway, so it stays 0."""
    dotted = pc.match_substring_regex(text, f":{_IPV4}$")
    if not pc.any(dotted).as_py():
        return text
    some = text.filter(dotted)
    numbers = pc.split_pattern(pc.replace_substring_regex(some, "^.*:", ""), ".")
    first, second, third = (_HEX_OF_OCTET.take(pc.list_element(numbers, i).cast(pa.uint8())) for i in range(3))
    start = pc.replace_substring_regex(some, "[0-9.]+$", "")
    return pc.replace_with_mask(text, dotted, pc.binary_join_element_wise(start, first, second, ":", third, "00", ""))


_HEX_OF_OCTET = pa.array([f"{octet:02x}" for octet in range(256)])


def _eight_groups(text: pa.Array) -> pa.Array:
    """Write out what `::` stands for; text that is no address comes out as no eight groups."""
    shortened = pc.match_substring(text, "::")
    halves = pc.split_pattern(text.filter(shortened), "::", max_splits=1)
    head, tail = pc.list_element(halves, 0), pc.list_element(halves, 1)
    zeros = pc.max_element_wise(0, pc.subtract(8, pc.add(_count_groups(head), _count_groups(tail))))
    parts = (_or_null(head), _ZEROS.take(zeros), _or_null(tail))
    return pc.replace_with_mask(text, shortened, pc.binary_join_element_wise(*parts, ":", null_handling="skip"))


def _count_groups(text: pa.Array) -> pa.Array:
    return pc.add(pc.count_substring(text, ":"), pc.not_equal(text, "").cast(pa.int32()))


def _or_null(text: pa.Array) -> pa.Array:
    return where(pc.not_equal(text, ""), text)


def _slash_48(first: pa.Array, second: pa.Array, third: pa.Array) -> pa.Array:
    """Join three groups without leading zeros (so zero is the empty text) and leave out those that end it as zero."""
    zero_first, zero_second = (pc.if_else(pc.equal(group, ""), "0", group) for group in (first, second))
    two = pc.if_else(pc.equal(second, ""), first, pc.binary_join_element_wise(zero_first, second, ":"))
    three = pc.binary_join_element_wise(zero_first, zero_second, third, ":")
    return pc.binary_join_element_wise(pc.if_else(pc.equal(third, ""), two, three), "::/48", "")


def _with_ipv4(network: pa.Array, carries: pa.Array, high: pa.Array, low: pa.Array) -> pa.Array:
    """Put the /24 of the IPv4 address that stands in two groups in place of the /48, where there is one."""
    if not pc.any(carries).as_py():
        return network
    high, low = (
        pc.binary_join_element_wise("0x0", group.filter(carries), "").cast(pa.int32()) for group in (high, low)
    )
    octets = (pc.shift_right(high, 8), pc.bit_wise_and(high, 255), pc.shift_right(low, 8))
    ipv4 = pc.binary_join_element_wise(*(octet.cast(pa.string()) for octet in octets), "0/24", ".")
    return pc.replace_with_mask(network, carries, ipv4)
