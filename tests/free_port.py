"""A port for a server of a test's own."""

from __future__ import annotations

import socket


def free_port(address: str = "127.0.0.1") -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as free:
        free.bind((address, 0))
        port: int = free.getsockname()[1]
        return port
