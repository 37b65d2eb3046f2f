"""The pages say what there is: commands, flags, variables, exit codes, folders, words, links; and no page or file tells
where it was written."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from cli.answer import WARNED
from cli.main import app
from cli.run import PREFECT_DEFAULTS
from privacy.errors import SluisError
from stores.settings import VARIABLES

ROOT = Path(__file__).resolve().parents[2]

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in (".", "docs", "docs/tutorial")
    for path in (ROOT / folder).glob("*.md")
) + sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs/adr").glob("*.md"))

WORDS = re.split(
    r",\s+",
    """data subject, direct identifier, quasi-identifier, sensitive, non-personal, treatment, pseudonym, domain,
    retention,
    expired, legal hold, erasure, restriction, objection, tombstone, candidate, gate, publish, quarantine, promise,
    evidence, run record, receipt, plan, ledger, drift, mart, policy, token, source, warehouse, chamber, fate, clock,
    orphan, watermark, pseudonymised, anonymous, key epoch, value drift, waiver, head,
    suppression, identifier, closure, generation, remains, private index, replay, standing, approval, horizon, matter,
    record, frozen, minimum cell, cell, request, actor""",
)


@cache
def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@cache
def tracked() -> tuple[str, ...]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: what is tracked cannot be told")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return tuple(name for name in listed.split("\0") if name and (ROOT / name).is_file())


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield " ".join(("sluis", *path, name)), command


COMMANDS = dict(commands(typer.main.get_command(app)))
FLAGS = {flag for command in COMMANDS.values() for parameter in command.params for flag in parameter.opts}


def errors(base: type[SluisError] = SluisError) -> Iterator[type[SluisError]]:
    yield base
    for error in base.__subclasses__():
        yield from errors(error)


def first_cells(text: str) -> list[str]:
    """Give the first cell of every table row that is no heading."""
    return [cell.strip() for cell in re.findall(r"^\|([^|]*)\|", text, re.M) if not set(cell.strip()) <= set("-: ")]


def prose(text: str) -> str:
    """Leave out code, in which brackets are no links and hashes no headings."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M))


def anchors(text: str) -> set[str]:
    """Give the anchors of a page's headings, as GitHub makes them."""
    without_code = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
    headings = re.findall(r"^#{1,6} +(.+?) *$", without_code, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# --- docs/cli.md


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_described(command: str) -> None:
    assert f"`{command}`" in first_cells(page("docs/cli.md"))


@pytest.mark.parametrize("flag", sorted(FLAGS - {"--help"}))
def test_every_flag_is_described(flag: str) -> None:
    assert f"`{flag}`" in first_cells(page("docs/cli.md"))


def test_no_flag_is_described_that_does_not_exist() -> None:
    described = {flag for cell in first_cells(page("docs/cli.md")) for flag in re.findall(r"`(--[a-z-]+)`", cell)}

    assert described <= FLAGS


@pytest.mark.parametrize("name", VARIABLES)
def test_every_setting_is_described_with_its_variable(name: str) -> None:
    assert f"| `--{name}` | `{VARIABLES[name]}` |" in page("docs/cli.md")


def test_every_environment_variable_of_the_code_and_the_deployment_is_described() -> None:
    rooms = ("cli", "flows", "tasks", "stores", "expectations", "privacy")
    sources = [path for room in rooms for path in (ROOT / room).rglob("*.py")] + [ROOT / "prefect.yaml"]
    # a name that goes on in a star stands for all of them
    ours = {v for path in sources for v in re.findall(r"\bSLUIS_[A-Z]+\b", path.read_text(encoding="utf-8"))}

    assert ours | set(PREFECT_DEFAULTS) <= set(re.findall(r"`([A-Z_]{4,})`", page("docs/cli.md")))


def test_every_exit_code_and_kind_of_error_is_described() -> None:
    codes = {0, WARNED} | {error.code for error in errors()}
    rows = dict(re.findall(r"^\| (\d+) \|(.*)\|$", page("docs/cli.md"), re.M))

    assert {str(code) for code in codes} <= rows.keys()
    for error in errors():
        assert f"`{error.kind}`" in rows[str(error.code)]


def test_the_readme_has_the_same_exit_codes() -> None:
    codes = {0, WARNED} | {error.code for error in errors()}

    assert {int(cell) for cell in first_cells(page("README.md")) if cell.isdigit()} == codes


# --- docs/architecture.md, docs/glossary.md, docs/promises.md, docs/index.md


def test_every_folder_of_modules_is_on_the_map() -> None:
    folders = {Path(name).parent.as_posix() for name in tracked() if name.endswith(".py")}
    ours = {folder for folder in folders if not folder.startswith("tests")}

    assert {f"`{folder}/`" for folder in ours} <= set(first_cells(page("docs/architecture.md")))


@pytest.mark.parametrize("word", WORDS)
def test_every_word_is_in_the_glossary(word: str) -> None:
    defined = [name for cell in first_cells(page("docs/glossary.md")) for name in re.findall(r"\*\*(.+?)\*\*", cell)]

    assert word in defined


def test_every_promise_has_its_row() -> None:
    rows = [cell for cell in first_cells(page("docs/promises.md")) if re.fullmatch(r"P\d\d", cell)]

    assert rows == [f"P{number:02}" for number in range(1, 26)]


def test_the_index_leads_to_every_page() -> None:
    linked = {(ROOT / "docs" / target).resolve() for target in re.findall(r"\]\(([^)#]+)\)", page("docs/index.md"))}

    assert {(ROOT / name).resolve() for name in PAGES if name != "docs/index.md"} <= linked


def test_decisions_are_numbered_one_after_another_and_bear_their_number() -> None:
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs/adr").glob("*.md"))]

    assert numbers == list(range(1, len(numbers) + 1))
    for path in (ROOT / "docs/adr").glob("*.md"):
        assert path.read_text(encoding="utf-8").startswith(f"# {int(path.name[:4])}. ")


# --- all pages


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page(name))):
        if target.startswith(("https:", "mailto:")):
            continue
        file, _, anchor = target.partition("#")
        path = (ROOT / name).parent / file if file else ROOT / name
        if not path.exists() or (anchor and anchor not in anchors(path.read_text(encoding="utf-8"))):
            broken.append(target)

    assert not broken


