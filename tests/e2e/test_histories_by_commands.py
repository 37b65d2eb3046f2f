"""Histories by the real commands, with the gate; and the second half of those that test_histories.py speaks of."""

from __future__ import annotations

import pytest

from tests.histories.deeds import ByCommands
from tests.histories.machine import Histories, search

pytestmark = pytest.mark.long


class OtherHistories(Histories):
    """The second half."""


class HistoriesByCommands(Histories):
    """The same by the `sluis` commands, and with the gate."""

    make_deeds = ByCommands
    ungated = False
    race = kill = None  # type: ignore[assignment]


def test_whatever_happens_nobody_held_back_is_seen_and_everybody_else_is() -> None:
    search(OtherHistories, 250)


@pytest.mark.usefixtures("prefect_server")
def test_whatever_is_commanded_nobody_held_back_is_seen_and_everybody_else_is() -> None:
    search(HistoriesByCommands, 50)
