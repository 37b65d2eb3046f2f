"""What the parts of a policy are made of."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

Path = tuple[str | int, ...]
"""A place in the file: the keys and numbers of items that lead to it."""

Broken = tuple[Path, str]
"""Where something is wrong or doubtful, and what."""


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        raise ValueError("a name is made of letters (a to z), digits and underscores, a letter or underscore first")
    return text


Name = Annotated[str, AfterValidator(_name)]
SourceName = Annotated[str, StringConstraints(min_length=1)]
"""The name of something that is published under another name, or not at all: a source may name it as it likes."""

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3)]


class Part(BaseModel):
    """Base of all parts of a policy."""

    model_config = ConfigDict(frozen=True, extra="forbid")
