"""What a policy may say, and how each thing that it may not is refused: with file, line and the way out."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from privacy.errors import PolicyError
from privacy.policy import Policy
from privacy.policy_file import read_policy
from privacy.policy_schema import schema_text
from privacy.treat import columns_read, published_schema
from privacy.treatments import Pseudonymize
from tests.edited import edited

POLICIES = Path(__file__).parents[2] / "policies"

SHOP = """\
version: "1.0"
controller: {name: A shop, contact: privacy@shop.example, privacy_policy: Version 3}
time_zone: Europe/Amsterdam
fiscal_year: {first_month: 1}
quarantine: {share: 0.01, rows: 5}
purposes: {sales: {meaning: Sell things.}}
recipients: {analysts: {meaning: Those who count.}}
domains:
  buyer: {of: integer, meaning: A buyer.}
  mail: {of: email, meaning: An address.}
never_extracted: {chat: Not stored.}
tables:
  buyer:
    publish_as: buyers
    meaning: Those who buy.
    purpose: sales
    legal_basis: contract
    recipients: [analysts]
    subject: {who: buyer, found_by: [{column: buyer_id, identifies: customer}]}
    primary_key: buyer_id
    retention: {keep_at_most: 7 years, after: {latest: [since, sale.sold_at]}, promise: P09}
    columns:
      buyer_id: {type: integer, role: direct_identifier, treatment: {kind: pseudonymize, domain: buyer}}
      email: {type: text, role: direct_identifier, treatment: {kind: mask, of: email, classes: {free: [mail.example]}}}
      since: {type: timestamp, role: quasi_identifier, treatment: {kind: generalize, to: day}}
      left: {type: timestamp, role: quasi_identifier, treatment: suppress}
    never_extracted: {password_hash: Nobody reads it.}
  sale:
    publish_as: sales
    meaning: What they bought.
    purpose: sales
    legal_basis: contract
    subject: {who: buyer, via: buyer_id}
    primary_key: sale_id
    retention: {via: buyer_id}
    columns:
      sale_id: {type: integer, role: non_personal, treatment: keep, because: A number and no more.}
      buyer_id:
        type: integer
        role: direct_identifier
        treatment: {kind: pseudonymize, domain: buyer}
        references: buyer
      sold_at: {type: timestamp, role: quasi_identifier, treatment: {kind: generalize, to: day}}
      price: {type: "decimal(12,2)", role: non_personal, treatment: keep, because: It is public.}
promises: {P09: {meaning: As long as the books.}, P10: {meaning: As long as the sale.}}
"""

LINE = """\
  line:
    publish_as: lines
    meaning: What each sale was made of.
    purpose: sales
    legal_basis: contract
    subject: {who: buyer, via: sale_id}
    primary_key: sale_id
    retention: {unlimited: true, because: Nobody is in it.}
    columns:
      sale_id:
        type: integer
        role: non_personal
        treatment: keep
        because: A number and no more.
        references: sale
