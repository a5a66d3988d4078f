"""Several workers, one database that goes away, one outbox: each write is there once, and all workers know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.integration.test_records_survive import FAST, LockedFile, waiting
from tests.support.client import eventually
from tests.support.redis import RedisServer
from tests.support.server import Jupiter

pytestmark = pytest.mark.redis


def test_what_several_workers_kept_is_written_once_and_shown_by_all(
    serve: Callable[..., Jupiter], redis_server: RedisServer
) -> None:
    """Each request over a connection of its own, so that every worker has its share."""
    jupiter = serve({**FAST, "REDIS_URL": redis_server.url}, args=("--workers", "3"))
    headers = {"Authorization": f"Bearer {jupiter.token}"}

    def create(number: int) -> int:
        body = {"name": f"write {number:03}", "experiment_type": "benchmark"}
        address = f"{jupiter.url}/api/experiments"
        return httpx.post(address, json=body, headers=headers, timeout=60, trust_env=False).status_code

    def totals(_: int) -> int:
        answer = httpx.get(f"{jupiter.url}/api/dashboard/summary", headers=headers, timeout=30, trust_env=False)
        return int(answer.json()["total_experiments"])

    outage = LockedFile()
    with ThreadPoolExecutor(8) as pool:
        statuses = Counter(pool.map(create, range(40)))
        outage.begin(jupiter)
        statuses += Counter(pool.map(create, range(40, 100)))
        assert waiting(jupiter)["pending"] > 0
        outage.end()
        statuses += Counter(pool.map(create, range(100, 120)))
        eventually(lambda: waiting(jupiter)["pending"] == 0, timeout=60)
        assert set(statuses) <= {201, 202}, statuses
        assert statuses[202] >= 60, statuses
        there = Counter(row["name"] for row in outage.read(jupiter))
        assert there == Counter(f"write {number:03}" for number in range(120))
        eventually(lambda: set(pool.map(totals, range(12))) == {120}, timeout=30, interval=0.5)
    assert waiting(jupiter)["set_aside"] == 0
