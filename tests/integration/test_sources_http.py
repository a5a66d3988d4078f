"""Sources over real HTTP on loopback: recorded data whole and quickly, lies refused in bounded time."""

import json
import socket
import time

import pytest

from backend import runtime
from backend.config import GuardSettings, Settings, SourceSettings
from backend.dashboard.pulse.service import PulseService
from backend.dashboard.threats.service import ThreatService
from backend.errors import DashboardError, NetworkError, UpstreamRejectedError
from backend.resilience.guard import Guards, Policy
from backend.schemas.pulse import PulseUpdateSchema
from backend.schemas.threats import ThreatsUpdateSchema
from backend.sources.cisa_kev import CisaKev
from backend.sources.epss import Epss
from backend.sources.feeds import FeedSource
from backend.sources.fetcher import HttpFetcher, new_client
from backend.sources.registry import pulse_sources, threat_sources
from tests.integration import lying_server as lies
from tests.support.client import eventually
from tests.support.recorded import Epss as RecordedScores
from tests.support.requirements import require_data
from tests.support.stopwatch import stopwatch

TIMEOUT = 1.0
PATIENCE = 20.0
MAX_BYTES = 5_000_000
RSS = b'<rss version="2.0"><channel><title>N</title><item><title>T</title></item></channel></rss>'


@pytest.fixture
def client():
    with new_client() as made:
        yield made


@pytest.fixture
def fetcher(client):
    return HttpFetcher(client, timeout=PATIENCE, max_bytes=MAX_BYTES)


@pytest.fixture
def hasty(client):
    return HttpFetcher(client, timeout=TIMEOUT, max_bytes=MAX_BYTES)


@pytest.fixture
def server():
    with lies.Server({}) as made:
        yield made


LIES = {
    "hung": (lies.hang, NetworkError, "did not answer within 1 s"),
    "stalled": (lies.stall, NetworkError, "did not answer within 1 s"),
    "slow drip": (lies.drip, NetworkError, "did not finish its answer within 1 s"),
    "endless": (lies.endless, NetworkError, "larger than the 5 MB"),
    "announced too large": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n{",
        NetworkError,
        "larger than the 5 MB",
    ),
    "gzip bomb": (lies.BOMB, NetworkError, "larger than the 5 MB"),
    "endless gzip bomb": (lies.endless_bomb, NetworkError, "larger than the 5 MB"),
    "truncated": (lies.TRUNCATED, NetworkError, "ended its answer too early"),
    "not HTTP": (lies.NOT_HTTP, NetworkError, "does not speak HTTP"),
    "closed at once": (b"", NetworkError, "ended its answer too early"),
    "500": (lies.reply(b"{}", "500 Oops"), NetworkError, "error 500"),
    "429": (lies.reply(b"", "429 Slow", Retry_After="7"), NetworkError, "slow down"),
    "403 page": (lies.reply(lies.PAGE, "403 Forbidden"), UpstreamRejectedError, "refuses the request (403)"),
    "another host": (
        lies.reply(b"", "302 Found", Location="http://localhost:1/x"),
        UpstreamRejectedError,
        "another host (localhost)",
    ),
    "another port": (
        lies.reply(b"", "302 Found", Location="http://127.0.0.1:1/x"),
        UpstreamRejectedError,
        "another port",
    ),
    "circle": (lies.reply(b"", "302 Found", Location="/x"), NetworkError, "in a circle"),
    "page": (lies.reply(lies.PAGE), NetworkError, "a web page"),
    "garbage": (lies.reply(b"\x00\x9c{]"), NetworkError, "damaged or cut off"),
    "wrong JSON": (lies.reply(b'{"vulnerabilities": 7}'), NetworkError, "not a catalogue"),
    "cut catalogue": (lies.reply(b'{"count": 5, "vulnerabilities": []}'), NetworkError, "cut off: 0 of 5"),
}


SLOW = ("hung", "stalled", "slow drip")  # made of time; the others are found out by what they say


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_refused_in_bounded_time_and_named(server, fetcher, hasty, lie):
    answer, error, told = LIES[lie]
    server.answers["/x"] = answer
    kev = CisaKev(hasty if lie in SLOW else fetcher, url=f"{server.url}/x", mirror_url=None)
    with stopwatch() as took, pytest.raises(error) as caught:
        kev.fetch()
    assert took() < 2 * TIMEOUT + 1
    assert told in caught.value.message
    assert isinstance(caught.value, DashboardError)


def test_a_refused_connection_is_named(fetcher):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NetworkError) as caught:
        fetcher.get(f"http://127.0.0.1:{port}/")
    assert caught.value.message == "The server refused the connection."


