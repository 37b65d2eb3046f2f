"""A key is declared once: the columns that refer to it take its type, role and treatment, each unless they state it."""

import json

import jsonschema
import pytest
import yaml

from privacy.errors import PolicyError
from privacy.policy import Column, Policy
from privacy.policy_file import read_policy
from privacy.policy_schema import schema_text
from tests.edited import edited

SHOP = """\
version: "1.0"
controller: {name: A shop, contact: privacy@shop.example, privacy_policy: Version 3}
time_zone: Europe/Amsterdam
fiscal_year: {first_month: 1}
quarantine: {share: 0.01, rows: 5}
purposes: {sales: {meaning: Sell things.}}
recipients: {}
domains: {buyer: {of: integer, meaning: A buyer.}, guest: {of: email, meaning: A guest.}}
never_extracted: {}
tables:
  sale:
    publish_as: sales
    meaning: What was sold.
    purpose: sales
    legal_basis: contract
    subject: {who: buyer, via: buyer_id}
    primary_key: sale_id
    retention: {keep_at_most: 7 years, after: sold_on, because: The books.}
    columns:
      sale_id: {type: integer, role: non_personal, treatment: keep, because: A number.}
      buyer_id: {references: buyer, meaning: Who bought.}
      guest_id: {from: email, references: guest, only_where_null: buyer_id}
      sold_on: {type: date, role: quasi_identifier, treatment: {kind: generalize, to: month}}
  buyer:
    publish_as: buyers
    meaning: Who buys.
    purpose: sales
    legal_basis: contract
    subject: {who: buyer}
    primary_key: buyer_id
    retention: {keep_at_most: 7 years, after: {latest: [sale.sold_on]}, because: As long as the sales.}
    columns:
      buyer_id: {type: integer, role: direct_identifier, treatment: {kind: pseudonymize, domain: buyer}}
  badge:
    publish_as: badges
    meaning: What some buyers carry; one at most.
    purpose: sales
    legal_basis: contract
    subject: {who: buyer, via: buyer_id}
    primary_key: buyer_id
    retention: {via: buyer_id}
    columns:
      buyer_id: {references: buyer}
  scan:
    publish_as: scans
    meaning: When a badge was used.
    purpose: sales
    legal_basis: contract
    subject: {who: buyer, via: badge_id}
    primary_key: scan_id
    retention: {via: badge_id}
    columns:
      scan_id: {type: integer, role: non_personal, treatment: keep, because: A number.}
      badge_id: {references: badge}
  guest:
    publish_as: guests
    meaning: Who buys without an account.
    purpose: sales
    legal_basis: contract
    subject: {who: guest}
    primary_key: guest_id
    retention: {keep_at_most: 7 years, after: first_on, because: The books.}
    derived: {from: sale, where_null: buyer_id, one_row_per: guest_id}
    columns:
      guest_id: {from: email, type: text, role: direct_identifier, treatment: {kind: pseudonymize, domain: guest}}
      first_on: {from: sold_on, type: date, role: quasi_identifier, treatment: {kind: generalize, to: month}}
"""

KEY = "buyer_id: {type: integer, role: direct_identifier, treatment: {kind: pseudonymize, domain: buyer}}"


def read(*changes: tuple[str, str]) -> Policy:
    return read_policy(edited(SHOP, *changes), "shop.yaml")


def refusal(*changes: tuple[str, str]) -> list[str]:
    with pytest.raises(PolicyError) as refused:
        read(*changes)
    return str(refused.value).splitlines()


def taken(column: Column) -> tuple[str, str, str]:
    return str(column.type), column.role, column.treatment.told()


@pytest.mark.parametrize(
    ("table", "column", "key_table", "key"),
    [
        ("sale", "buyer_id", "buyer", "buyer_id"),
        ("badge", "buyer_id", "buyer", "buyer_id"),
        ("scan", "badge_id", "buyer", "buyer_id"),
        ("sale", "guest_id", "guest", "guest_id"),
    ],
    ids=["a table further down", "a key of its own", "a key that refers further", "a derived table"],
)
def test_a_reference_is_treated_as_its_key(table: str, column: str, key_table: str, key: str) -> None:
    tables = read().tables

    assert taken(tables[table].columns[column]) == taken(tables[key_table].columns[key])
    assert tables["sale"].columns["guest_id"].source == "email"
    assert tables["sale"].columns["buyer_id"].meaning == "Who bought."


def test_what_a_reference_states_itself_it_keeps() -> None:
    policy = read(("badge_id: {references: badge}", "badge_id: {references: badge, role: quasi_identifier}"))

    assert taken(policy.tables["scan"].columns["badge_id"]) == (
        "integer",
        "quasi_identifier",
        "pseudonymize, domain: buyer",
    )


