"""A source that lies is refused in bounded time and memory and named: every source, every lie."""

import gzip
import json
import tracemalloc

import pytest

from backend.errors import DashboardError, NetworkError, UpstreamRejectedError
from backend.sources.cisa_kev import CisaKev
from backend.sources.epss import Epss
from backend.sources.feeds import FeedSource
from backend.sources.fetcher import HttpFetcher, new_client
from backend.sources.ghsa import Ghsa
from backend.sources.hacker_news import HackerNews
from backend.sources.mastodon import Mastodon
from backend.sources.misp import Misp
from backend.sources.nvd import Nvd
from backend.sources.otx import Otx
from backend.sources.threatfox import Threatfox
from backend.sources.urlhaus import Urlhaus
from tests.integration import lying_server as lies
from tests.support.stopwatch import stopwatch

TIMEOUT = 0.4  # for the lies that are made of time; the others are found out by what they say
PATIENCE = 30.0
MAX_BYTES = 2_000_000
KEY = "a-key"


def fetch_event(fetcher, url):
    """The second document of a feed of events: the manifest is true, the event lies."""
    return Misp(fetcher, url=url.replace("/x", "/feed")).fetch()


def large(connection):
    """50 MB in pieces: the server's own copies are not to be counted."""
    connection.sendall(b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"vulnerabilities": [')
    for _ in range(500):
        connection.sendall(b'"x",' * 25_000)
    connection.sendall(b'"x"]}')


SOURCES = {
    "cisa_kev": lambda fetcher, url: CisaKev(fetcher, url=url, mirror_url=None).fetch(),
    "epss": lambda fetcher, url: Epss(fetcher, url=url, max_bytes=MAX_BYTES).fetch(wanted=["CVE-2026-1000"]),
    "nvd": lambda fetcher, url: Nvd(fetcher, url=url).fetch(),
    "ghsa": lambda fetcher, url: Ghsa(fetcher, url=url).fetch(),
    "misp": lambda fetcher, url: Misp(fetcher, url=url).fetch(),
    "misp event": fetch_event,
    "urlhaus": lambda fetcher, url: Urlhaus(fetcher, url=url, key=KEY).fetch(),
    "threatfox": lambda fetcher, url: Threatfox(fetcher, url=url, key=KEY).fetch(),
    "otx": lambda fetcher, url: Otx(fetcher, url=url, key=KEY).fetch(),
    "feed": lambda fetcher, url: FeedSource(fetcher, url, name="feed:x").fetch(),
    "hacker_news": lambda fetcher, url: HackerNews(fetcher, url=url).fetch(),
    "mastodon": lambda fetcher, url: Mastodon(fetcher, url, tags=["cve"], name="mastodon:x").fetch(),
}
UUID = "7a1f92cb-dba7-425f-aacd-85b80ff5cb9a"
MANIFEST = json.dumps({UUID: {"timestamp": "1658223000", "info": "x"}}).encode()
LARGE = lies.reply(b'{"vulnerabilities": [' + b'"x",' * 12_500_000 + b'"x"]}')  # 50 MB, and the length says so
LIES = {
    "hangs": lies.hang,
    "stops in the middle": lies.stall,
    "drips": lies.drip,
    "never ends": lies.endless,
    "50 MB": LARGE,
    "50 MB that were not announced": large,
    "gzip bomb": lies.BOMB,
    "gzip bomb without end": lies.endless_bomb,
    "bomb in a bomb": lies.reply(gzip.compress(gzip.compress(b"\0" * 50_000_000, 9), 9), Content_Encoding="gzip"),
    "a million gzip members": lies.reply(gzip.compress(b"") * 90_000, Content_Encoding="gzip"),
    "a million gzip members in a file": lies.reply(gzip.compress(b"") * 90_000),
    "not modified": lies.reply(b"", "304 Not Modified"),
    "truncated": lies.TRUNCATED,
    "not HTTP": lies.NOT_HTTP,
    "500": lies.reply(b"{}", "500 Oops"),
    "429": lies.reply(b"", "429 Slow", Retry_After="7"),
    "page": lies.reply(lies.PAGE),
    "page that says JSON": lies.reply(lies.PAGE, Content_Type="application/json"),
    "wrong type": lies.reply(b"\x89PNG\r\n\x1a\n" + bytes(200), Content_Type="image/png"),
    "garbage": lies.reply(b"\x00\x9c{]"),
    "nothing": lies.reply(b""),
    "a number": lies.reply(b"7"),
    "null": lies.reply(b"null"),
    "wrong shape": lies.reply(
        b'{"vulnerabilities": 7, "data": {"a": 1}, "results": 5, "urls": 3, "hits": 9,"Event": [], "query_status": 1}'
    ),
    "records that are none": lies.reply(
        json.dumps(
            {"vulnerabilities": [7, None, {"cve": 1}], "data": [None, 7], "results": [1], "urls": [2], "hits": [3]}
            | {"query_status": "ok", "count": 3, "Event": {"uuid": 4}, "x": {"timestamp": []}}
        ).encode()
    ),
    "deep": lies.reply(b"[" * 100_000),
    "another host": lies.reply(b"", "302 Found", Location="http://localhost:1/x"),
    "a private address": lies.reply(b"", "302 Found", Location="http://169.254.169.254/latest/meta-data"),
    "another port": lies.reply(b"", "302 Found", Location="http://127.0.0.1:1/x"),
    "a file": lies.reply(b"", "302 Found", Location="file:///etc/passwd"),
    "circle": lies.reply(b"", "302 Found", Location="/x"),
    "circle of posts": lies.reply(b"", "302 Found", Location="/x/api/v1/timelines/tag/cve"),
    "circle of events": lies.reply(b"", "302 Found", Location=f"/feed/{UUID}.json"),
}


SLOW = ("hangs", "stops in the middle", "drips")


@pytest.fixture(scope="module")
def client():
    with new_client() as made:
        yield made


@pytest.fixture(scope="module")
def fetcher(client):
    return HttpFetcher(client, timeout=PATIENCE, max_bytes=MAX_BYTES)


@pytest.fixture(scope="module")
def hasty(client):
    return HttpFetcher(client, timeout=TIMEOUT, max_bytes=MAX_BYTES)


@pytest.fixture(scope="module")
def server():
    with lies.Server({}) as made:
        yield made


def tell(server, lie):
    """Have the lie told at every address that a source asks; the manifest of the feed is true."""
    server.answers = {
        "/x": LIES[lie],
        "/x/manifest.json": LIES[lie],
        "/x/api/v1/timelines/tag/cve": LIES[lie],
        "/feed/manifest.json": lies.reply(MANIFEST),
        f"/feed/{UUID}.json": LIES[lie],
    }


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("source", SOURCES)
def test_a_lie_is_refused_in_bounded_time_and_told_to_a_person(server, fetcher, hasty, source, lie):
    tell(server, lie)
    with stopwatch() as took, pytest.raises(NetworkError) as caught:
        SOURCES[source](hasty if lie in SLOW else fetcher, f"{server.url}/x")
    assert took() < 10 * TIMEOUT + 2
    assert isinstance(caught.value, DashboardError)
    assert caught.value.message.endswith((".", "?")), caught.value.message
    if "host" in lie or "address" in lie or "port" in lie:
        assert isinstance(caught.value, UpstreamRejectedError)


@pytest.mark.parametrize("lie", ["never ends", "50 MB that were not announced", "gzip bomb", "bomb in a bomb"])
@pytest.mark.parametrize("source", SOURCES)
def test_a_lie_is_refused_in_bounded_memory(server, fetcher, source, lie):
    tell(server, lie)
    tracemalloc.start()
    try:
        with pytest.raises(NetworkError):
            SOURCES[source](fetcher, f"{server.url}/x")
        assert tracemalloc.get_traced_memory()[1] < 6 * MAX_BYTES
    finally:
        tracemalloc.stop()


def test_after_all_lies_a_true_answer_is_taken(server, fetcher):
    record = {"cveID": "DEMO-2026-0001", "vulnerabilityName": "T", "dateAdded": "2026-07-15"}
    server.answers["/x"] = lies.reply(json.dumps({"count": 1, "vulnerabilities": [record]}).encode())
    assert list(SOURCES["cisa_kev"](fetcher, f"{server.url}/x").fragments) == ["DEMO-2026-0001"]
