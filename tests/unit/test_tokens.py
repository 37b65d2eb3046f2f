"""Pseudonyms: the keyed tokens, against the standards' vectors and an independent computation."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import uuid

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from privacy.keys import Epoch, Keys
from privacy.tokens import tokens
from tests import independent_tokens
from tests.promised import KEYS, ROOT, treat, treatment
from tests.strategies import columns, emails, integers, keys, texts

RFC_4231 = {
    "1": (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    "2": (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    "3": (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    "4": (bytes(range(1, 26)), b"\xcd" * 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    "6": (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    "7": (
        b"\xaa" * 131,
        b"This is a test using a larger than block-size key and a larger than block-size data. "
        b"The key needs to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
}
RFC_5869 = {
    "1": (
        b"\x0b" * 22,
        bytes(range(0x0D)),
        bytes(range(0xF0, 0xFA)),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    "2": (
        bytes(range(0x50)),
        bytes(range(0x60, 0xB0)),
        bytes(range(0xB0, 0x100)),
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
        "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ),
    "3": (
        b"\x0b" * 22,
        b"",
        b"",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
}


# --- the standards


@pytest.mark.parametrize(("key", "message", "mac"), RFC_4231.values(), ids=RFC_4231)
def test_the_libraries_that_check_us_compute_hmac_as_rfc_4231_does(key, message, mac):
    other = HMAC(key, SHA256())
    other.update(message)
    assert hmac.digest(key, message, hashlib.sha256).hex() == other.finalize().hex() == mac


@pytest.mark.parametrize(("root", "salt", "info", "okm"), RFC_5869.values(), ids=RFC_5869)
def test_keys_are_derived_as_in_rfc_5869(root, salt, info, okm):
    length = len(okm) // 2
    assert independent_tokens.hkdf_sha256(root, info, length, salt).hex() == okm
    assert HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(root).hex() == okm


# --- an independent computation


@given(st.binary(min_size=32, max_size=64), st.from_regex(r"[a-z_]{1,20}", fullmatch=True))
def test_a_domains_key_is_derived_from_the_epochs_root_and_the_domains_name(root, domain):
    derived = Keys(Epoch(1, datetime.date(2026, 1, 1), root)).token_key(domain)
    assert derived == independent_tokens.hkdf_sha256(root, f"sluis/v1/token/{domain}".encode())


@pytest.mark.parametrize(
    ("form", "some_columns"),
    [
        ("integer", columns(integers, pa.int64())),
        ("text", columns(st.one_of(texts, emails), pa.string())),
        ("email", columns(st.one_of(emails, texts, st.builds("{}@{}".format, texts, texts)), pa.string())),
    ],
)
@given(data=st.data(), key=keys)
def test_tokens_are_those_of_an_independent_computation(form, some_columns, data, key):
    column = data.draw(some_columns)
    made = tokens(column, form, key)
    made.validate(full=True)
    assert made.type == pa.uuid()
    assert made.to_pylist() == [independent_tokens.token(value, form, key) for value in column.to_pylist()]


# --- what tokens are


@given(columns(integers, pa.int64()), keys)
def test_a_token_is_a_uuid_of_version_8(column, key):
    for made in filter(None, tokens(column, "integer", key).to_pylist()):
        assert made.version == 8
        assert made.variant == uuid.RFC_4122


@given(columns(texts, pa.string(), max_size=60), keys, st.integers(1, 20))
def test_a_token_does_not_depend_on_what_else_is_in_the_batch(column, key, size):
    whole = tokens(column, "text", key).to_pylist()
    parts = [tokens(column.slice(i, size), "text", key).to_pylist() for i in range(0, len(column), size)]
    assert whole == [made for part in parts for made in part]


def test_missing_and_blank_values_have_no_token_and_an_empty_column_none_at_all():
    assert tokens(pa.array(["", " ", None]), "text", ROOT).to_pylist() == [None, None, None]
    for empty in (pa.array([], pa.string()), pa.array([None, "a"]).slice(2)):
        assert len(tokens(empty, "text", ROOT)) == 0


def test_domains_forms_and_epochs_share_no_token():
    of_domains = [tokens(pa.array(["5"]), "text", KEYS.token_key(domain))[0].as_py() for domain in ("a", "b", "a/b")]
    of_number = tokens(pa.array([5]), "integer", KEYS.token_key("a"))[0].as_py()
    next_epoch = Keys(Epoch(2, datetime.date(2027, 1, 1), bytes(range(32, 64))))
    of_next = tokens(pa.array(["5"]), "text", next_epoch.token_key("a"))[0].as_py()
    assert len({*of_domains, of_number, of_next}) == 5


def test_the_length_keeps_values_apart_that_look_like_anothers_message():
    assert len(set(tokens(pa.array(["5", "1:5", "text:1:5"]), "text", ROOT).to_pylist())) == 3


def test_tokens_stay_what_they_are_from_version_to_version():
    key = KEYS.token_key("customer")
    assert key.hex() == "f6c294c2ddc46e1501745d5be6180e1ead284a36ae391ca441eeb69baecf9af4"
    assert str(tokens(pa.array([1001]), "integer", key)[0].as_py()) == "f916c9d5-d420-8487-9488-b7ea8b237711"
    assert str(tokens(pa.array(["NL-2026-000123"]), "text", key)[0].as_py()) == "98b02aa5-1df1-8414-9223-dde866a4846d"
    assert (
        str(tokens(pa.array(["J.Jansen@Example.NL"]), "email", key)[0].as_py())
        == "1ae1c3e4-11eb-8f54-8553-59f880216f53"
    )


def test_the_treatment_gives_its_domains_tokens():
    how = treatment(kind="pseudonymize", domain="customer", form="integer")
    column = pa.array([1001, None, 1002])
    assert treat(how, column) == tokens(column, "integer", KEYS.token_key("customer")).to_pylist()