def test_a_treatment_that_is_stated_and_differs_is_refused_still() -> None:
    assert refusal(("buyer_id: {references: buyer, m", "buyer_id: {references: buyer, treatment: suppress, m")) == [
        "shop.yaml:21: tables.sale.columns.buyer_id.treatment: differs from that of buyer.buyer_id, "
        "so that the two would not join."
    ]


def test_because_is_not_taken_over_so_that_each_value_kept_has_a_reason_of_its_own() -> None:
    assert refusal(("badge_id: {references: badge}", "badge_id: {references: sale}")) == [
        "shop.yaml:54: tables.scan.columns.badge_id: is kept without a reason; add because: …, "
        "or choose another treatment."
    ]


def test_a_fault_of_a_key_is_told_at_the_key_alone() -> None:
    (line,) = refusal(("{kind: pseudonymize, domain: buyer}", "{kind: pseudonymise, domain: buyer}"))

    assert line.startswith("shop.yaml:33: tables.buyer.columns.buyer_id.treatment.kind: is none of 'keep'")


def test_what_a_key_does_not_state_is_missing_at_the_key() -> None:
    assert refusal((KEY, "buyer_id: {role: direct_identifier}")) == [
        "shop.yaml:33: tables.buyer.columns.buyer_id.treatment: is missing; declare it.",
        "shop.yaml:33: tables.buyer.columns.buyer_id.type: is missing; declare it.",
    ]


def test_a_fault_in_the_file_stands_on_its_own_line_below_references_too() -> None:
    assert refusal(("because: The books.}\n    derived", "becaus: The books.}\n    derived")) == [
        "shop.yaml:62: tables.guest.retention.becaus: is not a key that a policy knows here; "
        "check the spelling in docs/policy.md."
    ]


def test_a_reference_to_a_table_that_is_not_there_is_told_as_that() -> None:
    assert refusal(("badge_id: {references: badge}", "badge_id: {references: bagde}")) == [
        "shop.yaml:54: tables.scan.columns.badge_id.references: names a table that the policy does not have."
    ]


@pytest.mark.parametrize(
    "change",
    [
        ("    primary_key: scan_id", "    primary_key: scan_no"),
        ("    primary_key: scan_id", "    primary_key: [scan_id]"),
        ("    primary_key: scan_id\n", ""),
        ("    primary_key: scan_id", "    primary_key: badge_id"),
    ],
    ids=["no such column", "no name", "none", "a circle"],
)
def test_a_reference_that_leads_to_no_key_is_told(change: tuple[str, str]) -> None:
    lines = refusal(change, ("badge_id: {references: badge}", "badge_id: {references: scan}"))

    assert (
        "tables.scan.columns.badge_id.references: leads to no primary key that says type, role, treatment; "
        "mend it there, or state them here."
    ) in lines[-1]


@pytest.mark.parametrize("given", ["null", "5", "[buyer]"])
def test_a_column_that_names_no_table_has_nothing_to_take(given: str) -> None:
    said = refusal(("badge_id: {references: badge}", f"badge_id: {{references: {given}}}"))

    assert "shop.yaml:54: tables.scan.columns.badge_id.treatment: is missing; declare it." in said


def test_a_part_that_yaml_repeats_by_an_alias_is_each_tables_own() -> None:
    policy = read(
        ("buyer_id: {references: buyer, meaning: Who bought.}", "buyer_id: &link {references: buyer}"),
        ("      buyer_id: {references: buyer}\n", "      buyer_id: *link\n"),
    )

    assert taken(policy.tables["sale"].columns["buyer_id"]) == taken(policy.tables["badge"].columns["buyer_id"])


@pytest.mark.parametrize("tables", ["[]", "{sale: 3}", "{sale: {columns: [a]}}", "{sale: {columns: {a: 1}}}"])
def test_what_is_no_mapping_is_left_to_be_refused(tables: str) -> None:
    raw = {**yaml.safe_load(SHOP), "tables": yaml.safe_load(tables)}

    with pytest.raises(PolicyError, match="is not a mapping"):
        read_policy(yaml.safe_dump(raw), "shop.yaml")


def test_the_editors_schema_knows_the_short_form_and_no_other() -> None:
    schema = jsonschema.Draft202012Validator(json.loads(schema_text()))

    assert list(schema.iter_errors(yaml.safe_load(SHOP))) == []
    assert list(schema.iter_errors(yaml.safe_load(edited(SHOP, (KEY, "buyer_id: {type: integer}")))))
