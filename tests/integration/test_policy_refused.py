"""A policy that cannot be accepted is refused with file, line and way out, before anything is read or written."""

from __future__ import annotations

import re

import pytest

from tests.conftest import Command, Outcome, Place

REFUSED: dict[str, tuple[str, str, int, str, str]] = {
    # the words that are changed, into what, how many lines below them the fault stands, its place, what is said
    "an unknown key": (
        "    primary_key: sale_id",
        "    primary_key: sale_id\n    keeps: 7 years",
        1,
        "tables.sale.keeps",
        "is not a key that a policy knows here; check the spelling in docs/policy.md",
    ),
    "an unknown key of a column": (
        "role: quasi_identifier, treatment: keep, because: Turnover.",
        "roll: quasi_identifier, role: quasi_identifier, treatment: keep, because: Turnover.",
        0,
        "tables.sale.columns.total.roll",
        "is not a key that a policy knows here",
    ),
    "a missing retention": (
        "    retention: {keep_at_most: 7 years, after: sold_at, because: The books.}\n",
        "",
        -7,
        "tables.sale.retention",
        "is missing; declare it",
    ),
    "a retention without a reason": (
        "after: sold_at, because: The books.",
        "after: sold_at",
        0,
        "tables.sale.retention",
        "says neither promise: … nor because: …; a period needs its reason",
    ),
    "a direct identifier kept without a reason": (
        "name: {type: text, role: direct_identifier, treatment: suppress}",
        "name: {type: text, role: direct_identifier, treatment: keep}",
        0,
        "tables.buyer.columns.name",
        "is kept without a reason; add because: …, or choose another treatment",
    ),
    "a password that is treated": (
        "    never_extracted: {passphrase: Nobody reads it.}",
        "      passphrase: {type: text, role: sensitive, treatment: suppress}",
        0,
        "tables.buyer.columns.passphrase",
        "is a password by its name and cannot be treated; list it under never_extracted",
    ),
    "a password under another name": (
        "    never_extracted: {passphrase: Nobody reads it.}",
        "      note: {from: passphrase, type: text, role: sensitive, treatment: suppress}",
        0,
        "tables.buyer.columns.note",
        "is a password by its name and cannot be treated",
    ),
    "an unknown domain": (
        "        treatment: {kind: pseudonymize, domain: guest}",
        "        treatment: {kind: pseudonymize, domain: visitor}",
        0,
        "tables.sale.columns.guest_id.treatment",
        "unknown domain; declare it under domains, or use one of buyer, guest, sale, line",
    ),
    "an unknown treatment": (
        "treatment: {kind: generalize, to: age_band, at: joined_at}",
        "treatment: {kind: anonymize}",
        0,
        "tables.buyer.columns.birth_date.treatment.kind",
        "is none of",
    ),
    "a promise of no known kind": (
        "because: Says nothing of anybody.",
        "because: Says nothing of anybody., promises: [\n        {kind: is_good}]",
        1,
        "tables.sale.columns.channel.promises.0.kind",
        "is none of",
    ),
    "a key given twice": (
        "    publish_as: sales\n",
        "    publish_as: sales\n    publish_as: sold\n",
        1,
        "",
        "'publish_as' is given twice",
    ),
    "what is no YAML": ("time_zone: Europe/Amsterdam", "time_zone: [Europe", 1, "", ""),
}


def refused(outcome: Outcome, kind: str) -> str:
    """Give the message of a refusal with code 2."""
    assert (outcome.exit_code, outcome.json["error"]["code"]) == (2, 2), outcome.said
    assert outcome.json["error"]["kind"] == kind
    message: str = outcome.json["error"]["message"]
    assert message in outcome.stderr
    return message


@pytest.mark.parametrize("why", REFUSED)
def test_run_and_check_refuse_by_file_and_line(why: str, place: Place, run: Command, sluis: Command) -> None:
    old, new, below, at, what = REFUSED[why]
    line = place.change_policy(old, new) + below

    for outcome in (run(), sluis("check", "--output", "json", **place.environment)):
        message = refused(outcome, "policy")
        told = re.escape(f"policy.yaml:{line}: {at}: " if at else f"policy.yaml:{line}: ")
        assert re.search(f"^\\S*{told}{re.escape(what)}", message, re.MULTILINE), (line, message)
    assert sorted(path.name for path in place.folder.iterdir()) == ["keyring.toml", "policy.yaml", "shop.sqlite"]


def test_all_faults_are_told_at_once_in_the_order_of_the_file(place: Place, run: Command) -> None:
    lines = [
        place.change_policy("time_zone: Europe/Amsterdam", "time_zone: Europe/Rotterdam"),
        place.change_policy(", because: The books.", ""),
        place.change_policy(", because: What was sold.", ""),
    ]

    message = refused(run(), "policy")

    assert [int(number) for number in re.findall(r"policy\.yaml:(\d+): ", message)] == lines


@pytest.mark.parametrize(
    ("text", "what"),
    [(None, "FileNotFoundError"), (b"version: \xff\n", "UnicodeDecodeError"), (b"", "a policy is a mapping")],
)
def test_a_policy_that_cannot_be_read_is_told(
    text: bytes | None, what: str, place: Place, run: Command, sluis: Command
) -> None:
    place.policy.unlink()
    if text is not None:
        place.policy.write_bytes(text)

    for outcome in (run(), sluis("check", "--output", "json", **place.environment)):
        message = refused(outcome, "policy" if text == b"" else "usage")
        assert "policy.yaml" in message
        assert what in message


def test_places_that_are_not_set_are_all_named(place: Place, sluis: Command) -> None:
    outcome = sluis("run", "--output", "json", **dict.fromkeys(place.environment, ""))

    message = refused(outcome, "usage")

    for flag in ("source", "warehouse", "ledger", "policy", "keyring"):
        assert f"--{flag} or SLUIS_{flag.upper()}" in message


def test_a_flag_that_is_none_is_refused_as_one_object(place: Place, run: Command) -> None:
    assert "--as-off" in refused(run("--as-off", "2026-01-01"), "usage")


@pytest.mark.parametrize("url", ["shop.sqlite", "mssql://anna:hunter22@shop/db", "sqlite://"])
def test_a_source_that_cannot_be_one_is_refused_without_its_password(url: str, run: Command) -> None:
    outcome = run(SLUIS_SOURCE=url)

    assert "--source" in refused(outcome, "usage")
    assert "hunter22" not in outcome.said
