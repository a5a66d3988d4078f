"""The simulated CVE database and advisories have the shapes of the real ones, and nothing in them is real."""

import json
from datetime import UTC, datetime, timedelta

from backend.demo import advisories, threats
from backend.sources import ghsa_answers, nvd_answers

START = datetime(2026, 7, 16, 12, tzinfo=UTC)


def nvd(now=START, **query):
    return nvd_answers.parse_page(json.dumps(advisories.nvd_page(query, now, START)).encode())


def test_the_exploited_ones_are_those_of_the_catalogue_and_have_scores():
    page = nvd()
    assert len(page.fragments) == threats.INITIAL == page.total
    assert all(each["cvss"]["score"] >= 8.8 for each in page.fragments.values())
    assert set(page.fragments) == {each["cveID"] for each in threats.catalogue(START, START)["vulnerabilities"]}


def test_pages_together_are_all_and_the_window_narrows_them():
    ids = [name for start in (0, 25, 50) for name in nvd(resultsPerPage="25", startIndex=str(start)).fragments]
    assert len(ids) == len(set(ids)) == threats.INITIAL
    week = {"lastModStartDate": (START - timedelta(days=7)).isoformat(), "lastModEndDate": START.isoformat()}
    changed = nvd(**week).fragments
    assert sum(int(name[-4:]) >= advisories.FIRST_OTHER for name in changed) == advisories.OTHERS
    later = START + timedelta(minutes=1)
    new = {"lastModStartDate": (START + timedelta(seconds=1)).isoformat(), "lastModEndDate": later.isoformat()}
    assert len(nvd(later, **new).fragments) == 3


def test_advisories_have_the_catalogues_records_as_aliases():
    page = ghsa_answers.parse_page(json.dumps(advisories.advisories({"per_page": "100"}, START, START)).encode())
    catalogue = {each["cveID"] for each in threats.catalogue(START, START)["vulnerabilities"]}
    assert len(page.fragments) == threats.INITIAL // 3
    assert {alias for each in page.fragments.values() for alias in each["aliases"]} <= catalogue


def test_nothing_can_be_mistaken_for_a_real_record():
    text = json.dumps([advisories.nvd_page({}, START, START), advisories.advisories({}, START, START)])
    assert "CVE-2" not in text
    assert text.count("Invented for the demo") >= threats.INITIAL
