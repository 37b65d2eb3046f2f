"""Joins that a policy breaks or opens are told with place and way out; what was decided is left in peace."""

from pathlib import Path

import pytest

from privacy.policy_doubts import doubts
from privacy.policy_file import read_policy, told
from privacy.policy_lint import ForeignKey, lint
from tests.edited import edited

CLUB = """\
version: "1.0"
controller: {name: A club, contact: privacy@club.example, privacy_policy: Version 3}
time_zone: Europe/Amsterdam
fiscal_year: {first_month: 1}
quarantine: {share: 0.01, rows: 5}
purposes: {membership: {meaning: Keep members.}, shop: {meaning: Sell things.}, web: {meaning: Improve the site.}}
recipients: {board: {meaning: The board.}}
domains:
  member: {of: integer, meaning: A member.}
  visitor: {of: integer, meaning: A visitor.}
  sale: {of: integer, meaning: A sale.}
  visit: {of: integer, meaning: A visit.}
  browser: {of: text, meaning: A browser.}
never_extracted: {}
tables:
  member:
    publish_as: members
    meaning: Who is a member.
    purpose: membership
    legal_basis: contract
    recipients: [board]
    subject: {who: member, found_by: [{column: member_id, identifies: customer}]}
    primary_key: member_id
    retention: {keep_at_most: 7 years, after: joined_on, because: The books.}
    columns:
      member_id: {type: integer, role: direct_identifier, treatment: {kind: pseudonymize, domain: member}}
      region: {type: text, role: quasi_identifier, treatment: keep, because: Five regions.}
      joined_on: {type: date, role: quasi_identifier, treatment: {kind: generalize, to: month}}
      contact: {type: text, role: direct_identifier, treatment: suppress}
    never_extracted: {mentor_id: Not for the board.}
  sale:
    publish_as: sales
    meaning: What was sold.
    purpose: shop
    legal_basis: contract
    recipients: [board]
    subject: {who: member, via: member_id}
    primary_key: sale_id
    retention: {keep_at_most: 7 years, after: sold_on, because: The books.}
    columns:
      sale_id: {type: integer, role: direct_identifier, treatment: {kind: pseudonymize, domain: sale}}
      member_id: {references: member, because: Members buy at a discount.}
      sold_on: {type: date, role: quasi_identifier, treatment: {kind: generalize, to: month}}
  visit:
    publish_as: visits
    meaning: Visits to the site.
    purpose: web
    legal_basis: legitimate_interests
    recipients: [board]
    subject: {who: visitor, found_by: [{column: browser, identifies: customer}]}
    primary_key: visit_id
    retention: {keep_at_most: 1 year, after: seen_on, because: Short.}
    columns:
      visit_id: {type: integer, role: direct_identifier, treatment: {kind: pseudonymize, domain: visit}}
      browser: {type: text, role: direct_identifier, treatment: {kind: pseudonymize, domain: browser}}
      who: {type: integer, role: direct_identifier, treatment: suppress}
      seen_on: {type: date, role: quasi_identifier, treatment: {kind: generalize, to: month}}
"""

WHO = "      who: {type: integer, role: direct_identifier, treatment: suppress}\n"
LINE_OF_WHO = CLUB[: CLUB.index(WHO)].count("\n") + 1
TO_MEMBER = ("visit", "who", "member", "member_id")


def who(column: str, named: str = "who") -> tuple[str, str]:
    """The visit's second column, written otherwise."""
    return WHO, f"      {named}: {{{column}}}\n"


def found(*changes: tuple[str, str], keys: tuple[ForeignKey, ...] = ()) -> list[str]:
    policy = read_policy(edited(CLUB, *changes), "club.yaml")
    return told(policy, ((join.path, f"{join.kind}: {join.what}") for join in lint(policy, keys)))


def doubted(*changes: tuple[str, str]) -> list[str]:
    policy = read_policy(edited(CLUB, *changes), "club.yaml")
    return told(policy, doubts(policy))


def token(domain: str, more: str = "") -> str:
    return f"type: integer, role: direct_identifier, treatment: {{kind: pseudonymize, domain: {domain}}}{more}"


# --- breaks


