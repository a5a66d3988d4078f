"""The recorded upstreams that other tests rely on: their shapes and their faults, over real sockets."""

import json
import time
from email.utils import parsedate_to_datetime

import feedparser
import httpx
import pytest

from tests.support.client import eventually
from tests.support.upstream import GOOD_FEEDS, NAMES

pytestmark = pytest.mark.data


@pytest.fixture(autouse=True)
def _well(upstreams):
    upstreams.heal()


def _url(upstreams, name):
    settings = upstreams.environ()
    return {
        "kev": settings["JUPITER_SOURCE_CISA_KEV_URL"],
        "nvd": settings["JUPITER_SOURCE_NVD_URL"],
        "ghsa": settings["JUPITER_SOURCE_GHSA_URL"],
        "misp": settings["JUPITER_SOURCE_MISP_URL"] + "/manifest.json",
        "epss": settings["JUPITER_SOURCE_EPSS_URL"],
        "feeds": settings["JUPITER_PULSE_FEEDS"].split()[0],
        "hn": settings["JUPITER_SOURCE_HACKER_NEWS_URL"],
        "llm": settings["JUPITER_LLM_BASE_URL"] + "/models",
    }[name]


def _get(url, **options):
    with httpx.Client(timeout=30, trust_env=False) as client:
        return client.get(url, **options)


def _hangs(upstreams, name):
    """Ask an upstream that hangs, once, until it has the request and we have given up."""
    before = upstreams.requests(name)
    upstreams.set(**{name: "hang"})
    with pytest.raises(httpx.ReadTimeout):
        _get(_url(upstreams, name), timeout=httpx.Timeout(30, read=0.3))
    eventually(lambda: upstreams.requests(name) > before, timeout=30)


def test_the_catalogue_is_served_whole_and_answered_with_304_when_known(upstreams):
    first = _get(_url(upstreams, "kev"))
    assert len(first.json()["vulnerabilities"]) == 1644
    again = _get(_url(upstreams, "kev"), headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_scores_are_strings_and_come_filtered_or_in_pages(upstreams):
    url = _url(upstreams, "epss")
    [row] = _get(url, params={"cve": "CVE-2014-0160"}).json()["data"]
    assert float(row["epss"]) == 0.99999
    first = _get(url).json()
    assert (len(first["data"]), first["total"]) == (100, 1662)
    assert len(_get(url, params={"limit": "1000", "offset": "1000"}).json()["data"]) == 662


@pytest.mark.parametrize("name", GOOD_FEEDS)
def test_a_feed_is_the_recorded_one_with_its_newest_item_of_this_minute(upstreams, name):
    raw = _get(f"{upstreams.address('feeds')}/rss/{name}").content
    entries = feedparser.parse(raw).entries
    assert entries
    newest = max(time.mktime(e.published_parsed or e.updated_parsed) for e in entries if e.get("published_parsed"))
    assert abs(newest - time.mktime(time.gmtime())) < 3 * 86_400


def test_stories_have_a_date_within_the_last_hours(upstreams):
    hits = _get(_url(upstreams, "hn")).json()["hits"]
    assert len(hits) >= 5
    assert all(0 <= time.time() - hit["created_at_i"] < 86_400 for hit in hits)


def test_the_recorded_answer_of_the_model_is_streamed(upstreams):
    with httpx.Client(timeout=30, trust_env=False) as client:
        reply = client.post(f"{upstreams.address('llm')}/v1/chat/completions", json={"stream": True, "messages": []})
    lines = [line.removeprefix("data: ") for line in reply.text.splitlines() if line]
    events = [json.loads(line) for line in lines[:-1]]
    assert lines[-1] == "[DONE]"
    assert "".join(e["choices"][0]["delta"].get("content", "") for e in events if e["choices"]) == "Hello"
    assert json.loads(upstreams.last("llm")["body"])["stream"] is True


@pytest.mark.parametrize("name", NAMES)
def test_every_fault_is_what_it_is_called_and_concerns_that_upstream_alone(upstreams, name):
    url, other = _url(upstreams, name), _url(upstreams, "epss" if name == "kev" else "kev")
    _hangs(upstreams, name)
    assert _get(other).status_code == 200
    for fault, error in {"refuse": httpx.ConnectError, "truncated": httpx.RemoteProtocolError}.items():
        upstreams.set(**{name: fault})
        with pytest.raises(error):
            _get(url)
        assert _get(other).status_code == 200
    upstreams.set(**{name: "500"})
    assert _get(url).status_code == 500
    upstreams.set(**{name: "html"})
    assert "Checking your browser" in _get(url).text
    upstreams.set(**{name: "garbage"})
    with pytest.raises(ValueError, match=r".+"):
        json.loads(_get(url).content)
    upstreams.set(**{name: "nonsense"})
    assert json.loads(_get(url).content)["count"] == "many"
    upstreams.heal()
    assert _get(url).status_code == 200


def test_requests_are_counted_also_those_that_hang(upstreams):
    before = upstreams.requests("hn")
    _hangs(upstreams, "hn")
    assert upstreams.requests("hn") == before + 1


def test_moved_dates_keep_their_distances(upstreams):
    recorded = upstreams.data_file("rss/securityweek.xml")
    served = _get(f"{upstreams.address('feeds')}/rss/securityweek.xml").content
    spans = [_span(feedparser.parse(raw).entries) for raw in (recorded, served)]
    assert spans[0] == spans[1] > 0


def _span(entries):
    dates = [parsedate_to_datetime(entry.published) for entry in entries]
    return (max(dates) - min(dates)).total_seconds()
