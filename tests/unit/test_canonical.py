"""Canonical text: one text for every spelling of a value, and no more than that."""

from __future__ import annotations

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from privacy.canonical import canonical
from tests import independent_tokens
from tests.strategies import columns, emails, integers, texts

anything = st.one_of(texts, emails, st.builds("{}@{}".format, texts, texts))


def of(form, *values):
    return canonical(pa.array(values, pa.string()), form).to_pylist()


@pytest.mark.parametrize("form", ["text", "email"])
@given(column=columns(anything, pa.string()))
@example(column=pa.array(["line\nbreak@MÜNCHEN.de", "J\u030c@example.nl", "İ@example.nl", "ΑΣ@example.nl"]))
def test_canonical_text_is_what_an_independent_computation_gives(form, column):
    expected = [independent_tokens.canonical(value, form) for value in column.to_pylist()]
    assert canonical(column, form).to_pylist() == expected


@pytest.mark.parametrize("form", ["text", "email"])
@given(column=columns(anything, pa.string()))
def test_canonical_text_is_its_own_canonical_text(form, column):
    once = canonical(column, form)
    assert canonical(once, form).equals(once)


@pytest.mark.parametrize("form", ["text", "email"])
@given(text=anything)
def test_composed_and_decomposed_letters_and_surrounding_space_make_no_difference(form, text):
    spellings = [text, unicodedata.normalize("NFD", text), f" {text}\t", f"\u00a0{text}\n"]
    assert len(set(of(form, *spellings))) == 1


@given(columns(integers, pa.int64()))
def test_whole_numbers_are_their_decimal_digits(column):
    expected = [None if number is None else str(number) for number in column.to_pylist()]
    assert canonical(column, "integer").to_pylist() == expected


def test_an_address_is_one_whatever_its_case_and_the_alphabet_of_its_domain():
    addresses = ["Jan@MÜNCHEN.de", " jan@mu\u0308nchen.de", "JAN@xn--mnchen-3ya.DE"]
    assert set(of("email", *addresses)) == {"jan@xn--mnchen-3ya.de"}


def test_the_german_sharp_s_is_no_double_s_in_a_domain():
    assert of("email", "a@straße.de", "a@strasse.de") == ["a@xn--strae-oqa.de", "a@strasse.de"]


def test_plus_tags_and_dots_tell_addresses_apart():
    addresses = ["jan.smit@example.nl", "jansmit@example.nl", "jan.smit+shop@example.nl"]
    assert of("email", *addresses) == addresses


def test_the_case_of_other_text_tells_values_apart():
    assert of("text", "AB-12", "ab-12", " AB-12") == ["AB-12", "ab-12", "AB-12"]


def test_blank_text_is_no_value():
    for form in ("text", "email"):
        assert of(form, "", " ", "\t\n", "\u00a0", None) == [None] * 5


def test_a_domain_that_has_no_ascii_form_stays_as_it_is():
    assert of("email", "A@é..nl", "a@-é-.nl") == ["a@é..nl", "a@-é-.nl"]
