"""docs/pseudonyms.md can be followed: its worked examples come out, by its recipe and by our own code."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pyarrow as pa
import pytest

from privacy.tokens import tokens
from tests import independent_tokens
from tests.promised import KEYS, ROOT

DOC = (Path(__file__).parents[2] / "docs" / "pseudonyms.md").read_text("utf-8")
EXAMPLES = DOC.partition("## Worked examples")[2].partition("\n## ")[0]


def table(columns):
    """Read the rows of the examples' table that has so many columns, without its head."""
    rows = [re.findall(r"`([^`]*)`", line) for line in EXAMPLES.splitlines() if line.startswith("| `")]
    return [row for row in rows if len(row) == columns]


def test_the_examples_cover_every_form_and_more_than_one_domain():
    assert {form for _, form, *_ in table(5)} == {"integer", "text", "email"}
    assert len(table(2)) > 1


@pytest.mark.parametrize(("domain", "key"), table(2))
def test_the_keys_come_out(domain, key):
    assert list(ROOT) == list(range(32))
    assert independent_tokens.hkdf_sha256(ROOT, f"sluis/v1/token/{domain}".encode()).hex() == key
    assert KEYS.token_key(domain).hex() == key


@pytest.mark.parametrize(("domain", "form", "value", "message", "token"), table(5))
def test_the_tokens_come_out(domain, form, value, message, token):
    text = independent_tokens.canonical(value, form)
    assert message == f"{form}:{len(text.encode())}:{text}"
    assert str(independent_tokens.token(value, form, independent_tokens.hkdf_sha256(ROOT, info(domain)))) == token
    column = pa.array([int(value) if form == "integer" else value])
    assert str(tokens(column, form, KEYS.token_key(domain))[0].as_py()) == token


def test_the_decomposed_letter_of_the_examples_is_one():
    value = table(5)[-3][2]
    assert value != unicodedata.normalize("NFC", value)


def info(domain):
    return f"sluis/v1/token/{domain}".encode()