def test_a_foreign_key_into_another_domain_breaks_its_join() -> None:
    assert found(who(token("visitor")), keys=(TO_MEMBER,)) == [
        f"club.yaml:{LINE_OF_WHO}: tables.visit.columns.who: breaks_join: belongs to member.member_id by a "
        "foreign key or its name, and does not join it once treated (domain visitor; there domain member); "
        "give it references: member, suppress it, or add because: … where that is meant."
    ]


@pytest.mark.parametrize(
    ("column", "treated"),
    [
        ("type: integer, role: quasi_identifier, treatment: {kind: generalize, to: step, width: 100}", "generalize"),
        ("type: integer, role: direct_identifier, treatment: keep, because: Needed.", "keep"),
    ],
)
def test_a_foreign_key_that_is_treated_otherwise_than_its_key_breaks_its_join(column: str, treated: str) -> None:
    (line,) = found(who(column), keys=(TO_MEMBER,))

    assert (
        f"does not join it once treated ({treated}; there domain member); give it references: member, suppress it"
        in line
    )


def test_because_says_that_a_broken_join_is_meant() -> None:
    assert found(who(token("visitor", ", because: Visitors are counted apart.")), keys=(TO_MEMBER,)) == []


def test_because_of_a_value_that_is_kept_says_nothing_about_its_join() -> None:
    kept = "type: integer, role: direct_identifier, treatment: keep, because: Needed."
    (line,) = found(who(kept), keys=(TO_MEMBER,))

    assert line.endswith("give it references: member, suppress it.")


def test_a_foreign_key_to_what_is_no_key_joins_where_both_are_treated_alike() -> None:
    to_region = ("visit", "where", "member", "region")
    region = "type: text, role: quasi_identifier, treatment: {kind: generalize, to: category, groups: {here: [NL]}}"
    (line,) = found(who(region, "where"), keys=(to_region,))

    assert "(generalize; there keep); give it the same treatment, suppress it" in line
    assert (
        found(who("type: text, role: quasi_identifier, treatment: keep, because: So.", "where"), keys=(to_region,))
        == []
    )


def test_two_ends_made_coarser_are_a_decision() -> None:
    months = "type: date, role: quasi_identifier, treatment: {kind: generalize, to: year}"

    assert found(who(months, "since"), keys=(("visit", "since", "member", "joined_on"),)) == []


@pytest.mark.parametrize(
    "key",
    [
        TO_MEMBER,
        ("visit", "browser", "member", "contact"),
        ("visit", "browser", "member", "mentor_id"),
        ("visit", "browser", "chat", "chat_id"),
        ("sale", "member_id", "member", "member_id"),
    ],
    ids=["suppressed here", "suppressed there", "never extracted", "a table not published", "stated"],
)
def test_a_foreign_key_is_left_in_peace_where_an_end_is(key: ForeignKey) -> None:
    assert found(keys=(key,)) == []


def test_a_foreign_key_that_joins_without_references_would_outlive_its_row() -> None:
    plain = who(token("member", ", because: Members see more."))

    assert found(plain, keys=(TO_MEMBER,)) == [
        f"club.yaml:{LINE_OF_WHO}: tables.visit.columns.who: breaks_join: belongs to member.member_id by a "
        "foreign key or its name, and stays when that row is not published; add references: member."
    ]
    assert found(who("references: member, because: Members see more."), keys=(TO_MEMBER,)) == []


def test_references_are_not_asked_for_where_they_would_close_a_circle() -> None:
    parent = ("      contact: {type", f"      parent: {{{token('member')}}}\n      contact: {{type")
    back = (
        "      contact: {type",
        f"      last_sale: {{{token('sale', ', because: Last seen.')}}}\n      contact: {{type",
    )

    assert found(parent, keys=(("member", "parent", "member", "member_id"),)) == []
    assert found(back, keys=(("member", "last_sale", "sale", "sale_id"),)) == []


def test_a_token_named_like_a_key_is_taken_for_one_without_looking_at_the_source() -> None:
    (line,) = found(who(token("visitor"), "member_id"))

    assert "tables.visit.columns.member_id: breaks_join: belongs to member.member_id" in line
    assert found(who(token("visitor"), "from_whom")) == []
    assert len(found((WHO, f"      whose: {{from: member_id, {token('visitor')}}}\n"))) == 1


