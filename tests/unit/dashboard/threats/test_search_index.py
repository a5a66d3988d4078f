"""Full-text search over all that a record says, filters, and orders: one list."""

from datetime import date

import pytest

from backend.dashboard.threats.index import ThreatIndex
from backend.dashboard.threats.query import ThreatQuery
from backend.dashboard.threats.snapshot import take_snapshot
from tests.unit.dashboard.source_fakes import fragment

TODAY = date(2026, 7, 16)
EVENT = {
    "title": "Winter Vivern",
    "published": "2023-10-19",
    "related": ["CVE-2023-5631"],
    "tags": ["Keylogging - T1056.001"],
    "indicators": [{"type": "url", "value": "hxxps://recsecas[.]com/controlserver/checkupdate.js"}],
    "indicator_count": 1,
}
RECORDS = {
    "CVE-2026-1001": fragment(title="SharePoint Flaw", vendor="Microsoft", product="NAS", date_added="2026-07-01"),
    "CVE-2026-1002": fragment(title="Überlauf in Größe", vendor="QNAP", product="NAS", date_added="2026-07-10"),
    "CVE-2026-1003": fragment(title="Struts Flaw", vendor="Apache", summary="Like SharePoint.", known_exploited=None),
    "MISP-7A1F": EVENT,
}
SCORES = {"CVE-2026-1001": {"epss": 0.9}, "CVE-2026-1002": {"epss": 0.2}}
SNAPSHOT = take_snapshot([("cisa_kev", RECORDS)], [("epss", SCORES)], TODAY)


@pytest.fixture(scope="module")
def index():
    made = ThreatIndex()
    made.hold(SNAPSHOT.entries)
    return made


def search(index, text, **filters):
    query = ThreatQuery(search=text, **filters)
    return [r["id"][-4:] for r in SNAPSHOT.page(query, index.search(query.words)).records]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sharepoint", ["1001", "1003"]),
        ("share", ["1001", "1003"]),
        ("flaw struts", ["1003"]),
        ("sharepoint -apache", ["1001"]),
        ('"like sharepoint"', ["1003"]),
        ("cve-2026-1002", ["1002"]),
        ("cve-2026-10", ["1001", "1002", "1003"]),
        ("uberlauf grosse", []),
        ("uberlauf", ["1002"]),
        ("recsecas.com", ["7A1F"]),
        ("https://recsecas.com", ["7A1F"]),
        ("T1056.001", ["7A1F"]),
        ("CVE-2023-5631", ["7A1F"]),
        ("nothing-like-it", []),
        ("!!!", []),
        ('"', []),
        ("-sharepoint", []),
        ("flaw) OR (x", []),
        ("title:flaw NEAR(", []),
    ],
)
def test_a_search_finds_what_has_all_words(index, text, found):
    assert sorted(search(index, text)) == sorted(found)


def test_the_best_fit_comes_first_and_another_order_may_be_asked_for(index):
    assert search(index, "sharepoint") == ["1001", "1003"]
    assert search(index, "flaw", sort="newest")[0] == "1003"
    assert search(index, "cve-2026", sort="epss")[:2] == ["1001", "1002"]


def test_without_an_index_plain_words_are_looked_for():
    found = SNAPSHOT.page(ThreatQuery(search="sharepoint flaw microsoft")).records
    assert [record["id"] for record in found] == ["CVE-2026-1001"]


def test_only_what_changed_is_written_again(index):
    own = ThreatIndex()
    assert own.hold(SNAPSHOT.entries) == 4
    changed = {**RECORDS, "CVE-2026-1003": fragment(title="Renamed")}
    after = take_snapshot([("cisa_kev", changed)], [("epss", SCORES)], TODAY, before=SNAPSHOT)
    assert own.hold(after.entries) == 1
    assert set(own.search("renamed")) == {"CVE-2026-1003"}
    assert own.search("struts") == {}
    assert own.hold({}) == 0
    assert own.search("sharepoint") == {}


def test_a_record_that_cannot_be_written_leaves_the_index_as_it_was():
    own = ThreatIndex()
    own.hold(SNAPSHOT.entries)
    bad = take_snapshot(
        [("cisa_kev", {"CVE-2026-1001": fragment(title="New"), "X": fragment(title="\ud800")})], [], TODAY
    )
    with pytest.raises(UnicodeEncodeError):
        own.hold(bad.entries)
    assert (own.search("new"), len(own.search("cve-2026"))) == ({}, 3)
    good = take_snapshot([("cisa_kev", {"CVE-2026-1001": fragment(title="New")})], [], TODAY)
    assert own.hold(good.entries) == 1
    assert (len(own.search("new")), len(own.search("cve-2026"))) == (1, 1)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"vendor": "micro"}, {"1001"}),
        ({"epss_min": 0.5}, {"1001"}),
        ({"epss_max": 0.5}, {"1002"}),
        ({"epss_min": 0.2, "epss_max": 0.9}, {"1001", "1002"}),
        ({"since": date(2026, 7, 10)}, {"1002", "1003"}),
        ({"until": date(2026, 7, 9)}, {"1001", "7A1F"}),
        ({"since": date(2023, 10, 19), "until": date(2023, 10, 19)}, {"7A1F"}),
        ({"known_exploited": False}, {"1003", "7A1F"}),
        ({"source": "epss"}, {"1001", "1002"}),
    ],
)
def test_filters_narrow_the_list(filters, found):
    page = SNAPSHOT.page(ThreatQuery(**filters))
    assert {record["id"][-4:] for record in page.records} == found
    assert page.total == len(found)


def test_a_search_and_filters_have_to_match_together(index):
    assert search(index, "sharepoint", known_exploited=True) == ["1001"]


def test_a_search_is_paged_in_its_order(index):
    whole = search(index, "cve-2026")
    first = SNAPSHOT.page(ThreatQuery(search="cve-2026", limit=1), index.search("cve-2026"))
    rest = SNAPSHOT.page(ThreatQuery(search="cve-2026", cursor=first.next_cursor), index.search("cve-2026"))
    assert [r["id"][-4:] for r in first.records + rest.records] == whole
