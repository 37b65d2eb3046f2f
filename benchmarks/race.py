"""The race: contestants on one shop, each a process of its own, taking turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.measure import Measured, measured_in_own_process

COPIES = ("copy", "copy_limited")
"""What moving the rows costs, at the least: the better of them in a round is the measure of the others."""

BY_HAND = ("by_hand", "by_hand_duckdb")
"""The script by hand, which treats a share of the rows."""

RACE: dict[str, tuple[str, ...]] = {
    "copy": ("plain", "copy"),
    "copy_limited": ("plain", "copy", "limited"),
    "hashed": ("plain", "hashed"),
    "sluis": ("chamber",),
    "sluis_again": ("chamber", "again"),
    "sluis_in_turn": ("chamber", "in_turn"),
    "by_hand": ("by_hand", "sqlite"),
    "by_hand_duckdb": ("by_hand", "duckdb"),
}
"""Each contestant's module and options."""

Round = dict[str, Measured]


def race(
    shop: Path, names: Sequence[str], rounds: int, by_hand_share: float, say: Callable[[str], None]
) -> list[Round]:
    """Let each contestant run once a round, another one first each time."""
    results = []
    for number in range(rounds):
        first = number % len(names)
        result = {}
        for name in (*names[first:], *names[:first]):
            say(f"round {number + 1} of {rounds}: {name}")
            module, *options = RACE[name]
            options += [str(by_hand_share)] if name in BY_HAND else []
            result[name] = measured_in_own_process(module, shop, *options)
        results.append({name: result[name] for name in names})
    return results