def test_a_name_is_told_once_where_the_source_declares_it_too() -> None:
    key = ("visit", "member_id", "member", "member_id")

    assert len(found(who(token("visitor"), "member_id"), keys=(key, key))) == 1


def test_keys_of_one_name_are_no_joins_and_a_name_of_two_keys_is_nobodys() -> None:
    alike = [("sale_id: {type", "id: {type"), ("primary_key: sale_id", "primary_key: id"),
             ("visit_id: {type", "id: {type"), ("primary_key: visit_id", "primary_key: id")]  # fmt: skip
    assert found(*alike) == []

    other = ("      contact: {type", f"      id: {{{token('visitor')}}}\n      contact: {{type")
    assert found(*alike, other) == []


def test_coarse_copies_that_are_treated_alike_make_no_join_where_tokens_stand_beside_them() -> None:
    coarse = "type: integer, role: quasi_identifier, treatment: {kind: generalize, to: step, width: 9}"
    there = ("      region: {type", f"      near: {{from: member_id, {coarse}}}\n      region: {{type")
    here = (WHO, f"      who: {{{token('visitor')}}}\n      near: {{from: who, {coarse}}}\n")

    (line,) = found(here, there, keys=(TO_MEMBER,))

    assert "tables.visit.columns.who: breaks_join: belongs to member.member_id" in line


def test_a_source_column_published_twice_joins_where_one_of_the_two_does() -> None:
    coarse = "treatment: {kind: generalize, to: step, width: 9}"
    steps = f"      near: {{from: who, type: integer, role: quasi_identifier, {coarse}}}\n"
    token_too = "      who: {references: member, because: Members see more.}\n"
    apart = f"      who: {{{token('visitor', ', because: Visitors are counted apart.')}}}\n"

    assert found((WHO, steps + token_too), keys=(TO_MEMBER,)) == []
    assert found((WHO, steps + apart), keys=(TO_MEMBER,)) == []
    assert len(found((WHO, steps), keys=(TO_MEMBER,))) == 1


# --- opens


def test_a_token_that_leaves_its_purpose_without_a_reason_opens_a_join() -> None:
    assert found(("{references: member, because: Members buy at a discount.}", "{references: member}")) == [
        "club.yaml:42: tables.sale.columns.member_id: opens_join: joins member.member_id by the domain member, across "
        "purposes (here shop, there membership), and gives no reason; add because: …, or choose a domain of its own."
    ]


def test_a_domain_that_is_nobodys_key_is_at_home_where_it_comes_first() -> None:
    browser = "browser: {type: text, role: direct_identifier, treatment: {kind: pseudonymize, domain: browser}"
    (line,) = found(("      contact: {type", f"      {browser}}}\n      contact: {{type"))

    assert "tables.visit.columns.browser: opens_join: joins member.browser by the domain browser" in line
    reasoned = (f"      {browser}}}\n      who", f"      {browser}, because: Members asked for it.}}\n      who")
    assert found(reasoned, ("      contact: {type", f"      {browser}}}\n      contact: {{type")) == []


def test_invented_values_that_point_at_one_person_open_a_join_as_tokens_do() -> None:
    by = "role: direct_identifier, treatment: {kind: synthesize, of: name, domain: member, by: whose}"
    whose = "      whose: {type: integer, role: direct_identifier, treatment: suppress}\n"
    (line,) = found((WHO, f"      shown: {{type: text, {by}}}\n{whose}"))

    assert "tables.visit.columns.shown: opens_join: joins member.member_id by the domain member" in line


@pytest.mark.parametrize(
    "moved",
    [
        "left_on: {type: date, role: quasi_identifier, "
        "treatment: {kind: shift_dates, domain: member, by: whose, most: 9}}",
        "spent: {type: integer, role: quasi_identifier, "
        "treatment: {kind: noise, domain: member, by: whose, quantity: spent, most: 9}}",
    ],
    ids=["shifted dates", "noise"],
)
def test_what_is_drawn_by_a_person_and_points_at_nobody_opens_no_join(moved: str) -> None:
    whose = "      whose: {type: integer, role: direct_identifier, treatment: suppress}\n"

    assert found((WHO, f"      {moved}\n{whose}")) == []


