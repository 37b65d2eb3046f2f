"""The JSON Schema of policy files, for editors: names and choices while one writes (`read_policy` checks the rest).

policies/schema.json is its output: `python -m privacy.policy_schema > policies/schema.json`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from privacy.policy import Policy

_NULL = {"type": "null"}


def schema_text() -> str:
    """Give the schema (draft 2020-12) as it is committed."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **_tidy(Policy.model_json_schema())}
    column = schema["$defs"]["Column"]
    treatments = column["properties"]["treatment"]["oneOf"]
    treatments.append({"enum": _words(schema, treatments)})
    column["anyOf"] = [{"required": column.pop("required")}, {"required": ["references"]}]
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _words(schema: dict[str, Any], treatments: list[dict[str, str]]) -> list[str]:
    """List the kinds that have no parameter, which a policy may write as one word."""
    definitions = [schema["$defs"][treatment["$ref"].rsplit("/", 1)[-1]] for treatment in treatments]
    return [kind["properties"]["kind"]["const"] for kind in definitions if list(kind["properties"]) == ["kind"]]


def _tidy(node: Any) -> Any:
    """Say what a file may hold rather than what Python makes of it: no titles, no nulls, tags required, unions flat."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    tidy = {key: _tidy(value) for key, value in node.items() if not _is_noise(key, value)}
    if _NULL in tidy.get("anyOf", ()):
        given = [choice for choice in tidy.pop("anyOf") if choice != _NULL]
        tidy = {key: value for key, value in tidy.items() if key != "default"}
        tidy |= given[0] if len(given) == 1 else {"anyOf": given}
    if "oneOf" in tidy:
        tidy["oneOf"] = [flat for choice in tidy["oneOf"] for flat in choice.get("oneOf", [choice])]
    if isinstance(tidy.get("properties"), dict):
        _require_tags(tidy)
    return tidy


def _is_noise(key: str, value: Any) -> bool:
    return (key == "title" and isinstance(value, str)) or (key == "discriminator" and "propertyName" in value)


def _require_tags(definition: dict[str, Any]) -> None:
    """Require what tells the members of a union apart, although Python has a default for it."""
    tags = [name for name in ("kind", "of", "to") if _is_tag(definition["properties"].get(name, {}))]
    for tag in tags:
        definition["properties"][tag].pop("default", None)
    if required := [*tags, *(name for name in definition.get("required", ()) if name not in tags)]:
        definition["required"] = required


def _is_tag(property_: dict[str, Any]) -> bool:
    return "const" in property_ or ("enum" in property_ and "default" not in property_)


if __name__ == "__main__":
    sys.stdout.write(schema_text())
