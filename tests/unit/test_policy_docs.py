"""docs/policy.md: every fragment in it loads, every key of a policy appears, and refusals read as it says."""

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

import privacy
from privacy.column_types import TypeName
from privacy.identifiers import Kind
from privacy.policy import LegalBasis, Policy, Role, Table
from privacy.policy_doubts import doubts
from privacy.policy_file import read_policy
from privacy.policy_lint import lint
from privacy.policy_schema import schema_text
from privacy.promises import ColumnPromise

TEXT = (Path(__file__).parents[2] / "docs" / "policy.md").read_text()
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
WHOLE = yaml.safe_load(BLOCKS[0])
SAYS = [row.split("|")[1].strip(" `") for row in TEXT.split("| it says |")[1].splitlines() if row.startswith("| `")]


def merged(base: Any, fragment: Any) -> Any:
    """A fragment put in its place: mappings grow, anything else is replaced."""
    if not (isinstance(base, dict) and isinstance(fragment, dict)):
        return fragment
    return {**base, **{key: merged(base.get(key), value) for key, value in fragment.items()}}


def in_its_place(fragment: dict[str, Any]) -> dict[str, Any]:
    """A whole policy with the fragment in it: parts of the policy by key, parts of tables by the name of the table."""
    if fragment.keys() <= Policy.model_fields.keys():
        return merged(deepcopy(WHOLE), fragment)
    tables = deepcopy(WHOLE["tables"])
    for table, part in fragment.items():
        assert part.keys() <= Table.model_fields.keys()
        kept = {**tables[table], "retention": None} if "retention" in part else tables[table]
        tables[table] = merged(kept, part)
    return {**WHOLE, "tables": tables}


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_every_fragment_loads_in_its_place(block):
    read_policy(yaml.safe_dump(in_its_place(yaml.safe_load(block)), sort_keys=False), "docs/policy.md")


def test_the_whole_policy_of_the_page_gives_no_cause_for_warnings():
    policy = read_policy(BLOCKS[0], "docs/policy.md")

    assert [*lint(policy, ()), *doubts(policy)] == []


def test_the_policy_of_the_tutorial_is_valid_and_gives_no_cause_for_warnings():
    text = (Path(__file__).parents[2] / "docs" / "tutorial" / "sakila.yaml").read_text("utf-8")
    policy = read_policy(text, "sakila.yaml")

    assert [*lint(policy, ()), *doubts(policy)] == []


def test_every_key_of_a_policy_appears():
    schema = json.loads(schema_text())
    parts = [schema, *schema["$defs"].values()]
    keys = {key for part in parts for key in part.get("properties", ())}

    assert {key for key in keys if not _appears(key)} == set()


@pytest.mark.parametrize(
    "choices", [TypeName, LegalBasis, Role, Kind], ids=["types", "legal bases", "roles", "personal kinds"]
)
def test_every_choice_appears(choices):
    assert {word for word in get_args(choices) if not _appears(word)} == set()


def test_every_kind_of_promise_has_a_row_and_an_example():
    examples = [promise for block in BLOCKS for promise in _promises(yaml.safe_load(block))]
    for promise in get_args(get_args(ColumnPromise)[0]):
        kind = promise.model_fields["kind"].default
        assert f"| `{kind}` |" in TEXT
        assert kind in {example["kind"] for example in examples}


def test_the_page_leads_to_that_of_the_treatments_and_names_none_that_is_not_there():
    kinds = re.findall(r"kind: (\w+)", "\n".join(BLOCKS))
    tags = json.loads(schema_text())["$defs"]
    tagged = [tag["properties"]["kind"] for tag in tags.values() if "kind" in tag.get("properties", {})]
    known = {kind for tag in tagged for kind in tag.get("enum", [tag.get("const")])}

    assert "(treatments.md)" in TEXT
    assert set(kinds) <= known


@pytest.mark.parametrize("words", SAYS)
def test_refusals_read_as_the_page_says(words):
    modules = [*Path(privacy.__path__[0]).glob("*.py"), *Path(privacy.__path__[0]).glob("treatments/*.py")]

    assert any(words in module.read_text() for module in modules)


def _appears(word: str) -> bool:
    return re.search(rf"\b{re.escape(word)}\b", TEXT) is not None


def _promises(node: Any) -> list[dict[str, Any]]:
    if not isinstance(node, dict):
        return []
    own = node.get("promises", [])
    own = own if isinstance(own, list) else []  # the register at the top is a mapping
    return own + [promise for part in node.values() for promise in _promises(part)]
