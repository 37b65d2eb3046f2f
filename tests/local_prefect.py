"""What `sluis up` starts, for tests: the real server and worker, on a shop of the test's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conftest import Place
from tests.free_port import free_port
from tests.prefect_server import PrefectServer

QUICK = {"PREFECT_WORKER_QUERY_SECONDS": "1"}
"""A worker that looks for runs each second."""


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command in an environment that knows of no other server."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    line = [str(Path(sys.executable).with_name("sluis")), *arguments]
    return subprocess.run(line, env={**own, **environment}, capture_output=True, text=True, check=False)


def told(ended: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Give the one object that a command told with `--output json`."""
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


@contextmanager
def up(place: Place, home: Path, **environment: str) -> Iterator[PrefectServer]:
    """Bring server and worker up, and down again at the end; at a port of their own, for tests beside it do so, too."""
    where = ("--dir", str(home), "--port", str(free_port()))
    began = command("up", *where, "--output", "json", **place.environment, **QUICK, **environment)
    try:
        assert began.returncode == 0, began.stdout + began.stderr
        yield PrefectServer(home, int(told(began)["address"].rsplit(":", 1)[1]))
    finally:
        command("down", "--dir", str(home))
