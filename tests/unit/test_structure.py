"""The house keeps its shape: no circles, no large modules, and nothing of one shop in the software."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest
import yaml

ROOT = Path(__file__).parents[2]
PACKAGES = ("privacy", "stores", "expectations", "tasks", "flows", "cli", "benchmarks")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
MOST_LINES = 280
EVERYBODYS = {"first_name", "last_name", "licence_plate", "user_agent", "started_at", "ended_at", "placed_at"}
"""Kinds of value that the software itself tells apart, and the ledger's own columns."""


def test_no_module_leads_back_to_itself() -> None:
    graph = grimp.build_graph(*PACKAGES, cache_dir=None, exclude_type_checking_imports=True)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}

    order = list(TopologicalSorter(imports).static_order())

    assert {"privacy.treat", "tasks.chamber", "cli.main"} <= set(order)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_fits_on_a_few_screens(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def names_of_the_shop() -> set[str]:
    """Give the names of the demo shop's tables and columns that are no words of everybody's."""
    policy = yaml.safe_load((ROOT / "policies" / "autopar.yaml").read_text(encoding="utf-8"))
    names = {name for table in policy["tables"].values() for name in (*table["columns"], table["publish_as"])}
    names |= policy["tables"].keys() | policy["never_extracted"].keys()
    return {name for name in names if "_" in name} - EVERYBODYS


def texts(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_no_python_outside_the_demo_names_a_column_or_table_of_the_shop() -> None:
    names = names_of_the_shop()
    assert {"customer_id", "order_line", "opened_at", "web_sessions"} <= names

    named = {
        f"{module.relative_to(ROOT)}: {name}"
        for module in MODULES
        if module.parts[len(ROOT.parts)] != "benchmarks"
        for text in texts(module)
        for name in names & set(text.replace('"', " ").replace(".", " ").replace(",", " ").split())
    }

    assert named == set()