def test_after_all_lies_the_fetcher_works_as_before(server, fetcher, hasty):
    for name in ("hung", "endless", "gzip bomb", "truncated", "not HTTP"):
        server.answers["/x"] = LIES[name][0]
        with pytest.raises(NetworkError):
            (hasty if name in SLOW else fetcher).get(f"{server.url}/x")
    server.answers["/x"] = lies.reply(b"well")
    assert [fetcher.get(f"{server.url}/x").body for _ in range(40)] == [b"well"] * 40


def test_a_redirect_on_the_same_host_is_followed_over_real_sockets(server, fetcher):
    server.answers["/x"] = lies.reply(b"", "301 Moved", Location="/y")
    server.answers["/y"] = lies.reply(b"here")
    assert fetcher.get(f"{server.url}/x").body == b"here"


def test_validators_go_back_and_forth(server, fetcher):
    server.answers["/feed"] = lies.reply(RSS, ETag='"v1"', Last_Modified="Wed, 15 Jul 2026 16:42:14 GMT")
    source = FeedSource(fetcher, f"{server.url}/feed", name="feed:x")
    first = source.fetch()
    server.answers["/feed"] = lies.reply(status="304 Not Modified")
    assert source.fetch(previous=first.validators).not_modified is True
    asked = server.requests[1].lower()
    assert 'if-none-match: "v1"' in asked
    assert "if-modified-since: wed, 15 jul 2026 16:42:14 gmt" in asked
    assert "user-agent: jupiter/0.1" in asked


def test_the_mirror_answers_while_the_source_hangs(server, client):
    class HastyWithTheSource(HttpFetcher):
        def get(self, url, **said):
            self._timeout = TIMEOUT if url.endswith("/kev") else PATIENCE
            return super().get(url, **said)

    record = {"cveID": "DEMO-2026-0001", "vulnerabilityName": "T", "dateAdded": "2026-07-15"}
    body = json.dumps({"count": 1, "vulnerabilities": [record]}).encode()
    server.answers = {"/kev": lies.hang, "/mirror": lies.reply(body)}
    fetcher = HastyWithTheSource(client, max_bytes=MAX_BYTES)
    kev = CisaKev(fetcher, url=f"{server.url}/kev", mirror_url=f"{server.url}/mirror", request_seconds=TIMEOUT)
    batch = kev.fetch()
    assert (list(batch.fragments), batch.via) == (["DEMO-2026-0001"], "its mirror")


@pytest.mark.parametrize("lie", ["page", "garbage", "500", "truncated", "gzip bomb", "endless"])
def test_feeds_and_scores_refuse_lies_too(server, fetcher, lie):
    server.answers["/x"] = LIES[lie][0]
    with pytest.raises(NetworkError):
        FeedSource(fetcher, f"{server.url}/x", name="feed:x").fetch()
    with pytest.raises(NetworkError):
        Epss(fetcher, url=f"{server.url}/x").fetch(wanted=["CVE-2026-1000"])


class Recorded:
    """The recorded data behind real HTTP, and services that use it."""

    def __init__(self, server, fetcher):
        self.data = require_data()
        self.feeds = sorted(path.name for path in (self.data / "rss").iterdir())
        scores = RecordedScores(self.data)

        def epss(connection):
            query = server.requests[-1].split()[1].partition("?")[2]
            asked = dict(part.split("=", 1) for part in query.split("&"))
            connection.sendall(lies.reply(scores.answer(asked)))

        stories = json.loads((self.data / "hn" / "hn-algolia-fixtures-2019.json").read_text())[5]["reply"]
        server.answers = {
            "/kev": lies.reply((self.data / "kev" / "kev-2026-07-15.json").read_bytes(), ETag='"k"'),
            "/epss": epss,
            "/hn": lies.reply(json.dumps(stories).encode()),
            "/nvd": lies.reply((self.data / "nvd" / "vunnel-full-page.json").read_bytes()),
            "/ghsa": lies.reply((self.data / "ghsa" / "rest-advisories-2026-02.json").read_bytes(), ETag='"g"'),
            **{f"/misp/{path.name}": lies.reply(path.read_bytes()) for path in (self.data / "misp" / "feed").iterdir()},
            **{f"/{name}": lies.reply((self.data / "rss" / name).read_bytes()) for name in self.feeds},
        }
        addresses = {"cisa_kev": "/kev", "epss": "/epss", "hacker_news": "/hn", "nvd": "/nvd", "ghsa": "/ghsa"}
        addresses["misp"] = "/misp/"
        settings = Settings(
            enabled_sources=(*addresses, "otx"),
            guard=GuardSettings(timeout_seconds=PATIENCE),
            sources={name: SourceSettings(url=server.url + path) for name, path in addresses.items()},
            pulse_feeds=tuple(f"{server.url}/{name}" for name in self.feeds),
        )
        guards, policy = Guards(), Policy(timeout=PATIENCE)
        self.threats = ThreatService(threat_sources(settings, fetcher), guards=guards, policy=policy)
        self.pulse = PulseService(
            pulse_sources(settings, fetcher),
            guards=guards,
            policy=policy,
            names=self.threats.names,
            has_threat=self.threats.has,
        )

    def start(self):
        """Begin, as the server does."""
        self.threats.start(runtime.spawn)
        self.pulse.start(runtime.spawn)

    def stop(self):
        """End."""
        self.pulse.stop()
        self.threats.stop()

    def loaded(self):
        """Whether every source has had its first answer."""
        return all(entry["status"] != "loading" for entry in [*self.threats.ledger(), *self.pulse.ledger()])


