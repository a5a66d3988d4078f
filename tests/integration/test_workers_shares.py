"""What workers have in common besides events: breakers, errors, limits, metrics; and how soon a browser knows."""

import statistics
import time

import pytest

from tests.support.catalogue import document, entry
from tests.support.client import eventually
from tests.support.llm_server import reply, serving
from tests.support.server import NOWHERE
from tests.support.workers import events_on, rest_on

pytestmark = [pytest.mark.redis, pytest.mark.timeout(180)]
TRIPPY = {
    "JUPITER_SOURCES": "cisa_kev",
    "JUPITER_BREAKER_FAILURES": "3",
    "JUPITER_BREAKER_OPEN_SECONDS": "60",
    "JUPITER_CALL_ATTEMPTS": "1",
    "JUPITER_SOURCE_CISA_KEV_REFRESH_SECONDS": "600",
}


@pytest.fixture
def fleet(serve, redis_server):
    def start(workers=2, environ=None):
        settings = {**NOWHERE, "REDIS_URL": redis_server.url, **(environ or {})}
        return serve(settings, args=("--workers", str(workers)))

    return start


def breaker_of(rest):
    return rest.get("/api/feature-status").body["threat_intelligence"]["dependencies"]["cisa_kev"]


def test_a_circuit_that_opens_in_one_worker_rejects_in_the_other_and_a_reset_closes_it_in_both(fleet):
    with serving(reply("no", status=500)) as upstream:
        environ = {**TRIPPY, "JUPITER_SOURCE_CISA_KEV_URL": upstream.url}
        jupiter = fleet(environ=environ)
        with rest_on(jupiter, "1") as one, rest_on(jupiter, "2") as two:

            def opened():
                one.get("/api/threats?force_refresh=1")
                return breaker_of(one)["circuit_breaker"] == "open"

            eventually(opened, timeout=30)
            eventually(lambda: breaker_of(two)["circuit_breaker"] == "open", timeout=3)
            for rest in (one, two):  # what was under way when it opened comes to its end
                rest.get("/api/threats?force_refresh=1")
            asked = len(upstream.requests)
            assert two.get("/api/threats?force_refresh=1").status == 200
            assert len(upstream.requests) == asked
            told = two.get("/api/feature-status").body["threat_intelligence"]
            assert (told["enabled"], told["circuit_breaker"]) == (False, "open")
            upstream._script = reply('{"vulnerabilities": []}', kind="application/json")
            two.post("/api/reset-circuit-breaker/intel")
            for rest in (one, two):
                eventually(lambda rest=rest: breaker_of(rest)["circuit_breaker"] == "closed", timeout=3)


def test_error_statistics_are_the_same_whoever_answers(fleet):
    jupiter = fleet()
    with rest_on(jupiter, "1") as one, rest_on(jupiter, "2") as two:
        for rest, count in ((one, 3), (two, 4)):
            for _ in range(count):
                assert rest.get("/api/experiments?limit=nonsense").status == 422

        def same():
            told = [rest.get("/api/error-stats").body for rest in (one, two)]
            assert told[0]["errors_by_type"] == told[1]["errors_by_type"]
            return sum(told[0]["errors_by_type"].values()) == told[0]["total_errors"] >= 7

        eventually(same, timeout=10)

        def same_newest():  # sources fail meanwhile, also between the two questions
            newest = [rest.get("/api/recent-errors?limit=7").body["errors"] for rest in (one, two)]
            assert newest[0] == newest[1]
            return len(newest[0]) == 7

        eventually(same_newest, timeout=10)


def test_limits_hold_over_all_workers(fleet):
    jupiter = fleet(environ={"JUPITER_RATE_LIMIT": "40/hour"})
    token = jupiter.token_for("ann", "viewer")
    with rest_on(jupiter, "1", token) as one, rest_on(jupiter, "2", token) as two:
        statuses = [rest.get("/api/feature-status").status for _ in range(30) for rest in (one, two)]
        assert statuses.count(200) == 40
        assert set(statuses[40:]) == {429}


def test_limits_go_on_in_each_worker_without_redis(fleet, redis_server):
    jupiter = fleet(environ={"JUPITER_RATE_LIMIT": "40/hour"})
    token = jupiter.token_for("ann", "viewer")
    redis_server.stop()
    with rest_on(jupiter, "1", token) as one:
        statuses = [one.get("/api/feature-status").status for _ in range(60)]
    assert statuses.count(200) == 40
    assert statuses[-1] == 429


def test_any_worker_shows_the_metrics_of_all(fleet):
    jupiter = fleet(3)

    def all_there():
        with jupiter.rest() as rest:
            text = rest.get("/metrics").body
        return all(f'jupiter_loop_lag_seconds{{worker="{worker}"}}' in text for worker in "123") and text

    text = eventually(all_there, timeout=20, interval=0.5)
    assert text.count("# TYPE jupiter_loop_lag_seconds gauge") == 1
    assert 'jupiter_fleet_up{worker="' in text


def test_a_browser_on_another_worker_knows_of_a_trip_at_once(fleet, record_property):
    with serving(reply("no", status=500)) as upstream:
        tripped_at = []

        def failing(connection):
            tripped_at.append(time.monotonic())  # before the answer, or what comes of it might be sooner
            reply("no", status=500)(connection)

        well = reply(document([entry("CVE-2026-1000", "2026-11-01")]), kind="application/json")
        upstream._script = well
        often = {"JUPITER_SOURCE_CISA_KEV_REFRESH_SECONDS": "30"}  # a second after a good answer it may be asked anew
        jupiter = fleet(environ={**TRIPPY, **often, "JUPITER_SOURCE_CISA_KEV_URL": upstream.url})
        seconds, marks = [], (0, 0)
        with (
            rest_on(jupiter, "1") as one,
            rest_on(jupiter, "2") as two,
            events_on(jupiter, "2") as tab,
            events_on(jupiter, "1") as near,
        ):
            for _ in range(5):
                upstream._script = well  # or what the reset causes might open it again before we look
                one.post("/api/reset-circuit-breaker/intel")
                for rest in (one, two):
                    eventually(lambda rest=rest: breaker_of(rest)["circuit_breaker"] == "closed")
                if seconds:
                    for events, mark in zip((tab, near), marks, strict=True):
                        events.wait_for("status_update", lambda told: not is_open(told), since=mark)
                marks = tab.mark(), near.mark()
                upstream._script = failing

                def opened():
                    one.get("/api/threats?force_refresh=1")
                    return breaker_of(one)["circuit_breaker"] == "open"

                eventually(opened, timeout=30)
                for events, mark in zip((tab, near), marks, strict=True):
                    events.wait_for("status_update", is_open, since=mark)
                told = next(e for e in tab.received[marks[0] :] if e.name == "status_update" and is_open(e.data))
                seconds.append(told.at - max(at for at in tripped_at if at <= told.at))
                marks = tab.mark(), near.mark()
        record_property("trip_to_browser_ms", sorted(round(each * 1000) for each in seconds))
        assert statistics.median(seconds) < 1.0


def is_open(told):
    return told["features"]["threat_intelligence"]["dependencies"]["cisa_kev"]["circuit_breaker"] == "open"
