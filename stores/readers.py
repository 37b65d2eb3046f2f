"""The few connections that read one snapshot, lent to whoever reads next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from queue import LifoQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class Readers(Generic[T]):
    """Connections or cursors; each serves one at a time."""

    def __init__(self, readers: Iterable[T]) -> None:
        self._idle: LifoQueue[T] = LifoQueue()
        for reader in readers:
            self._idle.put(reader)

    @contextmanager
    def one(self) -> Iterator[T]:
        """Lend one; wait until one is idle."""
        reader = self._idle.get()
        try:
            yield reader
        finally:
            self._idle.put(reader)
