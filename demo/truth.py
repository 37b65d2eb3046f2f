"""truth.jsonl: for every free text of the shop, which characters are personal."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple, TextIO


class Span(NamedTuple):
    """Characters `start` up to `end` of a text are a value of the named type."""

    start: int
    end: int
    type: str


TruthSink = Callable[[str, str, int, str, list[Span]], None]
"""Takes table, column, id, the text as stored and its spans."""


def forget(table: str, column: str, record: int, text: str, spans: list[Span]) -> None:
    """A sink for whoever needs no truth."""


@contextmanager
def truth_sink(path: Path | None) -> Iterator[TruthSink]:
    """A sink that writes one JSON object a line to `path`, or forgets everything when there is none."""
    if path is None:
        yield forget
        return
    draft = path.with_name(f".{path.name}.draft")
    try:
        with draft.open("w", encoding="utf-8") as lines:
            yield partial(_write_entry, lines)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _write_entry(lines: TextIO, table: str, column: str, record: int, text: str, spans: list[Span]) -> None:
    labels = [span._asdict() for span in spans]
    entry = {"table": table, "column": column, "id": record, "text": text, "spans": labels}
    lines.write(json.dumps(entry, ensure_ascii=False) + "\n")
