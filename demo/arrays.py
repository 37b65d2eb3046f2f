"""Seeded drawing of whole columns, one random stream per purpose."""

import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Objects = npt.NDArray[np.object_]

CHUNK: Final = 50_000
"""Rows made and written at a time; part of what a seed means, so never tune it per machine."""


def stream(seed: int, purpose: str) -> np.random.Generator:
    """A generator of its own for each purpose, so that a change in one table leaves the others alone."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode())])


def objects(values: Sequence[Any]) -> Objects:
    """The values as an object array, which draws by reference (no copy of any text)."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def pick(rng: np.random.Generator, pool: Sequence[Any] | Objects, n: int, shares: Sequence[float] = ()) -> Objects:
    """`n` draws from the pool, evenly or by the given shares (scaled to one)."""
    array = pool if isinstance(pool, np.ndarray) else objects(pool)
    if not shares:
        return array[rng.integers(0, len(array), n)]
    weights = np.asarray(shares, dtype=float)
    drawn = np.searchsorted(np.cumsum(weights / weights.sum()), rng.random(n), side="right")
    chosen: Objects = array[np.minimum(drawn, len(array) - 1)]
    return chosen


def either(which: Bools, left: Any, right: Any) -> Objects:
    """The left cells where `which` holds, else the right ones; each a column or one cell for all rows."""
    sides = [side if isinstance(side, (list, np.ndarray)) else [side] * which.size for side in (left, right)]
    return np.asarray(np.where(which, *(np.asarray(side, dtype=np.object_) for side in sides)), dtype=np.object_)


def chance(rng: np.random.Generator, share: float, n: int) -> Bools:
    """True for about `share` of `n` rows."""
    return rng.random(n) < share


def handful(rows: int) -> int:
    """How many rows of a table are planted wrong: few enough to keep a run going, never none."""
    return max(1, min(40, rows // 4000))


def scatter(rng: np.random.Generator, among: Ints, *counts: int) -> list[Ints]:
    """Disjoint random picks from `among`, one per count."""
    shuffled = rng.permutation(among)
    ends = np.cumsum(counts)
    return [np.sort(shuffled[end - count : end]) for end, count in zip(ends, counts, strict=True)]


def random_texts(rng: np.random.Generator, alphabet: str, n: int, length: int) -> list[str]:
    """`n` random texts of `length` characters of the alphabet."""
    letters = np.array([ord(c) for c in alphabet], dtype=np.uint32)
    codes = letters[rng.integers(0, len(alphabet), (n, length), dtype=np.uint8)]
    texts: list[str] = np.ascontiguousarray(codes).view(f"U{length}").ravel().tolist()
    return texts


def ids(first: int, n: int) -> Ints:
    """`n` consecutive ids."""
    return np.arange(first, first + n, dtype=np.int64)


def id_or_null(keys: Ints) -> list[int | None]:
    """The keys as cells; zero is NULL."""
    return [key or None for key in keys.tolist()]


def euros(cents: Ints) -> list[float]:
    """Cents as amounts with two decimals."""
    amounts: list[float] = (cents / 100).tolist()
    return amounts


def slices(n: int) -> Iterator[slice]:
    """Consecutive slices that cover `n` rows."""
    for start in range(0, n, CHUNK):
        yield slice(start, min(n, start + CHUNK))
