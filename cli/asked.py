"""In what form the command line asks for an answer, known before its flags are parsed."""

from __future__ import annotations

import re
import sys


def asks_for_json() -> bool:
    """Tell whether the answer is to be JSON."""
    return bool(re.search(r"--output[ =]json\b", " ".join(sys.argv)))
