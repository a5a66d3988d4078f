"""The dashboard on two workers, in a real browser: websockets only, and a killed worker is no more than a blink."""

import os
import signal

import pytest
from playwright.sync_api import expect

from tests.browser.toasts import hold
from tests.support.server import NOWHERE
from tests.support.workers import pids

pytestmark = [pytest.mark.browser, pytest.mark.redis, pytest.mark.timeout(180)]


def test_pages_on_two_workers_live_on_when_one_is_killed(new_page, serve, redis_server):
    jupiter = serve({**NOWHERE, "REDIS_URL": redis_server.url}, args=("--workers", "2"))
    pages = [new_page(), new_page()]
    asked = []
    for page in pages:
        page.on("request", lambda request: asked.append(request.url))
        page.goto(jupiter.link)
        expect(page.locator("body")).to_have_attribute("data-connection", "live", timeout=20_000)
        hold(page)
    with jupiter.rest() as rest:
        assert rest.post("/api/features/pulse/disable", json={"reason": "seen by both"}).status == 200
    for page in pages:
        expect(page.get_by_text("seen by both").first).to_be_visible(timeout=20_000)
    os.kill(pids(jupiter)["1"], signal.SIGKILL)
    with jupiter.rest() as rest:
        assert rest.post("/api/features/pulse/enable").status == 200
    for page in pages:
        expect(page.get_by_text("Community pulse works again.").first).to_be_visible(timeout=30_000)
        expect(page.locator("body")).to_have_attribute("data-connection", "live", timeout=30_000)
        page.faults[:] = [fault for fault in page.faults if "WebSocket" not in fault and "ERR_CONNECTION" not in fault]
    assert [url for url in asked if "transport=polling" in url] == []