def test_each_direct_join_is_told_and_what_follows_from_them_is_not() -> None:
    lines = found(
        ("{references: member, because: Members buy at a discount.}", "{references: member}"),
        who("references: sale", "sale_id"),
    )

    assert [line.split(": ")[1] for line in lines] == ["tables.sale.columns.member_id", "tables.visit.columns.sale_id"]


def test_a_key_shared_by_two_tables_is_at_home_where_it_refers_to_nothing() -> None:
    card = edited(CLUB).split("  sale:\n")[0].split("tables:\n")[1]
    card = card.replace("  member:", "  card:").replace("publish_as: members", "publish_as: cards")
    card = card.replace("purpose: membership", "purpose: shop").replace(
        "member_id: {type: integer, role: direct_identifier, treatment: {kind: pseudonymize, domain: member}}",
        "member_id: {references: member}",
    )
    (line,) = found(("tables:\n", "tables:\n" + card))

    assert "tables.card.columns.member_id: opens_join: joins member.member_id" in line


def test_within_one_purpose_tokens_join_without_a_reason() -> None:
    assert found(
        ("{references: member, because: Members buy at a discount.}", "{references: member}"),
        ("purpose: shop", "purpose: membership"),
    ) == []  # fmt: skip


def test_keys_that_tell_of_nobody_need_no_reason() -> None:
    non_personal = [
        ("sale_id: {type: integer, role: direct_identifier", "sale_id: {type: integer, role: non_personal"),
        who("references: sale", "sale_id"),
    ]

    assert found(*non_personal) == []
    (line,) = found(non_personal[0], who(token("sale"), "bought"))
    assert "tables.visit.columns.bought: opens_join: joins sale.sale_id" in line
    (line,) = found(who(token("sale").replace("direct_identifier", "non_personal"), "bought"))
    assert "tables.visit.columns.bought: opens_join: joins sale.sale_id" in line


# --- what else an officer would ask


def test_a_policy_with_nothing_to_ask_about_is_clean() -> None:
    assert doubted() == []
    assert found() == []


@pytest.mark.parametrize("file", ["policies/autopar.yaml"])
def test_the_shops_own_policy_is_clean(file: str) -> None:
    policy = read_policy((Path(__file__).parents[2] / file).read_text("utf-8"), file)

    assert told(policy, [*((join.path, join.what) for join in lint(policy, ())), *doubts(policy)]) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("    recipients: [board]\n    subject: {who: visitor", "    subject: {who: visitor"),
            "club.yaml:44: tables.visit: names no recipients; say who gets these data (GDPR Article 30(1)(d)).",
        ),
        (
            ("subject: {who: member, via: member_id}", "subject: {who: member}"),
            "club.yaml:37: tables.sale.subject: finds nobody, although sale_id, member_id, sold_on tell of people by "
            "their role; add found_by or via, or what is asked for cannot be looked up or erased.",
        ),
        (
            ("{keep_at_most: 1 year, after: seen_on, because: Short.}", "{unlimited: true, because: Nobody.}"),
            "club.yaml:52: tables.visit.retention: has no limit, although visit_id, browser, seen_on tell of people by "
            "their role; add a period.",
        ),
        (
            ("contact: {type: text, role: direct_identifier, treatment: suppress}",
             "contact: {type: text, role: direct_identifier, treatment: keep, because: So.}"),
            "club.yaml:29: tables.member.columns.contact: publishes a direct identifier as it is; "
            "pseudonymize it, mask it, or mend its role.",
        ),
    ],
    ids=["no recipients", "nobody found", "no clock", "a direct identifier kept"],
)  # fmt: skip
def test_an_officer_is_told_of(change: tuple[str, str], said: str) -> None:
    assert doubted(change) == [said]


def test_a_table_that_tells_of_nobody_needs_neither_clock_nor_subject() -> None:
    catalogue = """\
  item:
    publish_as: items
    meaning: What the shop sells.
    purpose: shop
    legal_basis: legitimate_interests
    recipients: [board]
    subject: {who: nobody}
    primary_key: item_id
    retention: {unlimited: true, because: Things.}
    columns:
      item_id: {type: integer, role: non_personal, treatment: keep, because: A number.}
"""
    assert doubted(("tables:\n", "tables:\n" + catalogue)) == []
