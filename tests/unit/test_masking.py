"""Masks: what is left of an address, a number or a name, and that it is no more than promised."""

from __future__ import annotations

import ipaddress
import unicodedata
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.promised import treat, treatment
from tests.strategies import columns, emails, texts

CLASSES = {"free mail": ["gmail.com", "outlook.com"], "provider": ["ziggo.nl", "xn--mnchen-3ya.de"]}
MASKS = {
    "ip": treatment(kind="mask", of="ip"),
    "email": treatment(kind="mask", of="email", classes=CLASSES),
    "phone": treatment(kind="mask", of="phone"),
    "iban": treatment(kind="mask", of="iban"),
    "name": treatment(kind="mask", of="name"),
}


def masked(of: str, *values: str | None) -> list[Any]:
    return treat(MASKS[of], pa.array(values, pa.string()))


@pytest.mark.parametrize("of", MASKS)
@given(column=columns(st.one_of(texts, emails, st.text("+0123456789 ()-NLABab:.")), pa.string()))
def test_a_mask_keeps_its_promise_and_every_missing_value_whatever_the_text(of, column):
    treat(MASKS[of], column)


# --- IP addresses


def network_by_the_standard_library(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address.sixtofour or address
    bits = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network(int(address) if address.version == 4 else address.packed).supernet(new_prefix=bits))


