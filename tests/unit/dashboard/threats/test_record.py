"""One record for each threat, with a severity and a priority that can be explained."""

from datetime import date

import pytest

from backend.dashboard.threats.merge import merge
from tests.unit.dashboard.source_fakes import fragment

TODAY = date(2026, 7, 16)
ID = "CVE-2026-1000"


def record(epss=None, percentile=None, **more):
    scores = [("epss", {ID: {"epss": epss, "percentile": percentile}})] if epss is not None else []
    return merge([("cisa_kev", {ID: fragment(**more)})], scores, TODAY)[0]


def test_what_no_source_knows_is_null():
    found = merge([("cisa_kev", {ID: {"title": "T"}})], [], TODAY)[0]
    unknown = {name for name, value in found.items() if value is None}
    assert unknown == {
        *("summary", "vendor", "product", "known_exploited", "ransomware", "required_action", "due_date"),
        *("date_added", "published", "updated", "epss", "percentile", "epss_date", "cvss"),
    }
    assert (found["severity"], found["priority"], found["priority_reasons"]) == ("unknown", 0, [])


def test_the_first_source_that_knows_is_believed_and_lists_are_joined():
    first = {"title": "First", "cwes": ["CWE-1"], "references": ["https://a.example/"]}
    second = {"title": "Second", "vendor": "V", "cwes": ["CWE-1", "CWE-2"]}
    found = merge([("one", {ID: first}), ("two", {ID: second})], [], TODAY)[0]
    assert (found["title"], found["vendor"], found["cwes"]) == ("First", "V", ["CWE-1", "CWE-2"])
    assert found["sources"] == ["one", "two"]


def test_a_source_that_enriches_adds_no_records():
    found = merge([("cisa_kev", {ID: fragment()})], [("epss", {"CVE-1999-0001": {"epss": 0.9}})], TODAY)
    assert [each["id"] for each in found] == [ID]
    assert found[0]["sources"] == ["cisa_kev"]


@pytest.mark.parametrize(
    ("given", "severity"),
    [
        ({}, "high"),
        ({"ransomware": True}, "critical"),
        ({"epss": 0.5}, "critical"),
        ({"epss": 0.49}, "high"),
        ({"known_exploited": None, "epss": 0.9}, "high"),
        ({"known_exploited": None, "epss": 0.1}, "unknown"),
    ],
)
def test_the_severity_follows_from_what_is_known(given, severity):
    found = record(**given)
    assert found["severity"] == severity
    assert found["severity_basis"]


def test_the_basis_names_what_decided():
    assert record(ransomware=True, epss=0.9)["severity_basis"] == "Known use in ransomware campaigns"
    assert record(epss=0.75)["severity_basis"] == "Known to be exploited, and EPSS is 75 %"


def test_the_priority_is_the_sum_of_its_reasons():
    score = {"version": "3.1", "vector": None, "score": 10.0, "severity": "critical", "source": "NVD", "primary": True}
    worst = record(ransomware=True, epss=1.0, percentile=1.0, date_added="2026-07-16", cvss=score)
    assert worst["priority"] == 95
    assert worst["priority_reasons"] == [
        "Known to be exploited",
        "Used in ransomware campaigns",
        "100 % likely to be exploited within 30 days, higher than 100 % of all CVEs (EPSS)",
        "CVSS 10.0 of 10 (critical by NVD)",
        "Added today",
    ]
    assert record(date_added="2020-01-01")["priority"] == 30


@pytest.mark.parametrize(
    ("added", "points", "reason"),
    [
        ("2026-07-15", 60, "Added yesterday"),
        ("2026-06-01", 38, "Added 45 days ago"),
        ("2026-05-17", 30, None),
        ("2030-01-01", 60, "Added today"),
    ],
)
def test_a_record_loses_its_newness_evenly(added, points, reason):
    found = record(date_added=added)
    assert found["priority"] == points
    assert found["priority_reasons"][1:] == ([reason] if reason else [])


def test_a_share_is_never_rounded_to_certainty_or_to_nothing():
    assert "99.9 % likely" in record(epss=0.99999)["priority_reasons"][1]
    assert "less than 1 % likely" in record(epss=0.0004)["priority_reasons"][1]


def test_the_order_is_newest_then_likeliest_then_id():
    fragments = {
        "CVE-2026-0004": fragment(date_added=None, published=None),
        "CVE-2026-0003": fragment(date_added="2026-07-01"),
        "CVE-2026-0002": fragment(date_added="2026-07-15"),
        "CVE-2026-0001": fragment(date_added="2026-07-15"),
        "CVE-2026-0005": fragment(date_added="2026-07-15"),
    }
    found = merge([("cisa_kev", fragments)], [("epss", {"CVE-2026-0005": {"epss": 0.2}})], TODAY)
    assert [each["id"][-1] for each in found] == ["5", "1", "2", "3", "4"]
