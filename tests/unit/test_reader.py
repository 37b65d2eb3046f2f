"""The reader of the tutorial's tests notices where a page is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reader import Reader, blocks


def follow(folder: Path, page: str) -> None:
    reader = Reader(folder / "reader")
    (folder / "reader").mkdir()
    for block in blocks(page):
        reader.follow(block)


def test_files_changes_commands_and_answers_that_are_right_are_followed_in_one_shell(tmp_path: Path) -> None:
    follow(
        tmp_path,
        """
```python
# say.py
import os
print("one", os.environ["WORD"], "three", 4, 5, sep="\\n")
raise SystemExit(3)
```
```diff
+++ say.py
-print("one", os.environ["WORD"], "three", 4, 5, sep="\\n")
+print("1", os.environ["WORD"], "three", 4, 5, sep="\\n")
```
```console
$ export \\
    WORD="the second"
$ python say.py
1
the …
…
5
$ echo $?
3
```
""",
    )


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ("```console\n$ echo one\ntwo\n```", "echo one\none\n\n--- and not\ntwo"),
        ("```console\n$ echo one\n```", "echo one\none"),
        ("```console\n$ echo one\n…\ntwo\n```", "--- and not"),
        ("```console\n$ false\n```", "does not show that its last command fails"),
        ("```console\n$ false\n$ echo two\ntwo\n```", "ended with 1, before: echo two"),
        ("```yaml\npart: of nothing\n```", "is part of no file"),
        ("```yaml\n# a.yaml\na: 1\n```\n```diff\n+++ a.yaml\n-a: 2\n+a: 3\n```", "holds what is to be changed 0 times"),
        ("```\nwhat is this\n```", "does not know what to do"),
    ],
)
def test_what_is_not_as_the_page_says_is_told(tmp_path: Path, block: str, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint.replace("$", r"\$")):
        follow(tmp_path, block + "\n")
