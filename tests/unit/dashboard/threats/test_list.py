"""The list is filtered, searched and paged over one state of it."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.dashboard.threats.cursor import decode, encode
from backend.dashboard.threats.names import is_telling, names_of
from backend.dashboard.threats.orders import ORDERS
from backend.dashboard.threats.search import find
from backend.dashboard.threats.snapshot import ThreatQuery, take_snapshot
from backend.errors import ValidationError
from tests.unit.dashboard.source_fakes import fragment

TODAY = date(2026, 7, 16)


def snapshot(fragments, scores=()):
    return take_snapshot([("cisa_kev", fragments)], [("epss", dict(scores))], TODAY)


MANY = snapshot(
    {
        f"CVE-2026-{number}": fragment(date_added=f"2026-0{1 + number % 7}-1{number % 9}")
        for number in range(1000, 1120)
    },
    {f"CVE-2026-{number}": {"epss": number % 10 / 10} for number in range(1000, 1120)},
)
FEW = snapshot(
    {
        "CVE-2026-1001": fragment(
            title="Microsoft SharePoint Deserialization", vendor="Microsoft", product="SharePoint"
        ),
        "CVE-2026-1002": fragment(
            title="QNAP Flaw", vendor="QNAP", product="NAS", summary="Used by ransomware.", ransomware=True
        ),
        "CVE-2026-1003": fragment(title="Apache Struts Flaw", vendor="Apache", product="Struts", known_exploited=None),
        "CVE-2026-1004": fragment(
            title="SharePoint Spoofing", vendor="Microsoft", product="SharePoint", ransomware=True
        ),
    }
)


def ids(page):
    return [record["id"] for record in page.records]


def walk(limit, sort):
    cursor, seen = None, []
    while True:
        page = MANY.page(ThreatQuery(limit=limit, cursor=cursor, sort=sort))
        seen += ids(page)
        cursor = page.next_cursor
        if cursor is None:
            return seen


@pytest.mark.parametrize("sort", sorted(ORDERS))
@pytest.mark.parametrize("limit", [1, 7, 60, 120, 200])
def test_the_pages_together_are_the_list_in_every_order(limit, sort):
    assert walk(limit, sort) == [record["id"] for record in sorted(MANY.records, key=ORDERS[sort])]


def test_the_orders_are_what_they_are_called():
    by_epss = [record["epss"] for record in MANY.page(ThreatQuery(limit=120, sort="epss")).records]
    assert by_epss == sorted(by_epss, reverse=True)
    urgent = [record["priority"] for record in MANY.page(ThreatQuery(limit=120)).records]
    assert urgent == sorted(urgent, reverse=True)
    assert [record["id"] for record in MANY.page(ThreatQuery(limit=120, sort="newest")).records] == [
        record["id"] for record in MANY.records
    ]


def test_the_last_page_has_no_cursor():
    assert MANY.page(ThreatQuery(limit=120)).next_cursor is None
    assert MANY.page(ThreatQuery(limit=119)).next_cursor is not None


def test_a_page_goes_on_where_the_last_one_ended_though_records_came_in_between():
    first = FEW.page(ThreatQuery(limit=2, sort="newest"))
    newer = snapshot(
        {**{r["id"]: fragment(**r) for r in FEW.records}, "CVE-2026-9999": fragment(date_added="2026-07-16")}
    )
    second = newer.page(ThreatQuery(limit=10, cursor=first.next_cursor, sort="newest"))
    assert ids(second) == ids(FEW.page(ThreatQuery(limit=10, sort="newest")))[2:]


@given(st.integers(-900_000, 0), st.floats(-1, 1), st.text(max_size=30))
def test_a_cursor_comes_back_as_it_went(added, epss, name):
    assert decode(encode("newest", (added, epss, name)), "newest") == (added, epss, name)


def test_a_cursor_of_another_order_is_refused():
    with pytest.raises(ValidationError):
        decode(encode("newest", (1, 2.0, "a")), "epss")


@pytest.mark.parametrize(
    "cursor", ["", "x", "!!!!", "W10", "e30", "WzEsMiwzXQ", "WyJhIiwxLCJiIl0", "\u00e9", "bnVsbA", "A" * 300]
)
def test_a_cursor_of_somebody_else_is_refused(cursor):
    with pytest.raises(ValidationError) as caught:
        decode(cursor, "newest")
    assert caught.value.details == {"cursor": ["Not a cursor of this list in this order."]}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"search": "sharepoint"}, {"1001", "1004"}),
        ({"search": "SharePoint  SPOOFING"}, {"1004"}),
        ({"search": "cve-2026-1003"}, {"1003"}),
        ({"search": "nothing like it"}, set()),
        ({"search": "  "}, {"1001", "1002", "1003", "1004"}),
        ({"severity": "critical"}, {"1002", "1004"}),
        ({"ransomware": True}, {"1002", "1004"}),
        ({"ransomware": False, "known_exploited": True}, {"1001"}),
        ({"known_exploited": False}, {"1003"}),
        ({"source": "cisa_kev"}, {"1001", "1002", "1003", "1004"}),
        ({"source": "epss"}, set()),
        ({"search": "sharepoint", "ransomware": True}, {"1004"}),
    ],
)
def test_filters_have_to_match_together(filters, expected):
    page = FEW.page(ThreatQuery(**filters))
    assert {name[-4:] for name in ids(page)} == expected
    assert page.total == len(expected)


def test_a_page_is_a_copy():
    FEW.page(ThreatQuery()).records[0]["title"] = "changed"
    assert all(record["title"] != "changed" for record in FEW.records)


def found(text="", ids=(), limit=10):
    return [record["id"][-4:] for record in find(FEW, ids, text, limit)]


def test_a_question_finds_what_it_is_about():
    assert found("What do you know about the SharePoint vulnerability?") == ["1001", "1004"]
    assert found("SharePoint and ransomware?")[0] == "1004"
    assert set(found("Which ones are used by ransomware?")) == {"1002", "1004"}
    assert found("Is cve-2026-1003 worse than SharePoint?")[0] == "1003"
    assert found("tell me about cats") == []


def test_ids_come_first_and_unknown_ones_are_left_out():
    assert found(ids=["CVE-2026-1004", "CVE-1999-0001", "cve-2026-1001"]) == ["1004", "1001"]


def test_without_a_question_the_list_itself_is_given():
    assert found(limit=3) == [record["id"][-4:] for record in FEW.records[:3]]


@pytest.mark.parametrize(
    "name", ["Windows", "SharePoint", "Red Hat", "Flash Player", "7-Zip", "PHP", "Exchange Server X2"]
)
def test_names_that_tell(name):
    assert is_telling(name)


@pytest.mark.parametrize(
    "name", ["Office", "Server", "Access", "Multiple Products", "Edge", "Web Server", "XR", "", "a b c d e f"]
)
def test_names_that_are_everyday_words(name):
    assert not is_telling(name)


def test_lists_of_products_are_taken_apart():
    names = names_of(
        [
            {"vendor": "Mozilla", "product": "Firefox, Firefox ESR, and Thunderbird"},
            {"vendor": "Synacor", "product": "Zimbra Collaboration Suite (ZCS)"},
            {"vendor": None, "product": "Multiple Products"},
        ]
    )
    assert set(names.values()) == {
        *("Mozilla", "Firefox", "Firefox ESR", "Thunderbird", "Synacor", "Zimbra Collaboration Suite"),
    }
    assert all(key == name.lower() for key, name in names.items())
