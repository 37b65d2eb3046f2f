"""What every maker of rows needs: the people, the clock, the file, the truth, and random streams of its own."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from demo import arrays
from demo.clock import Calendar
from demo.people import People
from demo.pools import Pools
from demo.texts import Scribe
from demo.truth import TruthSink
from demo.writing import ShopWriter

FAR: Final = 1_000
"""Orphans refer this far beyond the last id."""


@dataclass(frozen=True)
class World:
    """One shop in the making."""

    shop: ShopWriter
    pools: Pools
    people: People
    calendar: Calendar
    truth: TruthSink
    seed: int

    def stream(self, table: str) -> np.random.Generator:
        """The random stream of a table."""
        return arrays.stream(self.seed, table)

    def scribe(self, table: str) -> Scribe:
        """Who writes the free texts of a table."""
        return Scribe(self.people, self.shop.dirt, self.truth, self.seed, table)
