"""docs/treatments.md names every treatment with its parameters, and its examples are what the code gives."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pytest
import yaml

from privacy.column_types import ColumnType
from privacy.treatments import AnyTreatment
from tests.promised import treat, treatment

DOC = Path(__file__).parents[2] / "docs" / "treatments.md"
VARIANTS = ("of", "to")


@pytest.fixture(autouse=True, scope="module")
def shown_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Make the module that the page shows importable, as its reader does."""
    folder = tmp_path_factory.mktemp("shown")
    (code,) = re.findall(r"```python\n(.*?)```", DOC.read_text("utf-8"), re.S)
    (folder / "shop_treatments.py").write_text(code, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield


@dataclass(frozen=True)
class Entry:
    """One treatment of the page."""

    title: str
    parameters: dict[str, Any]
    described: set[str]
    header: list[str]
    rows: list[list[str | None]]


def entries() -> list[Entry]:
    sections = re.split(r"^## ", DOC.read_text("utf-8"), flags=re.M)[1:]
    return [entry(section) for section in sections]


def entry(section: str) -> Entry:
    block = re.search(r"```yaml\n(.*?)```", section, re.S)
    assert block, section
    tables = [[cells(line) for line in table.splitlines()] for table in re.findall(r"(?:^\|.*\n)+", section, re.M)]
    described = {str(row[0]) for table in tables for row in table[2:] if table[0][0] == "parameter"}
    header, _, *rows = next(table for table in tables if str(table[0][0]).startswith("before"))
    return Entry(
        section.splitlines()[0], yaml.safe_load(block[1])["treatment"], described, [str(c) for c in header], rows
    )


def cells(line: str) -> list[str | None]:
    inner = (cell.strip() for cell in line.strip("|\n ").split("|"))
    return [None if cell == "*missing*" else cell.strip("`") for cell in inner]


def columns(made: Entry) -> tuple[dict[str, pa.Array], dict[str, dict[str, Any]]]:
    """Read the table: the columns before, by name, and the columns after, by header with the parameters it changes."""
    before, after = {}, {}
    for header, values in zip(made.header, zip(*made.rows, strict=True), strict=True):
        name, _, note = header.partition(" (")
        if name == "after":
            after[header] = {"expected": list(values), "changed": yaml.safe_load(f"{{{note.removesuffix(')')}}}")}
        else:
            before[name] = column(note.removesuffix(")"), list(values))
    return before, after


def column(declared: str, values: list[str | None]) -> pa.Array:
    type_ = ColumnType.parse(declared)
    read: Any = {
        "integer": int,
        "decimal": Decimal,
        "date": datetime.date.fromisoformat,
        "timestamp": datetime.datetime.fromisoformat,
        "text": str,
    }[type_.name]
    return pa.array([None if value is None else read(value) for value in values], type_.arrow("Europe/Amsterdam"))


def variants(union: Any) -> list[Any]:
    """Walk the registry down to its classes."""
    members = [member for part in get_args(union) for member in variants(part)]
    return members or ([union] if isinstance(union, type) else [])


@pytest.mark.parametrize("made", entries(), ids=lambda made: made.title)
def test_the_examples_are_what_the_code_gives(made):
    before, after = columns(made)
    raw = before.pop("before")
    for header, example in after.items():
        parameters = made.parameters | example["changed"]
        if "domain" in parameters:
            keyed_by = before.get(parameters.get("by"), raw)
            parameters["form"] = "integer" if keyed_by.type == pa.int64() else "text"
        published = treat(treatment(**parameters), raw, **before)
        assert [None if value is None else str(value) for value in published] == example["expected"], header


def test_every_treatment_has_an_entry():
    told = set()
    for made in entries():
        for example in columns(made)[1].values():
            parameters = made.parameters | example["changed"]
            told.add((parameters["kind"], *(parameters[name] for name in VARIANTS if name in parameters)))
    known = set()
    for kind in variants(AnyTreatment):
        fields = kind.model_fields
        literals = [get_args(fields[name].annotation) for name in VARIANTS if name in fields]
        known |= {(fields["kind"].default, *rest) for rest in (zip(*literals, strict=True) if literals else [()])}
    assert told == known


def test_every_entry_describes_exactly_the_parameters_there_are():
    filled_in = {"kind", "form", *VARIANTS}
    for made in entries():
        how = treatment(**made.parameters)
        parameters = {field.alias or name for name, field in type(how).model_fields.items()}
        assert made.described == parameters - filled_in, made.title