"""


def read(text: str) -> Policy:
    return read_policy(text, "shop.yaml")


def refusal(text: str) -> list[str]:
    """The lines of a refusal."""
    with pytest.raises(PolicyError) as refused:
        read(text)
    return str(refused.value).splitlines()


BUYER = "tables.buyer"
EMAIL = "{kind: mask, of: email, classes: {free: [mail.example]}}"
KEY_OF_SALE = "sale_id: {type: integer, role: non_personal, treatment: keep, because: A number and no more.}"
REFUSALS = {
    "an unknown key": (
        [("publish_as: buyers", "publish_as: buyers\n    pubish_to: all")],
        "shop.yaml:15: tables.buyer.pubish_to: is not a key that a policy knows here; "
        "check the spelling in docs/policy.md.",
    ),
    "an unknown key in a retention": (
        [("retention: {via: buyer_id}", "retention:\n      via: buyer_id\n      for: 3 years")],
        "shop.yaml:37: tables.sale.retention.for: is not a key that a policy knows here; "
        "check the spelling in docs/policy.md.",
    ),
    "the name that a key has in Python": (
        [("left: {", "left: {source: gone, ")],
        "shop.yaml:26: tables.buyer.columns.left.source: is not a key that a policy knows here; "
        "check the spelling in docs/policy.md.",
    ),
    "a missing retention": (
        [("    retention: {via: buyer_id}\n", "")],
        "shop.yaml:28: tables.sale.retention: is missing; declare it.",
    ),
    "a period without its event": (
        [("retention: {via: buyer_id}", "retention: {keep_at_most: 2 years, promise: P09}")],
        "shop.yaml:35: tables.sale.retention.after: is missing; declare it.",
    ),
    "a retention of no kind": (
        [("retention: {via: buyer_id}", "retention: forever")],
        "shop.yaml:35: tables.sale.retention: is none of keep_at_most + after, via, clock_of + otherwise, "
        "and unlimited + because; choose one.",
    ),
    "a period in other words": (
        [("keep_at_most: 7 years", "keep_at_most: P7Y")],
        "shop.yaml:21: tables.buyer.retention.keep_at_most: "
        "a duration reads like '7 years', '18 months' or '90 days'.",
    ),
    "a retention without a reason": (
        [(", promise: P09}", "}")],
        "shop.yaml:21: tables.buyer.retention: says neither promise: … nor because: …; a period needs its reason.",
    ),
    "no limit without a reason": (
        [("retention: {via: buyer_id}", "retention: {unlimited: true}")],
        "shop.yaml:35: tables.sale.retention: has no limit and no because: …; say why nothing of a person is in it.",
    ),
    "an own period without a reason where a linked clock has one": (
        [
            (
                "retention: {via: buyer_id}",
                "retention: {clock_of: [buyer_id], otherwise: {keep_at_most: 1 year, after: sold_at}, promise: P10}",
            )
        ],
        "shop.yaml:35: tables.sale.retention.otherwise: says neither promise: … nor because: …; "
        "a period needs its reason.",
    ),
    "a value kept without a reason": (
        [(", because: It is public.}", "}")],
        "shop.yaml:44: tables.sale.columns.price: is kept without a reason; add because: …, "
        "or choose another treatment.",
    ),
    "an unknown domain": (
        [("treatment: {kind: pseudonymize, domain: buyer}}", "treatment: {kind: pseudonymize, domain: byer}}")],
        "shop.yaml:23: tables.buyer.columns.buyer_id.treatment: unknown domain; declare it under domains, "
        "or use one of buyer, mail.",
    ),
    "a token's form written at the column": (
        [("domain: buyer}}", "domain: buyer, form: text}}")],
        "shop.yaml:23: tables.buyer.columns.buyer_id.treatment: "
        "the form of a token is set at its domain (domains.<name>.of).",
    ),
    "an unknown kind of treatment": (
        [("treatment: suppress", "treatment: supress")],
        "shop.yaml:26: tables.buyer.columns.left.treatment.kind: "
        "is none of 'keep', 'suppress', 'pseudonymize', 'mask', 'generalize', 'round', 'noise', "
        "'shift_dates', 'synthesize', 'custom'.",
    ),
    "a treatment without a kind": (
        [(EMAIL, "{of: email, classes: {}}")],
        "shop.yaml:24: tables.buyer.columns.email.treatment.kind: is missing; declare it.",
    ),
    "a treatment that is none": (
        [("treatment: suppress", "treatment: 5")],
        "shop.yaml:26: tables.buyer.columns.left.treatment: is not a mapping of keys to values.",
    ),
    "a mask of an unknown thing": (
        [("of: email, classes", "of: mail, classes")],
        "shop.yaml:24: tables.buyer.columns.email.treatment.of: is none of 'ip', 'email', 'phone', 'iban', 'name'.",
    ),
    "a mask without what it needs": (
        [(", classes: {free: [mail.example]}", "")],
        "shop.yaml:24: tables.buyer.columns.email.treatment.classes: is missing; declare it.",
    ),
    "a generalization to an unknown thing": (
        [("sold_at: {type: timestamp, role: quasi_identifier, treatment: {kind: generalize, to: day}}",
          "sold_at: {type: timestamp, role: quasi_identifier, treatment: {kind: generalize, to: week}}")],
        "shop.yaml:43: tables.sale.columns.sold_at.treatment.to: is none of 'day', 'month', 'quarter', 'year', "
        "'age_band', 'postcode', 'province', 'band', 'step', 'clamp', 'category', 'browser_family'.",
    ),
    "a treatment that cannot read the type": (
        [("email: {type: text", "email: {type: integer")],
        "shop.yaml:24: tables.buyer.columns.email.treatment: mask cannot read integer; it reads text.",
    ),
    "a treatment that needs a column which is not there": (
        [(EMAIL, "{kind: generalize, to: province, country: land}")],
        "shop.yaml:24: tables.buyer.columns.email.treatment: needs the column land beside it, "
        "which is not among the columns.",
    ),
    "text in a domain of integers": (
        [(EMAIL, "{kind: pseudonymize, domain: buyer}")],
        "shop.yaml:24: tables.buyer.columns.email.treatment.domain: is a domain of integer values, "
        "and this column's type is text.",
    ),
    "integers in a domain of e-mail addresses": (
        [(KEY_OF_SALE, "sale_id: {type: integer, role: non_personal, treatment: {kind: pseudonymize, domain: mail}}")],
        "shop.yaml:37: tables.sale.columns.sale_id.treatment.domain: is a domain of email values, "
        "and this column's type is integer.",
    ),
    "a type that is none": (
        [('"decimal(12,2)"', "money")],
        "shop.yaml:44: tables.sale.columns.price.type: unknown type; one of integer, decimal, double, text, boolean, "
        "date, timestamp; decimals as decimal(12,2), moments without offset as timestamp(local) or timestamp(utc).",
    ),
    "a role that is none": (
        [("left: {type: timestamp, role: quasi_identifier", "left: {type: timestamp, role: quasi")],
        "shop.yaml:26: tables.buyer.columns.left.role: is none of 'direct_identifier', 'quasi_identifier', "
        "'sensitive' or 'non_personal'.",
    ),
    "an unknown reference": (
        [("references: buyer", "references: customer")],
        "shop.yaml:42: tables.sale.columns.buyer_id.references: names a table that the policy does not have.",
    ),
    "a key treated otherwise than its target": (
        [("        treatment: {kind: pseudonymize, domain: buyer}\n", "        treatment: suppress\n")],
        "shop.yaml:41: tables.sale.columns.buyer_id.treatment: differs from that of buyer.buyer_id, "
        "so that the two would not join.",
    ),
    "a circle of references": (
        [(
            "since: {type",
            "last_sale: {type: integer, role: non_personal, treatment: keep, because: So., references: sale}\n"
            "      since: {type",
        )],
        "shop.yaml:13: tables.buyer: refers to itself in a circle with buyer, sale; leave out one references: ….",
    ),
    "a table that refers to itself": (
        [("      since: {type",
          "      found_by_id: {type: integer, role: direct_identifier, references: buyer, "
          "treatment: {kind: pseudonymize, domain: buyer}}\n      since: {type")],
        "shop.yaml:25: tables.buyer.columns.found_by_id.references: names its own table; "
        "state type, role and treatment of its own instead of references: ….",
    ),
    "a primary key that is no column": (
        [("primary_key: sale_id", "primary_key: id")],
        "shop.yaml:34: tables.sale.primary_key: is not among the columns.",
    ),
    "a primary key that is suppressed": (
        [(KEY_OF_SALE, "sale_id: {type: integer, role: non_personal, treatment: suppress}")],
        "shop.yaml:34: tables.sale.primary_key: is suppressed; a key is kept or pseudonymized.",
    ),
    "a parent that is no reference": (
        [("retention: {via: buyer_id}", "retention: {via: sold_at}")],
        "shop.yaml:35: tables.sale.retention.via: sold_at is not a column with references: ….",
    ),
    "a subject through a column that is no reference": (
        [("subject: {who: buyer, via: buyer_id}", "subject: {who: buyer, via: price}")],
        "shop.yaml:33: tables.sale.subject.via: price is not a column with references: ….",
    ),
    "a subject found by a column that is not there": (
        [("{column: buyer_id, identifies", "{column: number, identifies")],
        "shop.yaml:19: tables.buyer.subject.found_by.0: names number, which is not among the columns.",
    ),
    "an opt-out by a column that is not there": (
        [("    retention: {via: buyer_id}\n", "    retention: {via: buyer_id}\n    objected_when_set: opted_out\n")],
        "shop.yaml:36: tables.sale.objected_when_set: names opted_out, which is not among the columns.",
    ),
    "an unknown purpose": (
        [("purpose: sales\n    legal_basis: contract\n    rec", "purpose: fun\n    legal_basis: contract\n    rec")],
        "shop.yaml:16: tables.buyer.purpose: is not among the purposes; declare it there.",
    ),
    "an unknown recipient": (
        [("    recipients: [analysts]", "    recipients: [analysts, everybody]")],
        "shop.yaml:18: tables.buyer.recipients.1: is not among the recipients; declare it there.",
    ),
    "a zone that is whatever the machine is set to": (
        [("Europe/Amsterdam", "localtime")],
        "shop.yaml:3: time_zone: is not a time zone of the IANA list, such as Europe/Amsterdam.",
    ),
    "a promise that is not registered": (
        [("promise: P09", "promise: P99")],
        "shop.yaml:21: tables.buyer.retention.promise: is not among the promises; declare it there.",
    ),
    "a promise that is not registered, where no record is linked": (
        [
            (
                "retention: {via: buyer_id}",
                "retention: {clock_of: [buyer_id], promise: P10, "
                "otherwise: {keep_at_most: 1 year, after: sold_at, promise: P99}}",
            )
        ],
        "shop.yaml:35: tables.sale.retention.otherwise.promise: is not among the promises; declare it there.",
    ),
    "promises without a register": (
        [("promises: {P09: {meaning: As long as the books.}, P10: {meaning: As long as the sale.}}\n", "")],
        "shop.yaml:21: tables.buyer.retention.promise: is not among the promises; declare it there.",
    ),
    "an unknown time zone": (
        [("Europe/Amsterdam", "Europe/Leeuwarden")],
        "shop.yaml:3: time_zone: is not a time zone of the IANA list, such as Europe/Amsterdam.",
    ),
    "an event that is no date": (
        [("latest: [since, sale.sold_at]", "latest: [email]")],
        "shop.yaml:21: tables.buyer.retention.after: email is not a date or timestamp among the columns.",
    ),
    "an event that is suppressed": (
        [("latest: [since, sale.sold_at]", "latest: [left]")],
        "shop.yaml:21: tables.buyer.retention.after: left is suppressed, so that the clock cannot read it.",
    ),
    "an event of a table that refers elsewhere": (
        [("sale.sold_at", "buyer.since")],
        "shop.yaml:21: tables.buyer.retention.after: buyer.since is not a column of a table that refers to buyer.",
    ),
    "an event of another table that is no date": (
        [("sale.sold_at", "sale.price")],
        "shop.yaml:21: tables.buyer.retention.after: sale.price is not a date or timestamp among the columns.",
    ),
    "two published tables of one name": (
        [("publish_as: sales", "publish_as: Buyers")],
        "shop.yaml:29: tables.sale.publish_as: is the published name of another table too.",
    ),
    "a table both treated and never extracted": (
        [("{chat: Not stored.}", "{chat: Not stored., sale: Secret.}")],
        "shop.yaml:11: never_extracted.sale: is treated under tables as well; it can be only one of the two.",
    ),
    "a column both treated and never extracted": (
        [("{password_hash: Nobody reads it.}", "{email: Nobody reads it.}")],
        "shop.yaml:27: tables.buyer.never_extracted.email: is treated under columns as well; "
        "it can be only one of the two.",
    ),
    "a column named like the run's own": (
        [("left: {", "_expires_on: {")],
        "shop.yaml:26: tables.buyer.columns._expires_on: begins with an underscore, as the run's own columns do; "
        "publish it by another name.",
    ),
    "two columns that differ by capitals": (
        [("left: {", "SINCE: {")],
        "shop.yaml:26: tables.buyer.columns.SINCE: differs from another column by capitals only; "
        "a warehouse cannot tell them apart.",
    ),
    "two types for one source column": (
        [("left: {type: timestamp", "left: {from: since, type: date")],
        "shop.yaml:26: tables.buyer.columns.left.type: differs from that of another column from since.",
    ),
    "a derived table's source that is not there": (
        [("    retention: {via: buyer_id}\n",
          "    retention: {via: buyer_id}\n    derived: {from: order, where_null: buyer_id, one_row_per: sale_id}\n")],
        "shop.yaml:36: tables.sale.derived.from: names a table that the policy does not have.",
    ),
    "a reference to a derived table by one that it is not made of": (
        [("    retention: {via: buyer_id}\n",
          "    retention: {via: buyer_id}\n    derived: {from: buyer, where_null: left, one_row_per: sale_id}\n"),
         ("price: {type: \"decimal(12,2)\", role: non_personal, treatment: keep, because: It is public.}\n",
          "price: {type: \"decimal(12,2)\", role: non_personal, treatment: keep, because: It is public.}\n" + LINE)],
        "shop.yaml:60: tables.line.columns.sale_id.references: names a derived table, to which only buyer may refer.",
    ),
    "a name that is none": (
        [("  sale:\n", "  my sale:\n")],
        "shop.yaml:28: tables.my sale: a name is made of letters (a to z), digits and underscores, "
        "a letter or underscore first.",
    ),
    "a key given twice": (
        [("    meaning: What they bought.\n", "    meaning: What they bought.\n    meaning: Or what they did not.\n")],
        "shop.yaml:31: 'meaning' is given twice.",
    ),
    "a key that is a list": ([("fiscal_year:", "[a, b]:")], "shop.yaml:4: a key is one word."),
    "what is not YAML": ([("first_month: 1}", "first_month: 1")], "shop.yaml:5: did not find expected ',' or '}'."),
    "a character that YAML does not allow": (
        [("A shop", "A\x00shop")], "shop.yaml:1: not YAML: a character that YAML does not allow.",
    ),
    "more columns than misfits can be marked in": (
        [("      left: {type", "".join(
            f"      c{n}: {{type: integer, role: non_personal, treatment: keep, because: A number and no more.}}\n"
            for n in range(61)) + "      left: {type")],
        "shop.yaml:22: tables.buyer.columns: has more than 63 columns that are read; suppress those nobody needs.",
    ),
    "a reason of blanks": (
        [("because: It is public.", "because: '   '")],
        "shop.yaml:44: tables.sale.columns.price.because: is shorter than 3 characters.",
    ),
    "an alias within itself": (
        [("purposes: {", "purposes: &all {more: *all, ")], "shop.yaml:1: an alias contains itself.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "message"), REFUSALS.values(), ids=REFUSALS)
def test_a_policy_is_refused_for(changes, message):
    assert message in refusal(edited(SHOP, *changes))


@pytest.mark.parametrize("text", ["", "- a list", "just words", "3"])
def test_what_is_not_a_mapping_is_no_policy(text):
    assert refusal(text) == [
        "shop.yaml:1: a policy is a mapping; start from policies/autopar.yaml.",
        "  Mend the YAML; `sluis check` reads it again.",
    ]


@pytest.mark.parametrize(
    "name",
    ["password", "clientSecret", "privateKey", "toegangscode",
     "passwd", "user_pwd", "PassWord2", "wachtwoord", "pass_phrase", "pw_hash", "passhash", "paswoord",
     "api_key", "credentials", "otp", "pin", "pincode", "client_secret", "salt"],
)  # fmt: skip
@pytest.mark.parametrize("treatment", ["suppress", "keep", "{kind: pseudonymize, domain: mail}"])
def test_a_password_cannot_be_treated_by_any_name_or_treatment(name, treatment):
    column = f"{{type: text, role: sensitive, treatment: {treatment}, because: No reason will do.}}"
    assert refusal(edited(SHOP, ("      left: {", f"      {name}: {column}\n      left: {{"))) == [
        f"shop.yaml:26: tables.buyer.columns.{name}: is a password by its name and cannot be treated; "
        "list it under never_extracted."
    ]


def test_a_password_cannot_be_treated_under_another_name():
    assert refusal(edited(SHOP, ("left: {type: timestamp", "left: {from: password, type: timestamp"))) == [
        "shop.yaml:26: tables.buyer.columns.left: is a password by its name and cannot be treated; "
        "list it under never_extracted."
    ]


@pytest.mark.parametrize("name", ["passenger_name", "compass", "spin", "bypass_road", "pinned_at", "shipping"])
def test_a_name_that_only_sounds_like_a_password_is_none(name):
    assert name in read(edited(SHOP, ("left: {", f"{name}: {{"))).tables["buyer"].columns


def test_all_faults_are_told_at_once_in_the_order_of_the_file():
    faulty = edited(
        SHOP,
        ("treatment: suppress", "treatment: supress"),
        ("first_month: 1", "first_month: 13"),
        ("retention: {via: buyer_id}", "retention: soon"),
        ("time_zone", "time_zome"),
    )

    assert [line.split(": ")[:2] for line in refusal(faulty)] == [
        ["shop.yaml:1", "time_zone"],
        ["shop.yaml:3", "time_zome"],
        ["shop.yaml:4", "fiscal_year.first_month"],
        ["shop.yaml:26", "tables.buyer.columns.left.treatment.kind"],
        ["shop.yaml:35", "tables.sale.retention"],
    ]


def test_faults_are_told_by_the_number_of_their_lines_and_not_by_its_digits():
    broken = edited(SHOP, (", because: A number and no more.", ""), ("Europe/Amsterdam", "Nowhere"))

    assert [line.split(": ")[0] for line in refusal(broken)] == ["shop.yaml:3", "shop.yaml:37"]


def test_a_refusal_quotes_no_value():
    said = "\n".join(
        refusal(edited(SHOP, ("Europe/Amsterdam", "[jan@example.com]"), ('"decimal(12,2)"', "jan@example.com")))
    )

    assert "shop.yaml:3" in said
    assert "jan@" not in said


def test_a_policy_tells_on_which_line_a_part_stands():
    policy = read(SHOP)

    assert policy.line("tables", "sale", "columns", "buyer_id", "references") == 42
    assert policy.line("tables", "sale", "columns", "buyer_id", "promises", 0) == 38
    assert policy.line("nothing") == 1
    assert policy.file == "shop.yaml"


def test_a_policys_digest_is_of_its_text():
    assert read(SHOP).digest == read(SHOP).digest
    assert read(SHOP).digest != read(SHOP + "# a comment\n").digest
    assert len(read(SHOP).digest) == 64


def test_a_policy_cannot_be_changed_once_read():
    with pytest.raises(ValueError, match="frozen"):
        read(SHOP).version = "2"


def test_tables_come_after_those_they_refer_to():
    raw = yaml.safe_load(SHOP)
    raw["tables"] = {name: raw["tables"][name] for name in ("sale", "buyer")}

    assert [name for name, _ in read(yaml.safe_dump(raw, sort_keys=False)).in_order()] == ["buyer", "sale"]


def test_only_columns_that_are_treated_are_read():
    policy = read(SHOP)

    assert list(columns_read(policy.tables["buyer"])) == ["buyer_id", "email", "since"]


def test_a_suppressed_column_is_read_where_it_tells_of_an_opt_out():
    policy = read(edited(SHOP, ("publish_as: buyers", "publish_as: buyers\n    objected_when_set: left")))

    assert list(columns_read(policy.tables["buyer"])) == ["buyer_id", "email", "since", "left"]


def test_the_quarantine_allows_the_larger_of_share_and_rows():
    limit = read(SHOP).quarantine

    assert [limit.allowed(rows) for rows in (0, 100, 500, 600, 10_000)] == [5, 5, 5, 6, 100]


# The shop's own policy


def autopar() -> Policy:
    return read_policy((POLICIES / "autopar.yaml").read_text(), "policies/autopar.yaml")


def test_the_shops_policy_publishes_what_the_contract_names():
    assert sorted(table.publish_as for table in autopar().tables.values()) == [
        "addresses", "collection_letters", "complaints", "customers", "deliveries", "guests", "invoices",
        "newsletter_subscriptions", "order_lines", "orders", "payments", "products", "purchases", "reviews",
        "social_contacts", "support_messages", "support_tickets", "vehicles", "web_sessions",
    ]  # fmt: skip


def test_every_table_of_the_shops_policy_has_a_published_schema():
    policy = autopar()
    for table in policy.tables.values():
        assert published_schema(policy, table).names == [*table.columns, "_expires_on"]


def test_the_shops_policy_tells_what_every_column_means():
    without = [(name, column) for name, table in autopar().tables.items()
               for column, spec in table.columns.items() if not spec.meaning]  # fmt: skip
    assert without == []


def test_a_review_shares_a_token_with_products_only():
    domains = _domains_of(autopar())

    assert {name for name, of in domains.items() if name != "review" and of & domains["review"]} == {
        "product",
        "order_line",
    }
    assert domains["review"] & domains["customer"] == set()


def test_newsletter_website_and_social_media_share_no_token_with_any_table():
    domains = _domains_of(autopar())
    for alone in ("newsletter_subscription", "web_session", "social_contact"):
        others = set().union(*(of for name, of in domains.items() if name != alone))
        assert domains[alone] & others == set()


def test_a_token_shared_across_purposes_has_its_reason():
    """P01: the table whose key a domain is may lend it to tables of another purpose only with a `because`."""
    policy = autopar()
    home = {
        table.columns[table.primary_key].treatment.domain: table.purpose
        for table in policy.tables.values()
        if isinstance(table.columns[table.primary_key].treatment, Pseudonymize)
    }
    lent = [
        (name, column, spec.because)
        for name, table in policy.tables.items()
        for column, spec in table.columns.items()
        if isinstance(spec.treatment, Pseudonymize) and home.get(spec.treatment.domain, table.purpose) != table.purpose
    ]
    assert lent
    assert [(name, column) for name, column, because in lent if not because] == []


def test_the_editors_schema_is_that_of_the_types():
    committed = (POLICIES / "schema.json").read_text()

    assert committed == schema_text(), "write it anew: python -m privacy.policy_schema > policies/schema.json"


def test_the_shops_policy_fits_the_editors_schema_and_a_typo_does_not():
    schema = jsonschema.Draft202012Validator(json.loads(schema_text()))
    policy = yaml.safe_load((POLICIES / "autopar.yaml").read_text())

    assert list(schema.iter_errors(policy)) == []
    policy["tables"]["customer"]["columns"]["first_name"]["treatment"] = "supress"
    assert len(list(schema.iter_errors(policy))) == 1


def test_every_refusal_of_the_editors_schema_is_one_of_the_reader_too():
    schema = jsonschema.Draft202012Validator(json.loads(schema_text()))
    for changes, _ in REFUSALS.values():
        try:
            raw = yaml.safe_load(edited(SHOP, *changes))
        except (yaml.YAMLError, RecursionError):
            continue
        if list(schema.iter_errors(raw)):
            assert refusal(edited(SHOP, *changes))


def _domains_of(policy: Policy) -> dict[str, set[str]]:
    """The join domains of each table."""
    return {
        name: {spec.treatment.domain for spec in table.columns.values() if isinstance(spec.treatment, Pseudonymize)}
        for name, table in policy.tables.items()
    }
