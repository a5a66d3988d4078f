"""Redis frozen or killed under a fleet: no request fails, little is said about it, and all is well afterwards."""

import threading
import time

import pytest

from tests.support.client import eventually
from tests.support.server import NOWHERE
from tests.support.workers import events_on, rest_on

pytestmark = [pytest.mark.redis, pytest.mark.timeout(240)]


class Asking:
    """Asks one worker all the time, and keeps what came of it."""

    def __init__(self, rest):
        self._rest = rest
        self.statuses = []
        self.slowest = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        paths = ("/api/feature-status", "/api/dashboard/summary", "/api/threats", "/api/error-stats")
        while not self._stopped.wait(0.02):
            answer = self._rest.get(paths[len(self.statuses) % len(paths)])
            self.statuses.append(answer.status)
            self.slowest = max(self.slowest, answer.seconds)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._thread.join(10)


def lines_about_redis(jupiter):
    return [line for line in jupiter.output.splitlines() if "Redis" in line or "other workers" in line]


@pytest.mark.parametrize("how", ["frozen", "killed"])
def test_redis_away_costs_no_request_and_comes_back(serve, redis_server, how):
    settings = {**NOWHERE, "REDIS_URL": redis_server.url, "JUPITER_RATE_LIMIT": "100000/minute"}
    jupiter = serve(settings, args=("--workers", "2"))
    with (
        rest_on(jupiter, "1") as one,
        rest_on(jupiter, "2") as two,
        events_on(jupiter, "1") as here,
        events_on(jupiter, "2") as there,
    ):
        with (
            rest_on(jupiter, "1") as first,
            rest_on(jupiter, "2") as second,
            Asking(first) as asking_one,
            Asking(second) as asking_two,
        ):
            time.sleep(1)
            redis_server.freeze() if how == "frozen" else redis_server.stop()
            time.sleep(6)
            answer = one.post("/api/features/pulse/disable", json={"reason": "while alone"})
            assert answer.status == 200, answer.body
            told = here.wait_for("notice", lambda told: "while alone" in told["message"], timeout=5)
            assert told["seq"] > 0
            redis_server.thaw() if how == "frozen" else redis_server.start()
            state = eventually(
                lambda: (found := two.get("/api/feature-status").body["community_pulse"])["enabled"] is False and found,
                timeout=10,
            )
            assert state["reason"] == "while alone"
            there.wait_for("notice", lambda told: "while alone" in told["message"], timeout=10)
            time.sleep(1)
            eventually(lambda: min(len(each.statuses) for each in (asking_one, asking_two)) > 50, timeout=60)
        for asking in (asking_one, asking_two):
            assert set(asking.statuses) == {200}
            assert len(asking.statuses) > 50
            assert asking.slowest < 4.0
        mark = there.mark()
        one.post("/api/features/pulse/enable")
        there.wait_for(
            "status_update", lambda told: told["features"]["community_pulse"]["enabled"], since=mark, timeout=5
        )
        for tab in (here, there):
            numbers = [told["seq"] for told in tab.named("notice") if "seq" in told]
            assert numbers == sorted(set(numbers))
            assert len([told for told in tab.named("notice") if "while alone" in told["message"]]) == 1
    assert len(lines_about_redis(jupiter)) <= 2 * 3, lines_about_redis(jupiter)
    assert "Traceback" not in jupiter.output


def test_a_fleet_starts_without_redis_and_finds_it_later(serve, redis_server):
    redis_server.stop()
    jupiter = serve({**NOWHERE, "REDIS_URL": redis_server.url}, args=("--workers", "2"))
    with rest_on(jupiter, "1") as one, rest_on(jupiter, "2") as two:
        assert one.get("/api/feature-status").status == 200
        redis_server.start()

        def shared():
            one.post("/api/features/pulse/disable", json={"reason": "drill"})
            return not two.get("/api/feature-status").body["community_pulse"]["enabled"]

        eventually(shared, timeout=15, interval=0.5)