@pytest.mark.parametrize("name", PAGES)
def test_every_file_that_a_page_names_is_there(name: str) -> None:
    rooms = "privacy|stores|expectations|tasks|flows|cli|demo|tests|policies|docs"
    named = re.findall(rf"`((?:{rooms})/[\w/.-]+\.(?:py|md|yaml|json))`", page(name))

    # what CONTRIBUTING.md makes as an example
    assert [path for path in named if not (ROOT / path).exists()] in ([], ["privacy/treatments/randomization.py"])


@pytest.mark.parametrize("name", PAGES)
def test_every_make_target_that_a_page_names_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", page("Makefile"), re.M))
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", page(name), re.M))

    assert named <= targets


def test_the_readme_shows_every_command_of_its_first_screen() -> None:
    start = page("README.md").split("\n## ")[0]

    assert "make demo" in start
    assert "make test" in start


# --- the whole tree


HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("crates", "io"),
        ("golang", "org"),
        ("anaconda", "org"),
        ("docker", "io"),
        ("ghcr", "io"),
    )
]
"""Hosts of package registries: what is installed, and from where, is the business of whoever installs it."""

FOLDERS = "|".join(("work", "root", "farm", "home", "Users"))

FORBIDDEN = re.compile(
    "|".join([*map(re.escape, HOSTS), rf"(?<![\w.}}…-])/(?:{FOLDERS})/", re.escape("uv" + ".lock"), "--index" + "-url"])
)


@pytest.mark.parametrize(
    "text", [f"https://{HOSTS[0]}/simple", "cd /" + "work/main", "'/" + "root/.ssh'", "uv" + ".lock"]
)
def test_what_tells_where_something_was_made_is_recognised(text: str) -> None:
    assert FORBIDDEN.search(text)


def test_no_tracked_file_tells_where_it_was_made() -> None:
    told = []
    for name in tracked():
        for number, line in enumerate((ROOT / name).read_bytes().decode("utf-8", "replace").splitlines(), 1):
            if found := FORBIDDEN.search(line):
                told.append(f"{name}:{number}: {found.group()}")

    assert not told
    assert not [name for name in tracked() if FORBIDDEN.search(name)]
