"""The folder of a Prefect of one's own: its database, logs, results, and a note of what runs."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from cli.local_prefect.processes import marked, open_private
from privacy.errors import LockError, UsageError

NOTE = "up.json"


@dataclass(frozen=True)
class Note:
    """What was started from a folder: where it answers, and the mark that its processes bear."""

    port: int
    mark: str

    @classmethod
    def new(cls, port: int) -> Note:
        """Make a mark that nobody else has."""
        return cls(port, secrets.token_hex(16))

    @property
    def address(self) -> str:
        """Where the UI is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def api(self) -> str:
        """Where clients ask."""
        return f"{self.address}/api"

    @property
    def server(self) -> str:
        """The mark of the server."""
        return f"{self.mark}-server"

    @property
    def worker(self) -> str:
        """The mark of the worker, and of the runs that it starts."""
        return f"{self.mark}-worker"

    @property
    def complete(self) -> bool:
        """Whether both are alive."""
        return bool(marked(self.server) and marked(self.worker))


@dataclass(frozen=True)
class Home:
    """Such a folder; nobody but its owner reads it."""

    folder: Path

    @classmethod
    def named(cls, directory: Path | None) -> Home:
        """Take the folder that `--dir` or PREFECT_HOME names; UsageError if neither does."""
        if directory is None:
            raise UsageError("not set: --dir or PREFECT_HOME.\n  Name a folder for Prefect's database and logs.")
        return cls(directory.expanduser().absolute())

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder where it is missing, and let nobody else start or stop from it meanwhile."""
        if self.folder.exists() and not self.folder.is_dir():
            raise UsageError(f"--dir: {self.folder} is no folder.")
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.chmod(0o700)
        handle, busy = os.open(self.folder, os.O_RDONLY), False
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                busy = True
            if busy:
                raise LockError(f"{self.folder}: another `sluis up` or `sluis down` is at work there.\n  Wait for it.")
            yield
        finally:
            os.close(handle)

    def note(self) -> Note | None:
        """Read what was started from here, whether or not it still lives."""
        try:
            return Note(**json.loads((self.folder / NOTE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def keep(self, note: Note) -> None:
        """Note what is started."""
        with open_private(self.folder / NOTE) as file:
            json.dump(asdict(note), file)
