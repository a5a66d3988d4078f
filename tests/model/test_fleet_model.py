"""A short run of the model; `python -m tests.model.long` is the long one."""

import logging

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import MACHINES


@pytest.fixture(autouse=True)
def calm(caplog):
    """The log of ten thousand outages helps nobody."""
    caplog.set_level(logging.CRITICAL, "jupiter.resilience")


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.__name__)
def test_the_fleet_keeps_its_promises(machine):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=60, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
