"""Receipts: what is issued can be verified, and whatever is changed, left out, swapped or cut off is found."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
from collections.abc import Sequence
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from privacy.keys import Epoch, Keyring, Keys
from privacy.receipt_chain import Findings, Head, examine
from privacy.receipts import Deed, Receipt, Rows, issue
from tests import independent_tokens

LEDGER = "5f" * 16
MADE = datetime.date(2026, 3, 10)
NOON = datetime.datetime(2026, 3, 10, 12, 0, tzinfo=datetime.UTC)


def epoch(root: str, number: int) -> Epoch:
    return Epoch(number, MADE, hashlib.sha256(f"{root} {number}".encode()).digest())


KEYRING = Keyring(
    {
        "analytics": (epoch("analytics", 1),),
        "tombstones": (epoch("tombstones", 1),),
        "receipts": (epoch("receipts", 1), epoch("receipts", 2)),
    }
)


def made(count: int, ledger_id: str = LEDGER, rotated_after: int = 2, matching: int = 0) -> list[Receipt]:
    """Issue a chain of receipts, the first ones under the older epoch."""
    chain: list[Receipt] = []
    for number in range(1, count + 1):
        deed = Deed(
            "erasure",
            NOON + datetime.timedelta(hours=number),
            run_id=f"run-{number}",
            policy_digest="ab" * 32,
            tables={"orders": Rows(10 * number, number, 9 * number)},
            proof={"rows_that_match": matching, "rows_unchanged": 9 * number},
        )
        keys = Keys(KEYRING.roots["receipts"][number > rotated_after])
        previous = chain[-1].hash if chain else ""
        name = hashlib.sha256(bytes([number])).hexdigest()[:32]
        chain.append(issue(deed, keys, receipt_id=name, number=number, ledger_id=ledger_id, previous=previous))
    return chain


CHAIN = made(4)
HEAD = Head("the warehouse", LEDGER, 4, CHAIN[-1].hash)


def examined(chain: Sequence[Receipt], head: Head | None = HEAD, keys: dict[int, bytes] | None = None) -> Findings:
    found = KEYRING.public_keys() if keys is None else keys
    return examine([vars(receipt) for receipt in chain], found, LEDGER, [head] if head else [])


# ── what is issued ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_body_is_canonical_json_of_names_counts_and_hashes() -> None:
    deed = Deed(
        "refresh",
        datetime.datetime(2026, 3, 10, 13, 0, tzinfo=datetime.timezone(datetime.timedelta(hours=1))),
        run_id="20260310T120000Z-0a1b2c",
        policy_digest="cd" * 32,
        tables={"orders": Rows(7, 2, 9), "customers": Rows(3, 0, 3)},
        proof={"rows_that_match": 0},
        counts={"requests": 1},
    )

    receipt = issue(deed, KEYRING.receipts(), receipt_id="ef" * 16, number=1, ledger_id=LEDGER, previous="")

    assert receipt.body == (
        '{"at":"2026-03-10T12:00:00+00:00","counts":{"requests":1},"kind":"refresh","ledger_id":"' + LEDGER + '",'
        '"number":1,"policy_digest":"' + "cd" * 32 + '","proof":{"rows_that_match":0},"receipt_id":"' + "ef" * 16 + '",'
        '"run_id":"20260310T120000Z-0a1b2c","tables":{"customers":{"after":3,"before":3,"removed":0},'
        '"orders":{"after":9,"before":7,"removed":2}}}'
    )
    assert receipt.hash == hashlib.sha256(b"\n" + receipt.body.encode()).hexdigest()
    assert (receipt.previous, receipt.epoch) == ("", 2)


def test_the_key_that_signs_is_the_one_that_the_page_on_pseudonyms_derives() -> None:
    seed = independent_tokens.hkdf_sha256(epoch("receipts", 2).root, b"sluis/v1/receipts/sign")
    signing = Ed25519PrivateKey.from_private_bytes(seed)

    assert KEYRING.public_keys()[2] == signing.public_key().public_bytes_raw()
    assert CHAIN[3].signature == signing.sign(bytes.fromhex(CHAIN[3].hash)).hex()
    assert KEYRING.public_keys().keys() == {1, 2}


@pytest.mark.parametrize("count", ["jan@example.nl", 1.5, True, None, -1])
def test_nothing_but_a_count_can_stand_where_a_count_should(count: Any) -> None:
    for deed in (
        Deed("refresh", NOON, proof={"rows": count}),
        Deed("refresh", NOON, counts={"rows": count}),
        Deed("refresh", NOON, tables={"orders": Rows(1, count, 1)}),
    ):
        with pytest.raises(ValueError, match="whole numbers from 0 up, and nothing else") as refused:
            issue(deed, KEYRING.receipts(), receipt_id="", number=1, ledger_id=LEDGER, previous="")
        assert str(count) not in str(refused.value)


@pytest.mark.parametrize("name", ["jan@example.nl", "Jan Smit", "", "x" * 64, "orders\n"])
def test_nothing_but_a_name_can_stand_where_a_name_should(name: str) -> None:
    for deed in (Deed("refresh", NOON, proof={name: 1}), Deed("refresh", NOON, tables={name: Rows(0, 0, 0)})):
        with pytest.raises(ValueError, match="a name in a receipt is made of letters, digits and underscores"):
            issue(deed, KEYRING.receipts(), receipt_id="", number=1, ledger_id=LEDGER, previous="")


# ── what is verified ──────────────────────────────────────────────────────────────────────────────────────────────


@given(st.integers(0, 6), st.integers(0, 6))
def test_a_fresh_chain_verifies_also_across_a_rotation(count: int, rotated_after: int) -> None:
    chain = made(count, rotated_after=rotated_after)
    head = Head("the warehouse", LEDGER, count, chain[-1].hash if chain else "")

    assert examined(chain, head) == examined(chain, None) == Findings(count, ())


@given(st.integers(0, 4))
def test_a_chain_that_has_grown_since_its_head_was_noted_verifies(noted: int) -> None:
    head = Head("the warehouse", LEDGER, noted, CHAIN[noted - 1].hash if noted else "")

    assert examined(CHAIN, head).faults == ()


@st.composite
def one_character_changed(draw: st.DrawFn) -> list[Receipt]:
    """Give the chain with one character of one text put in, taken out or replaced."""
    at = draw(st.integers(0, len(CHAIN) - 1))
    column = draw(st.sampled_from(["body", "previous", "hash", "signature", "receipt_id"]))
    text = getattr(CHAIN[at], column)
    where = draw(st.integers(0, len(text)))
    instead = draw(st.one_of(st.sampled_from("0123456789abcdefABCDEF \n"), st.characters()) | st.just(""))
    changed = text[:where] + instead + text[where + draw(st.integers(0, 1)) :]
    return [*CHAIN[:at], dataclasses.replace(CHAIN[at], **{column: changed}), *CHAIN[at + 1 :]]


@given(one_character_changed())
def test_any_character_that_is_changed_is_found(chain: list[Receipt]) -> None:
    assert bool(examined(chain).faults) == (chain != CHAIN)


@pytest.mark.parametrize("column", ["body", "previous", "hash", "signature", "receipt_id"])
def test_no_place_is_spared_and_no_digit_may_be_written_large(column: str) -> None:
    text = getattr(CHAIN[1], column)
    for at, character in enumerate(text):
        for instead in {"~", character.swapcase()} - {character}:
            changed = dataclasses.replace(CHAIN[1], **{column: text[:at] + instead + text[at + 1 :]})

            assert examined([CHAIN[0], changed], None).faults


@given(st.integers(0, 3), st.integers(-2, 9), st.sampled_from(["number", "epoch"]))
def test_any_number_or_epoch_that_is_changed_is_found(at: int, number: int, column: str) -> None:
    chain = [*CHAIN[:at], dataclasses.replace(CHAIN[at], **{column: number}), *CHAIN[at + 1 :]]

    assert bool(examined(chain).faults) == (chain != CHAIN)


@given(st.lists(st.sampled_from(CHAIN), max_size=6))
def test_any_receipt_that_is_left_out_doubled_or_moved_is_found_and_any_cut_of_the_end(chain: list[Receipt]) -> None:
    assert bool(examined(chain).faults) == (chain != CHAIN)


@given(st.permutations(range(4)), st.booleans())
def test_receipts_that_trade_places_are_found_also_when_their_numbers_follow(order: list[int], renamed: bool) -> None:
    chain = [CHAIN[at] for at in order]
    if renamed:
        chain = [dataclasses.replace(receipt, number=number) for number, receipt in enumerate(chain, 1)]

    assert bool(examined(chain, None).faults) == (chain != CHAIN)


@given(st.integers(0, 3))
def test_the_end_of_the_chain_that_is_cut_off_is_found_by_the_head_alone(left: int) -> None:
    assert examined(CHAIN[:left], None).faults == ()
    assert examined(CHAIN[:left]).faults == (
        f"the chain ends at receipt {left}, but the warehouse knew 4: it was cut short",
    )


@given(st.sampled_from(["number", "body", "hash", "previous", "signature", "epoch", "receipt_id"]), st.data())
def test_whatever_stands_in_a_row_is_a_fault_and_not_a_crash_and_is_not_repeated(column: str, data: Any) -> None:
    odd = data.draw(
        st.sampled_from(["sëcret", b"secret", 1.5, None, "[" * 100_000, "[]", '{"number": 2}', "\ud800", [1]])
    )
    rows = [dict(vars(receipt)) for receipt in CHAIN]
    rows[1][column] = odd

    faults = examine(rows, KEYRING.public_keys(), LEDGER).faults

    assert faults
    assert not any("cret" in fault for fault in faults)


# ── how faults are told ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_receipt_under_another_number_is_named_by_its_body() -> None:
    faults = examined([*CHAIN[:3], dataclasses.replace(CHAIN[3], number=7)], None).faults

    assert faults == ("receipts 4 to 6 are missing", "receipt 7: its body names another number")


def test_what_is_missing_is_named() -> None:
    assert "receipt 2 is missing" in examined([CHAIN[0], *CHAIN[2:]]).faults
    assert examined([CHAIN[0], CHAIN[3]]) == Findings(1, ("receipts 2 to 3 are missing",))


def test_a_changed_body_is_named_by_its_hash_and_its_signature() -> None:
    body = CHAIN[1].body.replace('"removed":2', '"removed":3')
    changed = [CHAIN[0], dataclasses.replace(CHAIN[1], body=body), *CHAIN[2:]]

    assert examined(changed) == Findings(
        3,
        (
            "receipt 2: its hash is not that of its text: one of them was changed",
            "receipt 2: its signature is wrong: it was changed, or signed with another key",
        ),
    )


def test_a_changed_body_with_a_hash_that_fits_is_named_by_its_signature_and_its_follower() -> None:
    body = CHAIN[1].body.replace('"removed":2', '"removed":3')
    digest = hashlib.sha256(f"{CHAIN[1].previous}\n{body}".encode()).hexdigest()
    changed = [CHAIN[0], dataclasses.replace(CHAIN[1], body=body, hash=digest), *CHAIN[2:]]

    assert examined(changed).faults == (
        "receipt 2: its signature is wrong: it was changed, or signed with another key",
        "receipt 3: does not follow the receipt before it: `previous` is not its hash",
    )


def test_an_epoch_without_a_public_key_is_named() -> None:
    faults = examined(CHAIN, keys={1: KEYRING.public_keys()[1]}).faults

    assert faults == tuple(f"receipt {n}: signed under epoch 2, whose public key is not known" for n in (3, 4))


def test_a_whole_chain_of_another_ledger_is_named_also_where_its_key_is_the_same() -> None:
    other = made(5, ledger_id="6a" * 16)

    assert "receipt 1: its body names another ledger" in examined(other).faults
    assert "receipt 4 is not the one that the warehouse knew: the chain was swapped or written anew" in (
        examined(other).faults
    )
    rows = [vars(receipt) for receipt in other]
    assert examine(rows, KEYRING.public_keys(), "6a" * 16).faults == ()
    assert "the warehouse belongs to another ledger" in examine(rows, KEYRING.public_keys(), "6a" * 16, [HEAD]).faults


def test_a_chain_written_anew_by_whoever_has_the_key_is_found_by_the_head_alone() -> None:
    anew = made(4, matching=1)

    assert examined(anew, None).faults == ()
    assert examined(anew).faults == (
        "receipt 4 is not the one that the warehouse knew: the chain was swapped or written anew",
    )


def test_a_body_holds_no_more_than_it_should() -> None:
    assert json.loads(CHAIN[0].body).keys() == {
        *("receipt_id", "number", "ledger_id", "kind", "run_id", "at", "policy_digest", "tables", "proof")
    }
