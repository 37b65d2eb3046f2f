"""Read a policy from YAML text: every refusal names file, line and the way out."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import yaml
from pydantic import ValidationError

from privacy.errors import PolicyError
from privacy.policy import Policy
from privacy.policy_faults import place, words
from privacy.policy_parts import Broken, Path
from privacy.policy_references import WrittenOut
from privacy.policy_rules import broken_rules
from privacy.treatments import Custom


def read_policy(text: str, file: str) -> Policy:
    """Read and check a policy; PolicyError lists all that is wrong with it, a line each."""
    read, lines = _parse(text, file)
    written = WrittenOut(read)
    context = {"domains": read.get("domains") if isinstance(read.get("domains"), dict) else {}}
    policy: Policy | None = None
    try:
        policy = Policy.model_validate(written.raw, context=context)
    except ValidationError as error:
        own = [item for item in error.errors(include_url=False) if not written.is_taken(item["loc"])]
        wrong = [*written.wrong, *((place(item, lines), words(item)) for item in own)]
    if policy is None:
        raise _refusal(file, lines, wrong)
    policy._lines, policy._file = lines, file
    policy._digest = _digest(text, policy)
    if rules := list(broken_rules(policy)):
        raise _refusal(file, lines, rules)
    return policy


def _digest(text: str, policy: Policy) -> str:
    """Digest what a run goes by: the file, and the modules of users' own functions that it names."""
    return hashlib.sha256("\n".join([text, *code_digests(policy)]).encode()).hexdigest()


def code_digests(policy: Policy) -> list[str]:
    """Give the digest of each module of users' own functions that a policy names."""
    treatments = (column.treatment for table in policy.tables.values() for column in table.columns.values())
    return sorted({treatment.code_digest for treatment in treatments if isinstance(treatment, Custom)})


class _Loader(yaml.CSafeLoader):
    """A safe loader that refuses a key given twice."""

    def close(self) -> None:
        """Let go of the text."""
        self.dispose()

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key is one word", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"'{key.value}' is given twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        with contextlib.suppress(ValueError):
            return super().construct_object(node, deep)
        raise yaml.constructor.ConstructorError(
            None, None, "there is no such date or number; put text in quotes", node.start_mark
        )


def _parse(text: str, file: str) -> tuple[dict[str, Any], dict[Path, int]]:
    problem, line = "a policy is a mapping; start from policies/autopar.yaml", 1
    try:
        with contextlib.closing(_Loader(text)) as loader:
            node = loader.get_single_node()
            raw = loader.construct_document(node) if node else None
        if isinstance(node, yaml.MappingNode) and isinstance(raw, dict):
            return raw, dict(_lines(node, ()))
    except yaml.MarkedYAMLError as error:
        problem, mark = error.problem or "not YAML", error.problem_mark
        line = mark.line + 1 if mark else 1
    except yaml.YAMLError:
        problem = "not YAML: a character that YAML does not allow"
    except RecursionError:
        problem = "an alias contains itself"
    raise PolicyError(f"{file}:{line}: {problem}.\n  Mend the YAML; `sluis check` reads it again.")


def _lines(node: yaml.Node, path: Path) -> list[tuple[Path, int]]:
    """List the line of every key and item below a node."""
    found: list[tuple[Path, int]] = []
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            found += [((*path, key.value), key.start_mark.line + 1), *_lines(value, (*path, key.value))]
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            found += [((*path, index), item.start_mark.line + 1), *_lines(item, (*path, index))]
    return found


def told(policy: Policy, found: Iterable[Broken]) -> list[str]:
    """Put what was found in a policy in lines of `file:line: place: what`, in the order of the file."""
    return _told(policy.file, policy._lines, found)


def _told(file: str, lines: Mapping[Path, int], found: Iterable[Broken]) -> list[str]:
    said = []
    for path, message in found:
        line = next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), 1)
        said.append((line, f"{file}:{line}: {'.'.join(map(str, path))}: {message}."))
    return [words for _, words in sorted(said)]


def _refusal(file: str, lines: Mapping[Path, int], wrong: Iterable[Broken]) -> PolicyError:
    return PolicyError("\n".join(_told(file, lines, wrong)))
