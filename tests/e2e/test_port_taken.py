"""`sluis up`, when somebody else takes the port between the look at it and the server's start."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cli.local_prefect.home import Home
from cli.local_prefect.processes import marked
from tests.conftest import Place
from tests.free_port import free_port
from tests.local_prefect import QUICK, command, told

pytestmark = pytest.mark.long


class Squatter(ThreadingHTTPServer):
    """Says of anything that it is well, as another's Prefect server does; remembers what it was asked."""

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Healthy)
        self.asked: list[str] = []


class Healthy(BaseHTTPRequestHandler):
    server: Squatter

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(200)
        self.end_headers()

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def squatting(home: Path) -> Iterator[list[Squatter]]:
    """Take the port that is noted in a home as soon as it is."""
    squatters: list[Squatter] = []

    def take() -> None:
        until = time.monotonic() + 120
        while not (note := Home(home).note()) and time.monotonic() < until:
            time.sleep(0.005)
        if note:
            squatters.append(Squatter(note.port))
            squatters[0].serve_forever()

    watching = threading.Thread(target=take, daemon=True)
    watching.start()
    try:
        yield squatters
    finally:
        for squatter in squatters:
            squatter.shutdown()
            squatter.server_close()
        watching.join(timeout=5)


def test_another_port_is_chosen_and_nobody_else_is_taken_for_our_server(place: Place, tmp_path: Path) -> None:
    home = tmp_path / "prefect"
    with squatting(home) as squatters:
        began = command("up", "--dir", str(home), "--output", "json", **place.environment, **QUICK)
        try:
            assert began.returncode == 0, began.stdout + began.stderr
            note = Home(home).note()
            assert note
            assert note.port not in [squatter.server_port for squatter in squatters]
            assert told(began)["address"] == note.address
            assert note.complete
            assert [squatter.asked for squatter in squatters] == [[]]
        finally:
            command("down", "--dir", str(home))


def test_where_a_port_was_asked_for_it_is_told_that_it_is_taken_and_nothing_stays(place: Place, tmp_path: Path) -> None:
    home, port = tmp_path / "prefect", free_port()
    with squatting(home) as squatters:
        refused = command("up", "--dir", str(home), "--port", str(port), **place.environment)

    assert [(squatter.server_port, squatter.asked) for squatter in squatters] == [(port, [])]
    assert (refused.returncode, f"--port: {port} is in use" in refused.stderr) == (2, True), refused.stderr
    note = Home(home).note()
    assert note
    assert not marked(note.server) and not marked(note.worker)