@pytest.fixture
def recorded(server):
    with new_client() as client:
        made = Recorded(server, HttpFetcher(client, timeout=PATIENCE))
        yield made
        made.stop()


@pytest.mark.data
def test_everything_recorded_is_on_show_within_five_seconds(recorded):
    with stopwatch() as took:
        recorded.start()
        eventually(recorded.loaded, timeout=60)
    assert took() < 5
    eventually(lambda: recorded.threats.ledger()[3]["records"] >= 1644, timeout=20)  # those that came last too

    threats = recorded.threats.query({"limit": 200})
    assert ThreatsUpdateSchema().validate(threats) == {}
    assert (threats["count"], threats["success"], threats["stale"]) == (200, True, False)
    assert sum(threat["epss"] is not None for threat in threats["threats"]) == 200
    shown = {entry["name"]: (entry["status"], entry["records"]) for entry in threats["sources"]}
    assert shown["otx"] == ("not_configured", 0)
    assert shown["epss"][1] >= 1644
    assert {name: shown[name][1] for name in ("cisa_kev", "ghsa", "nvd", "misp")} == {
        "cisa_kev": 1644,
        "ghsa": 15,
        "nvd": 38,
        "misp": 7,
    }
    assert 1644 + 7 < threats["total"] <= 1644 + 15 + 38 + 7

    pulse = recorded.pulse.query()
    assert PulseUpdateSchema().validate(pulse) == {}
    assert (pulse["status"], pulse["window_end"]) == ("stale", "2025-07-25T00:21:44+00:00")
    assert "Nothing newer than 25 Jul 2025: showing the 24 h before that." in pulse["message"]
    assert "SharePoint" in [topic["topic"] for topic in pulse["topics"]]


@pytest.mark.data
def test_a_feed_without_entries_has_its_line_and_costs_the_others_nothing(recorded):
    recorded.start()
    eventually(recorded.loaded, timeout=20)
    states = {entry["name"].rpartition("/")[2]: entry for entry in recorded.pulse.ledger()}
    failed = {name for name, entry in states.items() if entry["status"] != "live"}
    assert failed == {"incomplete-fields.atom", "rss_2.0_invalid_1.xml", "unrecognized.rss"}
    assert all(states[name]["error"] for name in failed)
    assert sum(entry["records"] for entry in states.values()) == 110 + 1


@pytest.mark.data
@pytest.mark.skipif(runtime.mode() == "threading", reason="without a hub there is none to stall")
def test_loading_everything_does_not_stall_the_hub(recorded):
    """In time of this process's own, because the machine that runs the tests has other things to do; best of 5."""
    worst = []
    for _ in range(5):
        worst.append(_longest_stall(recorded))
        if worst[-1] < 0.05:
            return
    pytest.fail(f"the hub stood still for {min(worst) * 1000:.0f} ms at best")


def _longest_stall(recorded):
    stalls, going = [], [True]

    def beat():
        while going:
            began = time.process_time()
            runtime.sleep(0.001)
            stalls.append(time.process_time() - began)

    beating = runtime.spawn(beat)
    runtime.sleep(0.01)
    stalls.clear()
    for keeper in (*recorded.threats._board.keepers, *recorded.pulse._board.keepers):
        keeper._validators = None
        keeper.line.as_of = None
    recorded.start()
    eventually(recorded.loaded, timeout=20)
    recorded.pulse.query()
    recorded.stop()
    going.clear()
    beating.wait(1)
    return max(stalls)


def test_a_forced_refresh_waits_no_longer_than_it_may_and_concurrent_ones_share_it(server, fetcher):
    server.answers["/kev"] = lies.hang
    kev = CisaKev(fetcher, url=f"{server.url}/kev", mirror_url=None, request_seconds=PATIENCE)
    threats = ThreatService([kev], guards=Guards(), policy=Policy(attempts=1), force_seconds=0.2)
    threats.start(runtime.spawn)
    answers = []
    with stopwatch() as took:
        asking = [
            runtime.spawn(lambda: answers.append(threats.query({"force_refresh": True})["message"])) for _ in range(5)
        ]
        assert all(task.wait(PATIENCE) for task in asking)
    assert took() < TIMEOUT  # by its own limit: the source is waited for much longer
    assert len(answers) == 5
    assert all("The refresh is still under way" in message for message in answers)
    assert len(eventually(lambda: server.requests)) == 1
    threats.stop()
