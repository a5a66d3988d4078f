"""The fleet's state machine once against a real redis-server: the same histories, the same promises, by its scripts."""

import logging

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import MACHINES
from tests.model.real import RealServer

pytestmark = [pytest.mark.redis, pytest.mark.timeout(300)]


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.__name__)
def test_the_fleet_keeps_its_promises_on_redis(machine, shared_redis, caplog):
    caplog.set_level(logging.CRITICAL, "jupiter.resilience")
    client = redis.Redis.from_url(shared_redis.url, db=7)

    class OnRedis(machine):
        def serve(self, clock):
            return RealServer(clock, client)

        def teardown(self):
            super().teardown()
            self.world.server.close()

    OnRedis.__name__ = f"{machine.__name__}OnRedis"
    try:
        run_state_machine_as_test(
            OnRedis,
            settings=settings(
                max_examples=20, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
    finally:
        client.close()
