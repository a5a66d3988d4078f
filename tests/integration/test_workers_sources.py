"""Several workers, one fetch: what one of them got of a source, the others take."""

import json
import os
import signal
import time

import pytest

from tests.support.client import eventually
from tests.support.llm_server import reply, serving
from tests.support.server import NOWHERE
from tests.support.workers import events_on, pids, rest_on

pytestmark = [pytest.mark.redis, pytest.mark.timeout(180)]
EVERY = 2.0


def catalogue(count):
    entries = [
        {
            "cveID": f"CVE-2026-{1000 + number}",
            "vendorProject": "Acme",
            "product": "Router",
            "vulnerabilityName": "Acme Router fault",
            "dateAdded": "2026-11-01",
            "shortDescription": "A fault.",
            "requiredAction": "Update.",
            "dueDate": "2026-11-22",
            "knownRansomwareCampaignUse": "Unknown",
            "notes": "",
            "cwes": [],
        }
        for number in range(count)
    ]
    return json.dumps(
        {
            "title": "t",
            "catalogVersion": "1",
            "dateReleased": "2026-11-20T00:00:00Z",
            "count": count,
            "vulnerabilities": entries,
        }
    )


def environ_of(url, redis_url):
    return {
        **NOWHERE,
        "REDIS_URL": redis_url,
        "JUPITER_SOURCES": "cisa_kev",
        "JUPITER_SOURCE_CISA_KEV_URL": url,
        "JUPITER_SOURCE_CISA_KEV_REFRESH_SECONDS": str(EVERY),
    }


def line_of(rest):
    body = rest.get("/api/threats").body
    return next(entry for entry in body["sources"] if entry["name"] == "cisa_kev"), body["total"]


def test_a_source_is_fetched_once_a_period_and_everybody_has_it(serve, redis_server):
    with serving(reply(catalogue(3), kind="application/json")) as upstream:
        jupiter = serve(environ_of(upstream.url, redis_server.url), args=("--workers", "3"))
        with rest_on(jupiter, "1") as one, rest_on(jupiter, "2") as two, rest_on(jupiter, "3") as three:
            for rest in (one, two, three):
                eventually(lambda rest=rest: line_of(rest)[1] == 3, timeout=10)
            began, before = time.monotonic(), len(upstream.requests)
            time.sleep(5 * EVERY)
            asked = len(upstream.requests) - before
            periods = (time.monotonic() - began) / EVERY
            assert 1 <= asked <= periods + 1, f"{asked} requests in {periods:.1f} periods"
            for rest in (one, two, three):  # what is a moment too late is stale until it comes
                eventually(lambda rest=rest: line_of(rest)[0]["status"] == "live")


def test_whoever_asked_may_die_and_the_pushes_go_on(serve, redis_server):
    asked_at = []

    def noting(connection):
        asked_at.append(time.monotonic())
        reply(catalogue(3), kind="application/json")(connection)

    with serving(noting) as upstream:
        jupiter = serve(environ_of(upstream.url, redis_server.url), args=("--workers", "2"))
        for dies, stays in (("1", "2"), ("2", "1")):
            with events_on(jupiter, stays) as tab:
                tab.wait_for("threats_update", timeout=20)
                before = pids(jupiter)[dies]
                os.kill(before, signal.SIGKILL)
                killed, mark = time.monotonic(), tab.mark()
                tab.wait_for("threats_update", lambda told: "seq" in told, since=mark, timeout=30)
                eventually(lambda killed=killed: asked_at[-1] > killed, timeout=30)
                pushed = next(e for e in tab.received[mark:] if e.name == "threats_update" and "seq" in e.data)
                assert pushed.at - killed < 12
                assert next(at for at in asked_at if at > killed) - killed < 12
            eventually(lambda before=before, dies=dies: pids(jupiter).get(dies, before) != before, timeout=60)
            with rest_on(jupiter, dies) as rest:
                eventually(lambda rest=rest: line_of(rest)[1] == 3, timeout=10)


def test_a_forced_refresh_on_one_worker_reaches_all(serve, redis_server):
    answered = []

    def answering(connection):
        reply(catalogue(3), kind="application/json")(connection)
        answered.append(time.monotonic())

    with serving(answering) as upstream:
        environ = environ_of(upstream.url, redis_server.url)
        jupiter = serve({**environ, "JUPITER_SOURCE_CISA_KEV_REFRESH_SECONDS": "600"}, args=("--workers", "2"))
        with rest_on(jupiter, "1") as one, rest_on(jupiter, "2") as two:
            for rest in (one, two):
                eventually(lambda rest=rest: line_of(rest)[1] == 3, timeout=10)
            eventually(lambda: len(answered) == len(upstream.requests))  # nobody is under way
            before = len(upstream.requests)
            upstream._script = reply(catalogue(5), kind="application/json")
            # what the other has fetched a moment ago counts as fresh; the next one is fetched anew
            eventually(lambda: one.get("/api/threats?force_refresh=1").body["total"] == 5, timeout=30)
            eventually(lambda: line_of(two)[1] == 5, timeout=5)
            assert len(upstream.requests) - before in (1, 2)
