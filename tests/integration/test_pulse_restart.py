"""A server that is restarted while its feeds are away shows what it knew, with the age that it has."""

from email.utils import format_datetime

import pytest

from backend.resilience.clock import SYSTEM_CLOCK
from tests.integration import lying_server as lies
from tests.support.client import eventually
from tests.support.server import NOWHERE, Jupiter


def feed():
    now = format_datetime(SYSTEM_CLOCK.now())
    entries = "".join(
        f"<item><title>SharePoint attack wave {n}</title><link>https://n.example/{n}</link><pubDate>{now}</pubDate></item>"
        for n in range(4)
    )
    return f'<rss version="2.0"><channel><title>A News</title>{entries}</channel></rss>'.encode()


def pulse(jupiter):
    with jupiter.rest() as rest:
        return rest.get("/api/pulse").body


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_topics_are_shown_with_their_age_after_a_restart_without_feeds(tmp_path, end):
    with lies.Server({"/feed": lies.reply(feed())}) as server:
        settings = {**NOWHERE, "JUPITER_PULSE_FEEDS": f"{server.url}/feed", "JUPITER_PULSE_REFRESH_SECONDS": "3"}
        with Jupiter(tmp_path, settings) as jupiter:
            before = eventually(lambda: (shown := pulse(jupiter))["items_total"] == 4 and shown)
            if end == "kill":
                jupiter.stop()  # the file is written; from here on nothing may be lost by a sudden end
                jupiter.start()
                eventually(lambda: pulse(jupiter)["items_total"] == 4)
                jupiter.kill()
            else:
                assert jupiter.stop() == 0
        server.answers["/feed"] = lies.reply(b"", "503 Service Unavailable")
        with Jupiter(tmp_path, settings) as jupiter:
            after = pulse(jupiter)
            assert after["as_of"] >= before["as_of"]
            assert [topic["topic"] for topic in after["topics"]] == [topic["topic"] for topic in before["topics"]]
            stale = eventually(lambda: "error 503" in (shown := pulse(jupiter)).get("message", "") and shown)
            assert stale["status"] == "stale"
            assert stale["items_total"] == 4
