"""A reader of a page, who writes its files, makes its changes, types its commands and compares what they answer.

```python or ```yaml    a file, if the first line is a comment with its name; else a part of one that is there
```diff                 a change of the file that stands behind +++ in the first line
```console              commands behind $ and what they answer; … is whatever it may be, on a line or for some lines
```text                 what a reader cannot do here, on another machine or for ever: it is read, and no more
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

WIDTH = "120"
"""Columns of the terminal that answers are shown in."""


@dataclass(frozen=True)
class Block:
    """A block of code, and the line of the page on which it begins."""

    language: str
    text: str
    line: int


def blocks(page: str) -> Iterator[Block]:
    """Give a page's blocks of code in their order."""
    for found in re.finditer(r"^```(\w*)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE):
        yield Block(found[1], found[2], page.count("\n", 0, found.start()) + 1)


def typed(session: str) -> Iterator[tuple[str, str]]:
    """Give the commands of a session on a console, each with what it is to answer."""
    for part in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
        command, _, answer = re.sub(r"\\\n\s*", "", part).partition("\n")
        yield command, answer


def expected(answer: str) -> str:
    """Make a regular expression of an answer."""
    lines = [line.rstrip() for line in answer.rstrip().splitlines()]
    return "".join(
        r"(?:.*\n)*?" if line == "…" else ".*?".join(map(re.escape, line.split("…"))) + r" *\n" for line in lines
    )


class Reader:
    """Somebody in a folder of their own, with one shell for a whole page."""

    def __init__(self, folder: Path, **environment: str) -> None:
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("SLUIS_", "PYTHON"))}
        path = f"{Path(sys.executable).parent}{os.pathsep}{ours['PATH']}"
        self._folder, self._ended_with = folder, 0
        self._environment = {**ours, "PATH": path, "COLUMNS": WIDTH, **environment}
        self._exported = folder.with_name(f"{folder.name}.exported")
        self._exported.write_text("")

    def follow(self, block: Block) -> None:
        """Do what a block says; AssertionError where what it shows is not so."""
        match block.language:
            case "python" | "yaml":
                self._write(block.text)
            case "diff":
                self._change(block.text)
            case "console":
                for command, answer in typed(block.text):
                    self._type(command, answer)
                assert self._ended_with == 0, "the page does not show that its last command fails"
            case "text":
                pass
            case other:
                raise AssertionError(f"line {block.line}: a reader does not know what to do with {other or 'a block'}")

    def _write(self, text: str) -> None:
        named = re.match(r"# ([\w/.-]+\.\w+)\n", text)
        if named:
            (self._folder / named[1]).write_text(text, encoding="utf-8")
            return
        assert any(text in file.read_text("utf-8") for file in self._folder.glob("*.yaml")), "is part of no file"

    def _change(self, text: str) -> None:
        first, *lines = text.splitlines(keepends=True)
        file = self._folder / first.removeprefix("+++ ").strip()
        old = "".join(line[1:] for line in lines if not line.startswith("+"))
        new = "".join(line[1:] for line in lines if not line.startswith("-"))
        before = file.read_text("utf-8")
        assert before.count(old) == 1, f"{file.name} holds what is to be changed {before.count(old)} times"
        file.write_text(before.replace(old, new), encoding="utf-8")

    def _type(self, command: str, answer: str) -> None:
        assert self._ended_with == 0 or command == "echo $?", f"ended with {self._ended_with}, before: {command}"
        variables = shlex.quote(str(self._exported))
        script = [f". {variables}", f"(exit {self._ended_with})", command]
        script += ["code=$?", f"declare -px > {variables}", "exit $code"]
        done = subprocess.run(
            ["bash", "-c", "\n".join(script)],
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self._ended_with = done.returncode
        said = f"{done.stdout.rstrip()}\n".lstrip("\n")
        assert re.fullmatch(expected(answer), said), f"$ {command}\n{said}\n--- and not\n{answer}"
