"""Histories of deeds in any order."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.histories.machine import Histories

pytestmark = pytest.mark.long


def test_whatever_happens_nobody_held_back_is_seen_and_everybody_else_is() -> None:
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=20, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
