"""Whatever stands in the place of a field, a reader leaves it out or says that the answer is none; it never breaks."""

import copy
import json
from datetime import date

import pytest

from backend.dashboard.threats.index import ThreatIndex
from backend.dashboard.threats.snapshot import take_snapshot
from backend.dashboard.threats.stix_bundle import bundle
from backend.errors import NetworkError
from backend.sources import ghsa_answers, hacker_news, kev_catalogue, mastodon_posts, misp_answers, nvd_answers
from backend.sources import otx as otx_source
from backend.sources import threatfox as threatfox_source
from backend.sources import urlhaus as urlhaus_source
from backend.sources.epss_answers import parse_scores
from backend.sources.feed_reader import read_feed
from tests.unit.dashboard.source_fakes import NOW
from tests.unit.sources import test_cisa_kev, test_ghsa_and_misp, test_keyed_sources, test_mastodon, test_nvd

UUID = "00000000-0000-4000-8000-000000000001"
SCORE = {
    "type": "Primary",
    "source": "nvd@nist.gov",
    "cvssData": {"version": "3.1", "baseScore": 9.8, "vectorString": ""},
}
VULNERABLE = {"cpeMatch": [{"vulnerable": True, "criteria": "cpe:2.3:a:b:c:1:*:*:*:*:*:*:*"}]}
CVE = test_nvd.cve(
    1000,
    published="2026-07-01T10:15:00.000",
    lastModified="2026-07-02T10:15:00.000",
    metrics={"cvssMetricV31": [SCORE]},
    weaknesses=[{"description": [{"lang": "en", "value": "CWE-79"}]}],
    configurations=[{"nodes": [VULNERABLE]}],
    references=[{"url": "https://a.example/"}],
    cveTags=[{"tags": ["disputed"]}],
)
ADVISORY = test_ghsa_and_misp.advisory(
    1,
    cvss_severities={"cvss_v3": {"vector_string": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "score": 9.8}},
    vulnerabilities=[{"package": {"ecosystem": "npm", "name": "x"}}],
    cwes=[{"cwe_id": "CWE-79"}],
    references=["https://a.example/"],
)
ATTRIBUTES = [test_ghsa_and_misp.attribute("domain|ip", "a.example|192.0.2.1")]
EVENT = {"uuid": UUID, "info": "x", "timestamp": "1", "Attribute": ATTRIBUTES, "Tag": [{"name": "t"}]}
ADDRESS = {"url": "http://a.example/", "threat": "x", "tags": ["Mozi"], "date_added": "2026-07-15 10:00:00 UTC"}
STORY = {
    "title": "T",
    "objectID": "1",
    "url": "https://a.example/",
    "author": "a",
    "created_at": "2026-07-15T10:00:00Z",
}
ENTRY = {"id": "1", "url": "https://a.example/", "title": "T", "content_html": "x", "authors": [{"name": "a"}]}
ROW = {"cve": "CVE-2026-1000", "epss": "0.5", "percentile": "0.9", "date": "2026-07-15"}
READERS = {
    "kev": (
        json.loads(test_cisa_kev.catalogue(test_cisa_kev.RECORD)),
        lambda b: kev_catalogue.parse_catalogue(b).fragments,
    ),
    "nvd": ({"totalResults": 1, "vulnerabilities": [{"cve": CVE}]}, lambda b: nvd_answers.parse_page(b).fragments),
    "ghsa": ([ADVISORY], lambda b: ghsa_answers.parse_page(b).fragments),
    "misp": (
        {"Event": {**EVENT, "Object": [{"Attribute": ATTRIBUTES}]}},
        lambda b: {"E": misp_answers.parse_event(b).fragment},
    ),
    "manifest": ({UUID: {"timestamp": "1"}}, lambda b: {name: {} for name in misp_answers.parse_manifest(b)}),
    "otx": (
        {"results": [test_keyed_sources.pulse(1, tags=["a"])], "next": None},
        lambda b: otx_source.parse_pulses(b)[0],
    ),
    "threatfox": (
        {"query_status": "ok", "data": test_keyed_sources.IOCS},
        lambda b: threatfox_source.parse_indicators(b)[0],
    ),
    "urlhaus": ({"query_status": "ok", "urls": [ADDRESS]}, lambda b: urlhaus_source.parse_recent(b)[0]),
    "epss": ({"total": 1, "data": [ROW]}, lambda b: parse_scores(b, ["CVE-2026-1000"], [], 10_000).fragments),
    "hacker_news": ({"hits": [STORY]}, lambda b: hacker_news.read_stories(b) and {}),
    "mastodon": ([test_mastodon.post()], lambda b: mastodon_posts.read_posts(b, "https://a.example", ["x"]) and {}),
    "feed": (
        {"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": [ENTRY]},
        lambda b: read_feed(b, "https://a.example/") and {},
    ),
}
ODD = (
    None,
    True,
    -1,
    1e300,
    "",
    "x",
    "9" * 5000,
    "2025-02-30",
    "9999-12-31T23:59:59-14:00",
    [],
    {},
    [None],
    [[]],
    [{}],
)
ODD += ({"a": None}, ["x", 7], "http://a.example:99999/", "<b>&#xD800;</b>", "\u202e\0")


def places(value, at=()):
    """The way to every place of a document, but for its root."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield (*at, name)
        yield from places(part, (*at, name))


def with_odd(document, place, odd):
    made = copy.deepcopy(document)
    holder = made
    for name in place[:-1]:
        holder = holder[name]
    holder[place[-1]] = odd
    return json.dumps(made).encode()


@pytest.mark.parametrize("name", READERS)
def test_whatever_stands_in_a_place_is_left_out_or_refused(name):
    document, read = READERS[name]
    assert read(json.dumps(document).encode()) or name in ("hacker_news", "mastodon", "feed")
    index, refused, ways = ThreatIndex(), 0, list(places(document))
    for place in ways:
        for odd in ODD:
            try:
                found = read(with_odd(document, place, odd))
            except NetworkError:
                refused += 1
                continue
            snapshot = take_snapshot([(name, found)], [], date(2026, 7, 16))
            index.hold(snapshot.entries)
            assert len(bundle(list(snapshot.entries.values()), NOW)["objects"]) >= 2
    assert 0 < refused < len(ways) * len(ODD)
