"""URLhaus, ThreatFox and OTX: without a key nothing, with one records of families with defanged indicators."""

import json
from datetime import UTC, datetime

import httpx
import pytest

from backend.errors import NetworkError, NotConfiguredError, UpstreamRejectedError
from backend.resilience.testing import FakeClock
from backend.sources.indicators import defang, indicator
from backend.sources.otx import MOST_PAGES, Otx
from backend.sources.threatfox import Threatfox
from backend.sources.urlhaus import Urlhaus
from tests.unit.sources.fakes import fetcher, inline

CLOCK = FakeClock(datetime(2026, 7, 16, 12, tzinfo=UTC))


def serving(body, asked=None):
    def answer(request):
        if asked is not None:
            asked.append(request)
        return httpx.Response(200, content=json.dumps(body))

    return fetcher(answer)


def test_pages_without_end_are_not_followed_for_ever():
    def answer(request):
        number = int(request.url.params["page"])
        return httpx.Response(200, content=json.dumps({"results": [pulse(number % 9)], "next": "https://more.example"}))

    otx, known = Otx(fetcher(answer), key="k", clock=CLOCK, offload=inline), None
    for _ in range(MOST_PAGES):
        batch = otx.fetch(previous=known)
        known = batch.validators
        if batch.again_in is None:
            return
    pytest.fail("they are")


@pytest.mark.parametrize("kind", [Urlhaus, Threatfox, Otx])
def test_without_a_key_nothing_is_asked(kind):
    source = kind(fetcher(lambda _: pytest.fail("asked")))
    assert source.needs == f"JUPITER_SOURCE_{source.name.upper()}_KEY"
    with pytest.raises(NotConfiguredError):
        source.fetch()


URLS = [
    {
        "url": f"http://bad{n}.example/x.sh",
        "date_added": f"2026-07-1{n} 01:33:26 UTC",
        "threat": "malware_download",
        "tags": ["elf", "Mozi"] if n < 3 else None,
        "urlhaus_reference": f"https://urlhaus.abuse.ch/url/{n}/",
    }
    for n in range(5)
]


def test_addresses_are_records_of_their_families():
    asked = []
    batch = Urlhaus(serving({"query_status": "ok", "urls": [*URLS, {}, 7]}, asked), key="k", offload=inline).fetch()
    assert set(batch.fragments) == {"URLHAUS-MOZI", "URLHAUS-MALWARE-DOWNLOAD"}
    mozi = batch.fragments["URLHAUS-MOZI"]
    assert (mozi["title"], mozi["indicator_count"], batch.skipped) == ("Mozi: 3 indicators", 3, 2)
    assert mozi["indicators"][0] == {"type": "url", "value": "hxxp://bad2[.]example/x.sh"}
    assert (mozi["published"], mozi["updated"]) == ("2026-07-10", "2026-07-12T01:33:26+00:00")
    assert asked[0].headers["auth-key"] == "k"


def test_no_recent_address_is_an_answer_too():
    assert Urlhaus(serving({"query_status": "no_results"}), key="k", offload=inline).fetch().fragments == {}


IOCS = [
    {"ioc": "203.0.113.7:443", "ioc_type": "ip:port", "malware_printable": "Cobalt Strike", "threat_type": "botnet_cc"},
    {
        "ioc": "A" * 64,
        "ioc_type": "sha256_hash",
        "malware_printable": "Cobalt Strike",
        "first_seen": "2026-07-15 10:00 UTC",
    },
    {"ioc": "c2.bad.example", "ioc_type": "domain", "malware": "win.lumma", "tags": ["stealer"]},
]


def test_indicators_are_records_of_their_malware_and_the_question_is_posted():
    asked = []
    batch = Threatfox(serving({"query_status": "ok", "data": [*IOCS, "x"]}, asked), key="k", offload=inline).fetch()
    assert set(batch.fragments) == {"THREATFOX-COBALT-STRIKE", "THREATFOX-WIN.LUMMA"}
    strike = batch.fragments["THREATFOX-COBALT-STRIKE"]["indicators"]
    assert {"type": "ip:port", "value": "203[.]0[.]113[.]7:443"} in strike
    assert {"type": "sha256", "value": "a" * 64} in strike
    assert (asked[0].method, json.loads(asked[0].content)) == ("POST", {"query": "get_iocs", "days": 1})


def test_a_wrong_key_is_told():
    with pytest.raises(UpstreamRejectedError, match="unknown_auth_key") as caught:
        Threatfox(serving({"query_status": "unknown_auth_key"}), key="k", offload=inline).fetch()
    assert caught.value.message == "The server does not accept the key."


def pulse(number, **more):
    return {
        "id": f"{number:024x}",
        "name": f"Campaign {number}",
        "created": "2026-07-01T08:00:00.123000",
        "modified": f"2026-07-{10 + number:02d}T08:00:00.123000",
        "indicators": [
            {"type": "IPv4", "indicator": "198.51.100.1"},
            {"type": "CVE", "indicator": "CVE-2026-1000"},
            {"type": "Unheard", "indicator": "x"},
        ],
        **more,
    }


def test_pulses_are_records_about_cves_with_what_changed_since():
    asked = []

    def answer(request):
        asked.append(dict(request.url.params))
        number = int(request.url.params["page"])
        more = "https://otx.example/next" if number < 2 else None
        return httpx.Response(200, content=json.dumps({"results": [pulse(number)], "next": more}))

    otx = Otx(fetcher(answer), key="k", clock=CLOCK, offload=inline)
    batch = otx.fetch()
    assert len(batch.fragments) == 2
    first = batch.fragments[f"OTX-{1:024X}"]
    assert (first["related"], first["indicator_count"]) == (["CVE-2026-1000"], 1)
    assert first["indicators"] == [{"type": "ip", "value": "198[.]51[.]100[.]1"}]
    assert (batch.delta, batch.again_in) == (True, None)
    otx.fetch(previous=batch.validators)
    assert (asked[0]["modified_since"], asked[2]["modified_since"]) == (
        "2026-06-16T12:00:00+00:00",
        "2026-07-12T08:00:00+00:00",
    )


@pytest.mark.parametrize("kind", [Urlhaus, Threatfox, Otx])
@pytest.mark.parametrize("body", [[], {}, {"query_status": "ok"}, {"results": {}}, {"urls": 1, "data": 2}])
def test_anything_else_is_refused_or_empty(kind, body):
    source = kind(serving(body), key="k", offload=inline)
    if kind is Urlhaus and body == {"query_status": "ok"}:
        assert source.fetch().fragments == {}
    else:
        with pytest.raises(NetworkError):
            source.fetch()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("http://a.example/x.y", "hxxp://a[.]example/x.y"),
        ("HTTPS://a.example", "hxxps://a[.]example"),
        ("hxxps://a[.]example/x", "hxxps://a[.]example/x"),
        ("ftp://a.example/x", "ftp[://]a[.]example/x"),
        ("a.example", "a[.]example"),
        ("192.0.2.1:80", "192[.]0[.]2[.]1:80"),
        ("me@a.example", "me[@]a[.]example"),
        ("javascript://a.example/%0aalert(1)", "javascript[://]a[.]example/%0aalert(1)"),
    ],
)
def test_addresses_are_written_so_that_nobody_follows_them(value, shown):
    assert defang(value) == shown
    assert defang(shown) == shown


def test_what_is_no_address_stays_as_it_is_and_nothing_is_none():
    assert indicator("filename", "a.b.exe") == {"type": "filename", "value": "a.b.exe"}
    assert indicator("url", " \u200b") is None
    assert indicator("url", 7) is None