@st.composite
def spellings(draw: st.DrawFn) -> str:
    """An IP address in one of the ways to write it."""
    address = draw(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
    text = draw(st.sampled_from([str(address), address.exploded, str(address).upper()]))
    if address.version == 4:
        return (
            draw(st.sampled_from(["", "::ffff:", "::FFFF:", "0:0:0:0:0:ffff:", "::", "64:ff9b::", "1:2:3:4:5:6:"]))
            + text
        )
    return text + draw(st.sampled_from(["", "", "%eth0", "%1"]))


almost_addresses = st.lists(
    st.sampled_from(
        [":", "::", ".", "%", "0", "1", "ffff", "FFFF", "00ab", "12345", "2002", "192.0.2.1", "256", "g", "/"]
    ),
    max_size=10,
).map("".join)


@given(st.lists(st.one_of(spellings(), almost_addresses), min_size=1, max_size=20))
@example(["::ffff:c000:201", "2002:c000:201::1", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", ":::", "1::2::3", "01.2.3.4"])
def test_the_network_of_any_spelling_is_the_one_that_the_standard_library_finds(addresses):
    assert masked("ip", *addresses) == [network_by_the_standard_library(address) for address in addresses]


def test_the_network_of_an_address_is_written_as_in_these_examples():
    assert masked("ip", "192.0.2.77", " 10.0.0.1 ", "2001:0DB8:0001:2::3", "2001:db8::1", "::1", "fe80::1%eth0") == [
        "192.0.2.0/24",
        "10.0.0.0/24",
        "2001:db8:1::/48",
        "2001:db8::/48",
        "::/48",
        "fe80::/48",
    ]


def test_an_ipv4_address_inside_an_ipv6_address_is_masked_as_what_it_is():
    assert set(masked("ip", "::ffff:192.0.2.1", "::FFFF:C000:0201", "2002:c000:0201::1")) == {"192.0.2.0/24"}


def test_no_masked_address_says_more_than_its_network():
    assert masked("ip", *(f"192.0.2.{i}" for i in range(256))) == ["192.0.2.0/24"] * 256


# --- e-mail addresses


def test_the_class_of_a_domain_is_found_whatever_the_spelling_and_subdomains_do_not_count():
    assert masked("email", "jan@gmail.com", " JAN@GMAIL.COM ", "j@mail.gmail.com", "a@b@ziggo.nl", "j@MÜNCHEN.de") == [
        "free mail",
        "free mail",
        "other",
        "provider",
        "provider",
    ]


def test_text_that_is_no_address_is_unknown():
    assert masked("email", "jan", "@gmail.com", "jan@", "@", None) == ["unknown"] * 4 + [None]


@given(columns(emails, pa.string()))
def test_every_address_has_a_class(column):
    assert "unknown" not in treat(MASKS["email"], column)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ({}, "name at least one class"),
        ({"free mail": []}, "nothing belongs to free mail; list at least one value for each class"),
        ({"a": ["x.nl"], "b": ["x.nl"]}, "listed more than once: x.nl"),
        ({"a": ["X.nl"]}, "write domains in lower case and without @"),
        ({"a": ["y.nl", "@x.nl"]}, "write domains in lower case and without @"),
        ({"a": ["münchen.de"]}, "write domains in lower case and without @"),
        ({"unknown": ["x.nl"]}, "the name `unknown` is taken"),
    ],
)
def test_classes_that_cannot_be_told_apart_are_refused(classes, message):
    with pytest.raises(ValidationError, match=message):
        treatment(kind="mask", of="email", classes=classes)


# --- phone numbers


@st.composite
def dutch_numbers(draw: st.DrawFn, start: str) -> str:
    """Ten digits in one of the ways to write them."""
    rest = draw(st.text("0123456789", min_size=10 - len(start), max_size=10 - len(start)))
    prefix = draw(st.sampled_from(["0", "+31", "0031", "+31 (0)", "0031 (0)", "+31-", "(0"]))
    national = start[1:] + rest
    spaced = "".join(digit + draw(st.sampled_from(["", "", " ", "-", ".", "\u00a0"])) for digit in national)
    return prefix + spaced[: len(start) - 1] + (")" if prefix == "(0" else "") + spaced[len(start) - 1 :]


@given(dutch_numbers("06"))
def test_a_number_that_begins_with_06_is_mobile_in_any_spelling(number):
    assert masked("phone", number) == ["NL mobile"]


@given(st.sampled_from(["010", "020", "030", "040", "050", "070", "0113"]).flatmap(dutch_numbers))
def test_a_number_of_a_region_is_fixed_in_any_spelling(number):
    assert masked("phone", number) == ["NL fixed"]


@given(st.sampled_from(["085", "088", "091"]).flatmap(dutch_numbers))
def test_a_number_of_no_region_is_neither_fixed_nor_mobile(number):
    assert masked("phone", number) == ["NL other"]


@given(st.sampled_from(["+49", "0049", "+32 ", "+1-", "00 44 "]), st.text("0123456789", min_size=6, max_size=11))
def test_a_number_with_another_countrys_prefix_is_abroad(prefix, rest):
    assert masked("phone", prefix + rest) == ["abroad"]


def test_parameters_are_told_as_a_policy_writes_them():
    mail = treatment(kind="mask", of="email", classes={"free mail": ["gmail.com", "outlook.com"], "own": ["a.nl"]})

    assert mail.told() == "mask, of: email, classes: {free mail: [gmail.com, outlook.com], own: [a.nl]}"
    assert treatment(kind="generalize", to="band", edges=[10, 50]).told() == "generalize, to: band, edges: [10, 50]"


def test_phone_numbers_are_told_apart_as_in_these_examples():
    numbers = [
        "06-12345678",
        "+31 (0)20 123 45 67",
        "0800-1234",
        "+32 470 12 34 56",
        "112",
        "+31",
        "geen",
        "0612345",
        "06123456789",
    ]
    kinds = ["NL mobile", "NL fixed", "NL other", "abroad", "unknown", "unknown", "unknown", "unknown", "unknown"]
    assert masked("phone", *numbers) == kinds


@pytest.mark.parametrize(
    ("start", "fewest", "most", "kind"),
    [("0800", 8, 12, "NL other"), ("020", 10, 10, "NL fixed"), ("+49", 7, 15, "abroad")],
)
def test_a_number_with_too_few_or_too_many_digits_or_anything_else_is_unknown(start, fewest, most, kind):
    written = sum(map(str.isdigit, start))
    right = [start + "1" * (digits - written) for digits in range(fewest, most + 1)]
    wrong = [right[0][:-1], right[-1] + "1", *(f"{number[:-1]}x" for number in right)]

    assert set(masked("phone", *right)) == {kind}
    assert set(masked("phone", *wrong)) == {"unknown"}


# --- IBANs


@given(st.from_regex(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", fullmatch=True).filter(lambda iban: not iban.startswith("NL")))
def test_only_the_country_is_left_of_a_foreign_iban(iban):
    grouped = " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))
    assert masked("iban", iban, grouped, iban.lower()) == [iban[:2]] * 3


@given(st.from_regex(r"NL[0-9]{2}[A-Z]{4}[0-9]{10}", fullmatch=True))
def test_country_and_bank_are_left_of_a_dutch_iban(iban):
    assert masked("iban", iban) == [f"NL {iban[4:8]}"]


def test_ibans_are_masked_as_in_these_examples():
    ibans = ["NL91 ABNA 0417 1643 00", "DE89370400440532013000", "NL91ABNA041716430", "417164300", "NL", None]
    assert masked("iban", *ibans) == ["NL ABNA", "DE", "unknown", "unknown", "unknown", None]


# --- names


@given(columns(texts, pa.string()))
def test_the_initial_is_the_first_letter_as_a_capital(column):
    for name, initial in zip(column.to_pylist(), treat(MASKS["name"], column), strict=True):
        if initial not in (None, "unknown"):
            letter = unicodedata.normalize("NFC", name.strip())[0]
            assert unicodedata.category(letter) in ("Lu", "Ll", "Lt", "Lo")
            assert initial[1:] == "."
            assert initial[0].isupper() and initial[0].casefold() == letter.casefold()


def test_names_are_masked_as_in_these_examples():
    assert masked("name", "jan", " Élodie", "e\u0301lodie", "Ế", "Ø", "IJsbrand") == [
        "J.",
        "É.",
        "É.",
        "Ế.",
        "Ø.",
        "I.",
    ]


def test_a_name_that_begins_with_no_letter_or_in_a_script_without_capitals_is_unknown():
    assert masked("name", "'t Hart", "2pac", "王", "\u200b", None) == ["unknown"] * 4 + [None]


# --- refusals


def test_masking_what_there_is_no_mask_for_is_refused_with_the_list_of_masks():
    with pytest.raises(ValidationError, match="'ip', 'email', 'phone', 'iban', 'name'"):
        treatment(kind="mask", of="address")


@pytest.mark.parametrize("of", MASKS)
def test_a_mask_reads_text_only_and_no_column_beside(of):
    assert MASKS[of].accepts == {"text"}
    assert MASKS[of].needs() == {}


@pytest.mark.parametrize("of", MASKS)
def test_a_parameter_that_a_mask_does_not_have_is_refused(of):
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        treatment(kind="mask", of=of, keep_last=2)
