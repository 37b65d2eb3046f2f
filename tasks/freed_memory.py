"""Memory that columns no longer need, and memory of which that is never the case."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import gc

import pyarrow as pa

_MMAP_THRESHOLD = -3
_LARGE = 4 * 1024 * 1024


def keep_little_freed_memory() -> None:
    """Let the C library of Linux give each large block back to the system when it is freed; left alone it keeps them.

    Its threshold for that rises with every large block that is freed (mallopt(3), M_MMAP_THRESHOLD), unless it is set.
    A column of a batch lies below it: to fetch and clear its pages anew for each batch would cost a tenth of a run.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):  # another C library, which has no such setting
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE)


@functools.cache
def leave_libraries_alone() -> None:
    """Spare what is loaded by now the search for garbage: half a million objects that stay while the process lives.

    Each search of all of them stops every thread for a seventh of a second. Once in a process, or what is open in one
    run and has gone in the next would be left alone as well.
    """
    gc.freeze()


def give_freed_memory_back() -> None:
    """Give back what small blocks and Arrow's pool hold, at the end of a table."""
    pa.default_memory_pool().release_unused()
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
